"""Physics and optimisation of a watercourse: from prices to a schedule.

`solve` is the only module that reaches a solver; what it returns is in `schedule`.
"""
