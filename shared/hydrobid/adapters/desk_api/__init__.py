"""The bid desk's REST API: which request is for which use case, and what both look like."""
