"""A stand-in for Terraform's Google provider: plans and applies offline, and reaches for nothing.

It knows the shape of each resource (`google_schema.json`) and none of Google's rules.
"""
