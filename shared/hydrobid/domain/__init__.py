"""Values and rules of hydropower bidding: no input or output, no clock, no randomness."""
