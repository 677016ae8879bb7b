"""The check of a run's trail: no event changed, none lost, also not the newest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from diagnosed_runs import put_right, scenario_each

from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.plan import Plan
from hydrobid.pipeline import paths
from hydrobid.pipeline.read_run import run_events, trail_faults
from hydrobid.schema import ClientInputs


@pytest.fixture(scope="module")
def whole(cascade_inputs: ClientInputs) -> tuple[InProcessPipeline, Plan]:
    return scenario_each(cascade_inputs)


@pytest.fixture
def stored(whole: tuple[InProcessPipeline, Plan]) -> Iterator[Stored]:
    """What is stored, put right again after the test."""
    with put_right(whole[0]):
        yield Stored(*whole)


class Stored:
    """The documents of a run, to be damaged."""

    def __init__(self, pipeline: InProcessPipeline, plan: Plan) -> None:
        self.documents, self.plan = pipeline.documents, plan
        asset = plan.assets[0]
        self.order = paths.order(plan.run, plan.portfolio, asset.price_area)
        self.outcome = paths.scenario(plan.run, asset.asset, asset.scenarios[0])
        self.area = paths.area(plan.run, plan.portfolio, asset.price_area)
        self.run = paths.run(plan.run)

    def events(self, path: str) -> list[str]:
        """The paths of the events of a document, oldest first."""
        own = paths.entity_of(path)
        told = [e for e in run_events(self.documents, self.plan.run) if e.entity == own]
        return [paths.event(event.id) for event in sorted(told, key=lambda event: event.version)]

    def lose(self, *lost: str) -> None:
        for path in lost:
            collection, _, name = path.rpartition("/")
            del self.documents._documents[path]
            self.documents._ids[collection].remove(name)

    def change(self, path: str, **fields: object) -> None:
        self.documents._documents[path].update(fields)

    def faults(self) -> list[str]:
        return trail_faults(self.documents, self.plan.run)


def test_trail__as_it_was_written__is_whole(stored: Stored):
    assert len(stored.events(stored.order)) > 2
    assert stored.faults() == []


@pytest.mark.parametrize("which", ["order", "outcome", "area", "run"])
def test_trail__the_newest_event_of_a_document_is_lost__is_told(stored: Stored, which: str):
    path = getattr(stored, which)
    events = stored.events(path)

    stored.lose(events[-1])

    own = paths.entity_of(path)
    assert stored.faults() == [f"{own}: its event of version {len(events)} is not there"]


def test_trail__all_events_of_a_document_are_lost__is_told(stored: Stored):
    stored.lose(*stored.events(stored.order))
    (fault,) = stored.faults()
    assert paths.entity_of(stored.order) in fault


def test_trail__an_event_in_the_middle_is_lost__is_told_once(stored: Stored):
    events = stored.events(stored.order)

    stored.lose(events[1])

    own = paths.entity_of(stored.order)
    assert stored.faults() == [
        f"{own}: version 3 where 2 belongs",
        f"{own}~3: does not follow the event before it",
    ]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda s, event: s.change(event, data={"matrix": "other"}), "does not match its hash"),
        (lambda s, event: s.change(event, run="other~2026-03-29~r1"), "does not match its hash"),
        (lambda s, event: s.change(event, version="first"), f"{paths.EVENTS}/orders"),
        (lambda s, _: s.change(s.order, chain="0" * 64), "is not the event that its document"),
        (lambda s, _: s.change(s.run, inputs={**s.documents.get(s.run)["inputs"], "configuration": "0" * 64}), "other inputs"),
    ],
)  # fmt: skip
def test_trail__something_was_changed__is_told(
    stored: Stored, damage: Callable[[Stored, str], None], words: str
):
    damage(stored, stored.events(stored.order)[1])
    assert any(words in fault for fault in stored.faults())


def test_trail__a_document_that_has_expired__keeps_its_events_and_is_no_fault(stored: Stored):
    stored.lose(stored.outcome)
    assert stored.faults() == []


def test_trail__events_that_came_after_the_document_was_read__are_no_fault(stored: Stored):
    order, find = stored.documents.get(stored.order), stored.documents.find
    events = stored.events(stored.order)
    before = stored.documents.get(events[-2])
    stored.change(stored.order, version=order["version"] - 1, chain=before["hash"])

    assert find(paths.EVENTS)
    assert stored.faults() == []
