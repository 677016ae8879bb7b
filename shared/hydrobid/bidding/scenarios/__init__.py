"""Scenario sets as distributions: made from forecasts and their errors, reduced, held to account."""
