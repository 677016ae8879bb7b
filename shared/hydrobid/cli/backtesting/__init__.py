"""What the `backtest` command does: read, check, run in processes, tell.

It loads the solver; `hydrobid.cli.backtest` imports it only when it is called.
"""
