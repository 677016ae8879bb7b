"""The services that the benchmark of the emulators measures, a module each."""
