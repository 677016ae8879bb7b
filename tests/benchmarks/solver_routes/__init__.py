"""What the benchmark of solvers compares: the case, and one module for each kind of route."""
