"""The use cases of a daily bid, and the ports that they need."""
