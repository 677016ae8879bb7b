"""From solved scenarios to bid curves and matrices. Nothing here reaches a solver."""
