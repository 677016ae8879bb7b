"""Random problems for the optimiser, and an independent formulation of them."""
