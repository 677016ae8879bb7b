"""What a bid method would have earned on days that are past, against perfect foresight.

This part of `bidding` reaches the solver: the functions that make bids from solved scenarios never
import it.
"""
