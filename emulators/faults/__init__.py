"""Faults on demand: a file says which calls of the local cloud's services go wrong, and how.

`rules` holds what a rule is, `reading` the file's form, `switch` decides for each call whether a
fault strikes it, `effects` is what the faults of requests do. docs/faults.md is the user's guide.
"""
