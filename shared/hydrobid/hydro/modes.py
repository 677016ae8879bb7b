"""The ways in which a plant can run: which units, in which ranges of power, or which pumps.

Units that are alike are not told apart: two of three running is one mode, whichever they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import prod

from hydrobid.domain.identifiers import Identifier
from hydrobid.domain.watercourse import GeneratingUnit, Plant, Pump

# A plant of more modes than this is searched along its merit order alone.
MAX_MODES = 128


@dataclass(frozen=True)
class Running:
    """A machine on, within one of its allowed ranges of power in MW."""

    machine: GeneratingUnit | Pump
    power_from: float
    power_to: float


@dataclass(frozen=True)
class Kind:
    """Machines of a plant that are alike in all but name, and the ranges in which each may run."""

    names: tuple[Identifier, ...]
    ranges: tuple[Running, ...]

    @property
    def start_cost(self) -> float:
        """What a start of one costs."""
        return self.ranges[0].machine.start_cost

    @property
    def stop_cost(self) -> float:
        """What a stop of one costs."""
        machine = self.ranges[0].machine
        return machine.stop_cost if isinstance(machine, GeneratingUnit) else 0.0

    @property
    def pumps(self) -> bool:
        """Whether these lift water."""
        return isinstance(self.ranges[0].machine, Pump)


@dataclass(frozen=True)
class Mode:
    """What runs of each kind: a range for each machine that is on, by rising position."""

    running: tuple[tuple[int, ...], ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many of each kind are on."""
        return tuple(len(ranges) for ranges in self.running)


def kinds_of(plant: Plant) -> tuple[Kind, ...]:
    """Return a plant's machines by likeness, in the order in which each likeness first comes."""
    alike: dict[str, list[GeneratingUnit | Pump]] = {}
    for machine in plant.machines:
        likeness = machine.model_dump_json(exclude={"name"}) + type(machine).__name__
        alike.setdefault(likeness, []).append(machine)
    return tuple(
        Kind(tuple(machine.name for machine in machines), tuple(_ranges(machines[0])))
        for machines in alike.values()
    )


def modes_of(kinds: tuple[Kind, ...]) -> tuple[Mode, ...]:
    """Return the modes of a plant, the one in which nothing runs first.

    Pumps and units do not run at a time. Of more than MAX_MODES those are kept in which machines
    are on in the order of their kinds, as their plant names them.
    """
    off = Mode(tuple(() for _ in kinds))
    modes = [off]
    for choices in _by_direction(kinds):
        found = product(*choices) if _few(choices) else _in_order(choices)
        modes += [mode for mode in map(Mode, found) if mode != off]
    return tuple(modes)


def all_modes(kinds: tuple[Kind, ...]) -> bool:
    """Whether `modes_of` has every mode: there are no more than are searched."""
    return all(_few(choices) for choices in _by_direction(kinds))


def _by_direction(kinds: tuple[Kind, ...]) -> Iterator[list[list[tuple[int, ...]]]]:
    """Yield what each kind may do while units run, and while pumps do."""
    for pumping in (False, True):
        yield [list(_choices(kind)) if kind.pumps is pumping else [()] for kind in kinds]


def _few(choices: list[list[tuple[int, ...]]]) -> bool:
    return prod(map(len, choices)) <= MAX_MODES


def _ranges(machine: GeneratingUnit | Pump) -> Iterator[Running]:
    zones = machine.forbidden_zones if isinstance(machine, GeneratingUnit) else ()
    ends = [machine.power_min]
    for zone in zones:
        ends += [zone.power_from, zone.power_to]
    ends.append(machine.power_max)
    for low, high in zip(ends[::2], ends[1::2], strict=True):
        least, most = max(low, machine.power_min), min(high, machine.power_max)
        if least <= most:
            yield Running(machine, least, most)


def _choices(kind: Kind) -> Iterator[tuple[int, ...]]:
    for count in range(len(kind.names) + 1):
        yield from combinations_with_replacement(range(len(kind.ranges)), count)


def _in_order(choices: list[list[tuple[int, ...]]]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield choices in which a kind runs only once all kinds before it run in full."""
    full: list[tuple[int, ...]] = []
    for position, choice in enumerate(choices):
        rest: list[tuple[int, ...]] = [()] * (len(choices) - position - 1)
        for ranges in choice:
            yield (*full, ranges, *rest)
        full.append(choice[-1])
