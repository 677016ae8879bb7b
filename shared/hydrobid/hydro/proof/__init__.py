"""What no schedule of a problem can be worth more than, with every step erring upwards.

`docs/head-search.md`, "Why the bound holds", has the argument.
"""
