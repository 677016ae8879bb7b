"""New prices start one run after a pause; files of a bucket are taken or told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from examples import DAY, PRICE_COLUMNS, SINTEF, published, sintef_prices, with_asset_fields

from hydrobid.adapters.memory import MemoryDailyBids
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.alerts import AlertCode
from hydrobid.domain.errors import FileGone, InvalidInput, ServiceUnavailable
from hydrobid.domain.messages import FileArrived, GuardTick
from hydrobid.domain.series import SeriesKind
from hydrobid.pipeline import paths
from hydrobid.pipeline.arrivals import GRACE, MOST_PAUSES, seconds_to_wait, start_after_arrival
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.ports import Document
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.push_series import PushedFile, push_series
from hydrobid.pipeline.take_file import named, take_file
from hydrobid.schema import ClientInputs
from hydrobid.schema.price_files import SourceFile

SECOND = timedelta(seconds=1)


def push(pipeline: InProcessPipeline, factor: float) -> None:
    file = SourceFile("prices.csv", (PRICE_COLUMNS + sintef_prices(factor)).encode())
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    push_series(*ports, PushedFile(SeriesKind.PRICES, file, by="somebody"))


def plan(pipeline: InProcessPipeline, execution: str, *, settle: bool):
    request = PlanRequest(
        client=SINTEF, day=DAY, settle=settle, execution=execution, callback="http://x"
    )
    return plan_run(pipeline.documents, pipeline.clock, request)


def wait(pipeline: InProcessPipeline) -> int:
    return seconds_to_wait(pipeline.documents, pipeline.clock)


def advance(pipeline: InProcessPipeline, span: timedelta) -> None:
    pipeline.clock.advance(span)
    pipeline.clock.advance_real(span)


def test_arrivals__several_in_a_row__start_one_run_after_the_last(sintef: InProcessPipeline):
    for factor in (1.1, 1.2, 1.3):
        advance(sintef, 20 * SECOND)
        push(sintef, factor)
        sintef.deliver()

    assert sintef.bids.started == [(SINTEF, DAY)]
    assert wait(sintef) == 60
    advance(sintef, 45 * SECOND)
    assert wait(sintef) == 15
    advance(sintef, 15 * SECOND)
    assert wait(sintef) == 0
    assert plan(sintef, "e1", settle=True).inputs == "new"


def test_arrivals__that_never_end__put_a_run_off_for_so_long_only(sintef: InProcessPipeline):
    waited = timedelta(0)
    push(sintef, 1.0)
    sintef.deliver()
    while wait(sintef) and waited < timedelta(hours=1):
        advance(sintef, 50 * SECOND)
        waited += 50 * SECOND
        push(sintef, 1 + waited.total_seconds() / 10_000)
        sintef.deliver()

    assert MOST_PAUSES * 60 * SECOND <= waited <= (MOST_PAUSES + 1) * 60 * SECOND
    # Nobody waits any more: what arrives from now on is the next one's.
    push(sintef, 3.0)
    sintef.deliver()
    assert len(sintef.bids.started) == 2


@pytest.mark.parametrize(
    ("before", "waits"), [(30 * SECOND, 30), (-30 * SECOND, 0)], ids=["before", "after"]
)
def test_arrivals__near_the_solve_cut_off__the_pause_ends_there(
    sintef: InProcessPipeline, before: timedelta, waits: int
):
    solve = plan(sintef, "e1", settle=False).plan.cut_offs.solve
    advance(sintef, solve - before - sintef.clock.now())
    push(sintef, 1.5)
    sintef.deliver()

    assert wait(sintef) == waits
    advance(sintef, waits * SECOND)
    assert wait(sintef) == 0
    assert plan(sintef, "e2", settle=True).inputs == "new"


def test_arrivals__nothing_new__starts_nothing(sintef: InProcessPipeline):
    push(sintef, 1.5)
    plan(sintef, "e1", settle=False)
    sintef.deliver()
    push(sintef, 1.5)
    sintef.deliver()

    assert sintef.bids.started == []


def test_arrivals__prices_that_do_not_hold_the_next_day__start_nothing(sintef: InProcessPipeline):
    rows = "".join(f"a,NO2,2026-11-23T{n // 4:02}:{15 * (n % 4):02}+01:00,50\n" for n in range(96))
    file = SourceFile("old.csv", (PRICE_COLUMNS + rows).encode())
    ports = (sintef.documents, sintef.clock, sintef.messages)
    push_series(*ports, PushedFile(SeriesKind.PRICES, file, by="somebody"))
    sintef.deliver()

    assert sintef.bids.started == []


def test_arrivals__none_are_to_start_runs__starts_nothing(sintef_inputs: ClientInputs):
    stated = sintef_inputs.configuration["configuration"]
    configuration = {
        **sintef_inputs.configuration,
        "configuration": {**stated, "inputs": {"debounce": None}},
    }
    pipeline = published(ClientInputs(configuration, sintef_inputs.scenario_sets))
    push(pipeline, 1.5)
    pipeline.deliver()

    assert pipeline.bids.started == []


class Dying(MemoryDailyBids):
    """Starts an execution, and dies before it can say so."""

    def start(self, client, day) -> None:
        super().start(client, day)
        raise ServiceUnavailable("killed")


def test_arrivals__killed_while_starting__a_repetition_starts_it_for_sure(
    sintef: InProcessPipeline,
):
    push(sintef, 1.5)
    ports = (sintef.documents, sintef.clock)
    with pytest.raises(ServiceUnavailable):
        start_after_arrival(*ports, Dying(), SINTEF)

    sintef.deliver()
    push(sintef, 1.6)
    sintef.deliver()

    assert sintef.bids.started == [(SINTEF, DAY)]


def test_arrivals__the_execution_that_waited_is_lost__another_is_started(
    sintef: InProcessPipeline,
):
    push(sintef, 1.5)
    sintef.deliver()
    advance(sintef, MOST_PAUSES * 60 * SECOND + GRACE)
    push(sintef, 1.6)
    sintef.deliver()

    assert len(sintef.bids.started) == 2


def test_guard__prices_that_are_in_no_run__are_told_until_one_is_made_from_them(
    sintef: InProcessPipeline,
):
    """The execution that was to make it has died; one that still waits may make it yet."""
    submission = plan(sintef, "e1", settle=False).plan.cut_offs.submission
    advance(sintef, submission - 8 * 60 * SECOND - sintef.clock.now())
    push(sintef, 1.5)
    sintef.deliver()
    advance(sintef, 8 * 60 * SECOND)
    sintef.handle(GuardTick(client=SINTEF))
    assert not unused(sintef)
    advance(sintef, 3 * 60 * SECOND)
    sintef.handle(GuardTick(client=SINTEF))
    (alert,) = unused(sintef)
    assert "prices of day-ahead" in alert["message"]

    advance(sintef, 60 * SECOND)
    assert plan(sintef, "e2", settle=False).inputs == "new"
    sintef.handle(GuardTick(client=SINTEF))
    assert not unused(sintef)


def unused(pipeline: InProcessPipeline) -> list[Document]:
    told = pipeline.documents.find(paths.ALERTS, code=AlertCode.INPUTS_UNUSED).values()
    return [alert for alert in told if alert["resolved"] is None]


def test_plan__an_execution_of_the_day_is_at_work__one_of_an_arrival_leaves_it_to_that(
    sintef: InProcessPipeline,
):
    push(sintef, 1.5)
    advance(sintef, 61 * SECOND)
    assert not plan(sintef, "daily", settle=False).done
    advance(sintef, SECOND)
    assert plan(sintef, "arrival", settle=True).done
    # The one that was first goes on, also where its answer was lost and it asks again.
    assert not plan(sintef, "daily", settle=True).done


# --- files of the bucket ---


class Folder:
    def __init__(self, files: dict[tuple[str, str], bytes]) -> None:
        self.files = files

    def read(self, name: str, version: str) -> bytes:
        if (name, version) not in self.files:
            raise FileGone(name)
        return self.files[name, version]


PRICES = (PRICE_COLUMNS + sintef_prices(1.5)).encode()


def take(pipeline: InProcessPipeline, files: dict[tuple[str, str], bytes], name: str, version="1"):
    published = pipeline.clock.now() - timedelta(minutes=int(version))
    message = FileArrived(client=SINTEF, name=name, version=version, published=published)
    ports = (pipeline.documents, pipeline.clock, pipeline.messages)
    return take_file(*ports, Folder(files), message)


def open_alerts(pipeline: InProcessPipeline) -> list[tuple[str, str]]:
    stored = pipeline.documents.find(paths.ALERTS).values()
    return [(a["code"], a["subject"]) for a in stored if a["resolved"] is None]


def test_file__of_prices__is_taken_once_however_often_it_is_told(sintef: InProcessPipeline):
    files = {("prices/nov.csv", "1"): PRICES}

    first, again = (take(sintef, files, "prices/nov.csv") for _ in range(2))

    assert first is not None
    assert again is not None
    assert (first.outcome, again.outcome) == ("new", "unchanged")
    published = datetime.fromisoformat("2026-11-24T09:29+00:00")
    (known,) = current_inputs(sintef.documents).series[SeriesKind.PRICES].values()
    assert known.published == published


def test_file__refused__is_told_until_one_of_that_name_is_taken(sintef: InProcessPipeline):
    files = {("prices/nov.csv", "2"): b"price\n1\n", ("prices/nov.csv", "1"): PRICES}

    with pytest.raises(InvalidInput):
        take(sintef, files, "prices/nov.csv", "2")
    assert open_alerts(sintef) == [(AlertCode.INPUT_FILE_REFUSED, "prices/nov.csv")]

    take(sintef, files, "prices/nov.csv", "1")
    assert open_alerts(sintef) == []


def test_file__without_a_must_have_scenario__is_refused_and_named(sintef_inputs: ClientInputs):
    inputs = with_asset_fields(sintef_inputs, coverage={"must_have": ["s07", "s08"]})
    pipeline = published(inputs)
    known = current_inputs(pipeline.documents)
    renamed = (PRICE_COLUMNS + sintef_prices(1.1)).replace("s07,", "s7,").encode()
    files = {("prices/nov.csv", "1"): renamed, ("prices/nov.csv", "2"): PRICES}

    with pytest.raises(InvalidInput, match=r"without s07.*that coverage\.must_have of") as refused:
        take(pipeline, files, "prices/nov.csv")
    assert "s08" not in str(refused.value)
    assert open_alerts(pipeline) == [(AlertCode.INPUT_FILE_REFUSED, "prices/nov.csv")]
    assert current_inputs(pipeline.documents) == known

    take(pipeline, files, "prices/nov.csv", "2")
    assert open_alerts(pipeline) == []


def test_file__replaced_before_it_was_read__is_the_newer_ones_business(sintef: InProcessPipeline):
    assert take(sintef, {}, "prices/nov.csv") is None
    assert open_alerts(sintef) == []


def test_file__name__says_what_is_in_it():
    assert named("levels/morning.csv") == (SeriesKind.LEVELS, None)
    assert named("prices/day-ahead/nov.parquet") == (SeriesKind.PRICES, "day-ahead")
    for name in ("nov.csv", "other/nov.csv", "prices/a/b/nov.csv", "prices"):
        with pytest.raises(InvalidInput, match="a folder that says what is in it"):
            named(name)
