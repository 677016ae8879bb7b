"""The bid desk: a person who withdraws, locks, releases and stops, and tries again what broke."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from simulation import client
from simulation.functions import Functions
from simulation.history import History
from simulation.kernel import Ended
from simulation.ports import World

from hydrobid.domain.errors import GateClosed, InvalidInput
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.identifiers import PriceArea
from hydrobid.domain.orders import KillSwitch, OrderRecord
from hydrobid.pipeline import paths
from hydrobid.pipeline.hold_order import hold_orders, orders_of, release_orders, turn_kill_switch

SHARE = 0.4
"""The share of schedules in which the desk does anything."""
PROMPTED = 0.5
"""The share of its deeds that follow on what it sees of an order, the others at any time."""
COUNTS = (1, 1, 2, 3, 4)
DEEDS = ("withdraw", "withdraw", "lock", "lock", "release", "release", "switch on", "switch off")
PAUSE = 5.0
SOON = 30.0
PROMPTS = (1, 2, 3, 4, 5, 6, 8, 12)
"""Which writes of orders prompt a deed: the desk is quickest to act while a bid is being sent."""


@dataclass(frozen=True)
class Desk:
    """What the desk does in one schedule."""

    world: World
    functions: Functions
    history: History
    areas: tuple[str, ...]

    def begin(self) -> None:
        """Have it all done at its time, at the latest soon after the gate."""
        kernel, choices = self.world.kernel, self.world.choices
        if choices.unit("desk") >= SHARE:
            return
        last = client.GATE.timestamp() + SOON
        for number in range(choices.pick(COUNTS, "deeds of the desk")):
            deed = choices.pick(DEEDS, f"deed {number}")
            area = choices.pick((None, *self.areas), f"area of deed {number}")
            act = self._deed(number, deed, area, 1)
            if not self.world.faults.happens(f"desk {deed} @ {number}"):
                continue
            if choices.unit(f"deed {number} is prompted") < PROMPTED:
                wait = self.world.scale * choices.unit(f"time of deed {number}")
                prompt = choices.pick(PROMPTS, f"prompt of deed {number}")
                self.history.when_orders_written.setdefault(prompt, []).append(
                    partial(kernel.after, wait, act)
                )
            else:
                kernel.at(choices.between(kernel.now, last, f"time of deed {number}"), act)

    def _deed(self, number: int, deed: str, area: str | None, attempt: int) -> Callable[[], None]:
        def ended(how: Ended) -> None:
            refused = isinstance(how.error, GateClosed | InvalidInput)
            over = self.world.kernel.now >= client.GATE.timestamp()
            if (how.error is not None or how.crashed) and not refused and not over:
                again = self._deed(number, deed, area, attempt + 1)
                self.world.kernel.after(PAUSE, again)

        def start() -> None:
            self.world.kernel.spawn(
                f"desk {deed} {number}/{attempt}", lambda: self._do(deed, area), ended
            )

        return start

    def _do(self, deed: str, area: str | None) -> None:
        ports = (self.functions.documents, self.functions.clock, self.functions.messages)
        act = Act(by="desk", reason=deed)
        if deed.startswith("switch"):
            on = deed == "switch on"
            turned = turn_kill_switch(*ports, client.CLIENT, act, on=on)
            kind = HoldKind.WITHDRAWN if on else None
            self._check_done(deed, kind, paths.KILL_SWITCH, turned if turned.chain else None)
            return
        orders = orders_of(*ports[:2], client.DAY, area)
        changed: Mapping[PriceArea, OrderRecord | None]
        if deed == "release":
            kind = None
            changed = release_orders(*ports, orders, act)
        else:
            kind = HoldKind.WITHDRAWN if deed == "withdraw" else HoldKind.LOCKED
            changed = hold_orders(*ports, orders, kind, act)
        asked = self.areas if area is None else (area,)
        if {*asked} != changed.keys():
            self.history.break_off(f"{deed} of {asked} was done for {sorted(changed)} alone")
        for of, order in changed.items():
            self._check_done(f"{deed} of {of}", kind, orders.paths[of], order)

    def _check_done(
        self, deed: str, kind: HoldKind | None, path: str, record: OrderRecord | KillSwitch | None
    ) -> None:
        """Whoever meets no error finds the hold that was asked for written down, None: no hold."""
        found = None if record is None or record.hold is None else record.hold.kind
        if found is not kind:
            self.history.break_off(f"{deed} is said to be done, and the hold is {found}")
        if record is not None and not self.history.is_written(path, record):
            self.history.break_off(f"{deed} is said to be done, and was never written")
