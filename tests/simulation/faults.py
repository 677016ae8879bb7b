"""Which faults strike where: chosen by the seed, by name, so that one can be left out alone.

Every seed turns on some kinds of faults and leaves others out, at rates of its own: schedules with
one kind in plenty find other things than those with a little of everything.
"""

from __future__ import annotations

from collections.abc import Collection

from simulation.kernel import Choices

KINDS = (
    "crash-before",  # the process dies before a write, a publish or a request
    "crash-after",
    "error-before",  # a service says that it cannot, and has not
    "error-after",  # the answer is lost, though the service has
    "created-twice",  # a client repeats a create whose answer was lost, and finds it done
    "transacted-twice",  # a client runs a transaction again that was made, whose answer was lost
    "read-error",
    "freeze",  # an instance stands still for longer than a lease
    "duplicate",  # a message is delivered twice
    "delay",  # a message or a request takes minutes
    "exchange-lost",  # a request never arrives, which nobody knows
    "exchange-late",  # a request acts long after its caller has given up
    "exchange-frozen",  # an instance stands still just before its request, and makes it then
    "exchange-denied",
    "exchange-forbids",  # the account may not bid with the portfolio, this time that it is asked
    "exchange-refuses",  # a content
    "exchange-doubts",  # a version of an order that stands
    "infeasible",  # a scenario
    "solver-dies",
    "solver-hangs",
    "request-twice",  # an HTTP request reaches its function twice
    "execution-killed",  # and resumed from its journal
    "execution-lost",  # and not resumed
    "tick-twice",
    "tick-missed",
)
RATES = (0.01, 0.03, 0.1, 0.3)
RARE = {
    "freeze": 0.1,
    "crash-before": 0.3,
    "crash-after": 0.3,
    "error-before": 0.3,
    "error-after": 0.3,
    "read-error": 0.2,
    "execution-killed": 0.3,
}
"""Kinds that are asked for at every step strike less often each time."""


class Faults:
    """The faults of one schedule; `struck` lists them in the order in which they happened.

    only: the names of those that may strike, all when None. quiet: whether none strikes any more, save
    at sites whose names begin with `stormy`.
    """

    def __init__(self, choices: Choices, only: Collection[str] | None = None) -> None:
        self._choices = choices
        self._only = None if only is None else frozenset(only)
        self._asked: dict[str, int] = {}
        self.struck: list[str] = []
        self.quiet = False
        self.stormy: str | None = None
        self.rates = {kind: self._rate(kind) for kind in KINDS}

    def strikes(self, kind: str, site: str) -> bool:
        """Return whether a fault of a kind strikes at a site, this time."""
        rate = self.rates[kind]
        if rate == 0.0 or self.calm(site):
            return False
        where = f"{kind} @ {site}"
        asked = self._asked[where] = self._asked.get(where, 0) + 1
        name = f"{where} #{asked}"
        if self._choices.unit(name) >= rate:
            return False
        if self._only is not None and name not in self._only:
            return False
        self.struck.append(name)
        return True

    def calm(self, site: str) -> bool:
        """Return whether no fault strikes at a site any more."""
        return self.quiet and (self.stormy is None or not site.startswith(self.stormy))

    def always(self, kind: str, site: str) -> bool:
        """Return whether a fault of a kind belongs to a site, each time the same."""
        name = f"{kind} @ {site}"
        if self._choices.unit(name) >= self.rates[kind]:
            return False
        if self._only is not None and name not in self._only:
            return False
        if name not in self.struck:
            self.struck.append(name)
        return True

    def happens(self, event: str) -> bool:
        """Return whether an event of the day happens, which is no fault but can be left out."""
        if self._only is not None and event not in self._only:
            return False
        self.struck.append(event)
        return True

    def _rate(self, kind: str) -> float:
        if self._choices.unit(f"rate {kind}") < 0.6:
            return 0.0
        rate: float = self._choices.pick(RATES, f"rate of {kind}")
        return rate * RARE.get(kind, 1.0)
