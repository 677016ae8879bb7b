"""The one place that wires adapters to use cases, a small module per function."""
