"""In which order scenarios are solved, so that whatever is solved when time runs out stands for the set.

A bid on the first scenarios should find prices spread as the whole set spreads them. So each next
one brings the distribution of the first ones nearest to that of the set, by the energy distance of
Székely and Rizzo, Energy statistics: a class of statistics based on distances (2013):

    2 E|X - Y| - E|X - X'| - E|Y - Y'|        X of the first ones, Y of the set, by probability

Points chosen one by one like this are kernel herding's (Chen, Welling and Smola, Super-samples from
kernel herding, 2010). Forward selection, which brings each scenario of the set near to a chosen one,
chooses what lies in the middle of many others first: the first few then say too little of high and of
low prices, which is where curves bend.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hydrobid.bidding.scenarios.selection import DECIMALS, MOST_ORDERED, Floats, distances


class _Mixture:
    """Members that have been taken, by their probability, out of N that may be.

    apart: (N, N) distances of the members. to_set: (N,) expected distance to a scenario of the set.
    """

    def __init__(self, apart: Floats, to_set: Floats, probabilities: Floats) -> None:
        self._apart, self._to_set, self._probabilities = apart, to_set, probabilities
        self._mass = self._outward = self._inward = 0.0
        self._near = np.zeros(len(apart))

    def unlike(self) -> Floats:
        """Return the (N,) energy distance to the set, less what all have in common, with each taken."""
        weights = self._probabilities
        mass = self._mass + weights
        outward = (self._outward + weights * self._to_set) / mass
        inward = (self._inward + 2 * weights * self._near) / mass**2
        unlike: Floats = np.round(2 * outward - inward, DECIMALS)
        return unlike

    def take(self, member: int) -> None:
        """Take one more member."""
        weight = self._probabilities[member]
        self._mass += weight
        self._outward += weight * self._to_set[member]
        self._inward += 2 * weight * self._near[member]
        self._near += weight * self._apart[member]


def balanced_order(values: Floats, probabilities: Floats) -> NDArray[np.intp]:
    """Return the (S,) positions of scenarios such that each beginning is spread as the set is.

    values: (S, T). Of equal ones the first comes first. Beyond the most probable ones, as many as
    fit into memory, the others follow by their probability.
    """
    ranked = np.argsort(-probabilities, kind="stable")
    pool = np.sort(ranked[:MOST_ORDERED])
    weights = probabilities[pool]
    apart = distances(values[pool], values[pool])
    taken = _Mixture(apart, apart @ weights, weights)
    open_, order = np.ones(len(pool), dtype=bool), []
    for _ in pool:
        best = int(np.argmin(np.where(open_, taken.unlike(), np.inf)))
        taken.take(best)
        open_[best] = False
        order.append(best)
    return np.concatenate([pool[order], ranked[MOST_ORDERED:]])


def side_by_side(
    values: Floats, probabilities: Floats, groups: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Return the groups, each in an order such that together they are spread as the set all the way.

    values: (S, T). groups: positions, each in one group at most. The groups take turns, and each
    turn takes the member of its group that brings what this group and those before it have taken
    nearest to the set: however many groups are under way, they are the first ones.
    """
    members = np.array([position for group in groups for position in group], dtype=np.intp)
    ends = np.cumsum([len(group) for group in groups])
    own = np.searchsorted(ends, np.arange(len(members)), side="right")
    known = np.sort(np.argsort(-probabilities, kind="stable")[:MOST_ORDERED])
    to_set = distances(values[members], values[known]) @ probabilities[known]
    apart = distances(values[members], values[members])
    taken: list[list[int]] = [[] for _ in groups]
    for turn in range(max(map(len, groups), default=0)):
        so_far = _Mixture(apart, to_set, probabilities[members])
        for at, group in enumerate(groups):
            for member in taken[at]:
                so_far.take(member)
            if turn < len(group):
                mine = own == at
                mine[taken[at]] = False
                best = int(np.argmin(np.where(mine, so_far.unlike(), np.inf)))
                so_far.take(best)
                taken[at].append(best)
    return [members[order].tolist() for order in taken]
