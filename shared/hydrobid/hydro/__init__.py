"""Physics and optimisation of a watercourse: from prices to a schedule.

`optimise` finds the schedule of one problem, `solve` those of many scenarios; what they return is
in `schedule`. Only `highs` reaches a solver.
"""
