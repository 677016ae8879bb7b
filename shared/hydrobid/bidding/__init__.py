"""From solved scenarios to bid curves and matrices. Only `backtest` reaches a solver."""
