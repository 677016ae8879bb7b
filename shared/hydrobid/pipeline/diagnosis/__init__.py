"""What a run's documents say of how it went, a question a module; `diagnose_run` asks them all."""
