"""Parallel steps, and resuming: threads that go on in the recorded order arrive where they were."""

from __future__ import annotations

import asyncio
import random

import pytest

from emulators.workflows.checks import deployable
from emulators.workflows.effects import SendRequest
from emulators.workflows.errors import WorkflowError, system_error
from emulators.workflows.interpreter import Interpreter
from emulators.workflows.journal import Journal, MemoryJournal


class UnsteadyHost:
    """Lets every effect take its time, by chance; counts the requests that are in flight."""

    def __init__(self, seed: int, failures: float = 0.2) -> None:
        self._random = random.Random(seed)
        self._failures = failures
        self.in_flight = self.most_in_flight = 0

    async def perform(self, effect, key):
        self.in_flight += isinstance(effect, SendRequest)
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        for _ in range(1 + self._random.randrange(6)):
            await asyncio.sleep(0)
        self.in_flight -= isinstance(effect, SendRequest)
        if isinstance(effect, SendRequest) and self._random.random() < self._failures:
            raise system_error("ConnectionError", "lost")
        return self._random.randrange(1000)


class Prefix(MemoryJournal):
    """A journal that begins with the first entries of another."""

    def __init__(self, entries) -> None:
        super().__init__()
        for entry in entries:
            self.append(entry)


def run(source: str, host=None, store=None):
    journal = Journal(store or MemoryJournal())
    interpreter = Interpreter(deployable(source), {}, host or UnsteadyHost(0), journal)
    result = asyncio.run(asyncio.wait_for(interpreter.run(None), 20))
    assert not journal.replaying
    return result


FLAT = """
- all:
    parallel:
      concurrency_limit: %s
      for:
        value: n
        range: [1, %d]
        steps:
          - ask: {call: http.get, args: {url: "http://solver"}}
"""
NESTED = """
- all:
    parallel:
      concurrency_limit: %s
      for:
        value: n
        range: [1, %d]
        steps:
          - each:
              parallel:
                for:
                  value: m
                  range: [1, 5]
                  steps:
                    - ask: {call: http.get, args: {url: "http://solver"}}
"""


@pytest.mark.parametrize(
    ("source", "limit", "count", "most"),
    [
        (FLAT, "20", 50, 20),
        (FLAT, "3", 50, 3),
        (FLAT, "${2 + 2}", 50, 4),
        (FLAT, "30", 50, 20),
        (FLAT, "20", 7, 7),
        # The limit is that of its own step; an outer iteration that only waits takes no place.
        (NESTED, "3", 25, 15),
        (NESTED, "20", 25, 20),
    ],
)
def test_parallel__never_more_in_flight_than_allowed(source, limit, count, most):
    host = UnsteadyHost(seed=1, failures=0)
    run(source % (limit, count), host)
    assert host.most_in_flight == most


THREE_DEEP = """
main:
  steps:
    - outer:
        parallel:
          branches:
            - one:
                steps:
                  - inner:
                      parallel:
                        for: {value: n, range: [1, 2], steps: [{deep: {call: deepest}}]}
deepest:
  steps:
    - third:
        parallel:
          branches: [{leaf: {steps: [{look: {call: sys.now}}]}}]
"""


def test_parallel__nests_two_deep_and_not_three():
    with pytest.raises(WorkflowError) as raised:
        run(THREE_DEEP)
    assert raised.value.payload["tags"] == ["ParallelNestingError"]
    assert run(THREE_DEEP.replace("call: deepest", "call: sys.now")) is None


def test_parallel__unhandled_errors_are_gathered_and_the_rest_goes_on():
    source = """
main:
  steps:
    - begin: {assign: [{done: []}]}
    - work:
        try:
          parallel:
            shared: [done]
            branches:
              - good: {steps: [{a: {call: sys.now}}, {b: {assign: [{done: '${list.concat(done, "good")}'}]}}]}
              - bad: {steps: [{c: {raise: broken}}]}
              - worse: {steps: [{d: {assign: [{x: "${1 / 0}"}]}}]}
        except:
          as: e
          steps:
            - told: {return: "${[done, e]}"}
"""
    done, error = run(source)
    assert done == ["good"]
    assert error["tags"] == ["UnhandledBranchError", "RuntimeError"]
    assert [branch["id"] for branch in error["branches"]] == ["bad", "worse"]
    broken, division = (branch["error"] for branch in error["branches"])
    assert broken["payload"] == "broken"
    assert 'in step "c", routine "main", line: 11' in broken["context"]
    assert division["payload"]["tags"] == ["ZeroDivisionError"]


def test_parallel__more_than_a_hundred_unhandled_errors_end_the_execution():
    source = """
- work:
    try:
      parallel: {for: {value: n, range: [1, 101], steps: [{bad: {raise: no}}]}}
    except: {steps: [{caught: {return: caught}}]}
"""
    with pytest.raises(WorkflowError) as raised:
        run(source)
    assert raised.value.payload["tags"] == ["ResourceLimitError"]
    assert run(source.replace("101", "100")) == "caught"


def test_parallel__variables_of_iterations_are_their_own():
    source = """
- begin: {assign: [{seen: []}]}
- work:
    parallel:
      shared: [seen]
      for:
        value: n
        index: i
        in: [a, b, c]
        steps:
          - own: {assign: [{mine: "${n + string(i)}"}]}
          - wait: {call: sys.now}
          - skip: {switch: [{condition: "${i == 1}", next: continue}]}
          - note: {assign: [{seen: "${list.concat(seen, mine)}"}]}
- done: {return: "${seen}"}
"""
    assert sorted(run(source)) == ["a0", "c2"]


SUM = """
- begin: {assign: [{total: 0}]}
- work:
    parallel:
      shared: [total]
      for:
        value: n
        range: [1, 20]
        steps:
%s
- done: {return: "${total}"}
"""
ONE_ASSIGNMENT = """
          - wait: {call: sys.now}
          - add: {assign: [{total: "${total + n}"}]}
"""
TWO_STEPS = """
          - look: {assign: [{seen: "${total}"}]}
          - wait: {call: sys.now}
          - add: {assign: [{total: "${seen + n}"}]}
"""


def test_parallel__a_race_for_a_shared_variable_is_lost_between_steps_and_never_within_one():
    assert run(SUM % ONE_ASSIGNMENT) == 210
    assert run(SUM % TWO_STEPS) < 210


# Whoever goes on first decides what the others see, which requests are made and which fail.
RACE = """
main:
  steps:
    - begin: {assign: [{order: []}, {turns: 0}]}
    - race:
        try:
          parallel:
            shared: [order, turns]
            concurrency_limit: 4
            for:
              value: n
              range: [1, 9]
              steps:
                - roll: {call: sys.now, result: rolled}
                - pair:
                    parallel:
                      shared: [order, turns]
                      for:
                        value: m
                        range: [1, 3]
                        steps:
                          - begin_pair: {assign: [{order: "${list.concat(order, [n, m])}"}]}
                          - ask:
                              try:
                                call: http.get
                                args: {url: '${"http://solver/" + string(turns)}'}
                                result: answer
                              retry: {predicate: "${retry.always}", max_retries: 1}
                          - note:
                              assign:
                                - turns: ${turns + 1}
                                - order: ${list.concat(order, [n, m, answer, turns, rolled])}
                - odd:
                    switch:
                      - condition: ${turns % 2 == 1}
                        call: http.get
                        args: {url: "http://odd"}
        except:
          as: e
          steps:
            - told:
                assign: [{order: "${list.concat(order, len(e.branches))}"}]
    - done: {return: "${order}"}
"""


@pytest.mark.parametrize("seed", range(8))
def test_resume__from_every_point_arrives_where_it_was(seed):
    """Given a run that ended, when it is resumed after any entry, then what was noted stays so."""
    print(f"seed {seed}")
    store = MemoryJournal()
    result = run(RACE, UnsteadyHost(seed), store)
    entries = store.entries()
    assert run(RACE, UnsteadyHost(seed + 1000), Prefix(entries)) == result
    points = random.Random(seed).sample(range(len(entries)), 12)
    for point in points:
        resumed = Prefix(entries[:point])
        ended = run(RACE, UnsteadyHost(seed + point), resumed)
        assert resumed.entries()[:point] == entries[:point]
        # A pair makes a note in the slices that begin with its start and with its answer.
        noting = [e for e in entries[:point] if e.kind in ("Start", "SendRequest")]
        sure = sum(e.key.count("#") == 3 and not e.failed for e in noting)
        assert ended[:sure] == result[:sure]


def test_resume__keeps_to_the_places_that_are_taken():
    store = MemoryJournal()
    source = NESTED % ("20", 25)
    run(source, UnsteadyHost(seed=3, failures=0), store)
    for point in range(0, len(store.entries()), 25):
        host = UnsteadyHost(seed=point, failures=0)
        run(source, host, Prefix(store.entries()[:point]))
        assert host.most_in_flight <= 20


def test_resume__a_journal_of_another_program_ends_the_execution():
    store = MemoryJournal()
    run("- look: {call: sys.now}", store=store)
    with pytest.raises(WorkflowError, match="recorded ReadClock at #1, now GenerateUuid"):
        run("- make: {call: uuid.generate}", store=Prefix(store.entries()))
