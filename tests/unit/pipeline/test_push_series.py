"""Series that arrive by themselves: which version counts, what a run makes of it, what is told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from examples import DAY, MORNING, PRICE_COLUMNS, SINTEF, published, sintef_prices, with_horizon

from hydrobid.adapters.memory import MemoryDocuments
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.alerts import AlertCode
from hydrobid.domain.errors import Contended, InputsStale, InvalidInput
from hydrobid.domain.identifiers import AssetId, Identifier
from hydrobid.domain.messages import GuardTick, InputsArrived
from hydrobid.domain.series import SeriesKind
from hydrobid.domain.time import utc_text
from hydrobid.pipeline import paths
from hydrobid.pipeline.plan_run import PlanRequest, plan_run
from hydrobid.pipeline.publish_inputs import current_inputs, publish_inputs
from hydrobid.pipeline.push_series import PushedFile, _tell_spikes, publications, push_series
from hydrobid.pipeline.run_inputs import asset_inputs, configuration_in, plan_of, position_in
from hydrobid.schema import ClientInputs
from hydrobid.schema.price_files import SourceFile

ASSET, SET = "shop-standard-example", "prices"
HOUR = timedelta(hours=1)


def with_policy(inputs: ClientInputs, **policy: object) -> ClientInputs:
    stated = inputs.configuration["configuration"]
    configuration = {**inputs.configuration, "configuration": {**stated, "inputs": policy}}
    return ClientInputs(configuration, inputs.scenario_sets)


def push(pipeline: InProcessPipeline, kind: SeriesKind, text: str, **fields: object):
    file = SourceFile(str(fields.pop("name", f"{kind}.csv")), text.encode())
    pushed = PushedFile(kind, file, by="somebody", **fields)  # type: ignore[arg-type]
    return push_series(pipeline.documents, pipeline.clock, pipeline.messages, pushed)


def prices(factor: float) -> str:
    return PRICE_COLUMNS + sintef_prices(factor)


def levels(*rows: tuple[datetime, float], column: str = "Reservoir1") -> str:
    return "\n".join([f"time,{column}", *(f"{utc_text(at)},{value}" for at, value in rows), ""])


def planned(pipeline: InProcessPipeline):
    return plan_run(pipeline.documents, pipeline.clock, PlanRequest(client=SINTEF, day=DAY)).plan


def reservoirs(pipeline: InProcessPipeline, plan) -> dict[str, float]:
    (asset,) = configuration_in(pipeline.documents, plan).assets
    return {r.name: r.start_volume for r in asset.watercourse.reservoirs}


def test_push__prices__the_next_revision_is_made_from_them(sintef: InProcessPipeline):
    first = planned(sintef)
    sintef.clock.advance(HOUR)

    done = push(sintef, SeriesKind.PRICES, prices(1.5))
    second = planned(sintef)

    assert done.outcome == "new"
    assert (first.run.revision, second.run.revision) == (1, 2)
    assert (first.series, list(second.series)) == ({}, [SeriesKind.PRICES])
    (version,) = second.series[SeriesKind.PRICES].values()
    assert (version.content, version.published) == (
        done.publication.content,
        sintef.clock.now(),
    )
    means = [
        asset_inputs(sintef.documents, plan, plan.assets[0])[2].prices["NO2"].mean()
        for plan in (first, second)
    ]
    assert means[1] == pytest.approx(1.5 * means[0], abs=0.01)


@pytest.mark.parametrize(
    "ahead", [timedelta(minutes=10), -timedelta(minutes=10)], ids=["ahead", "behind"]
)
def test_push__by_another_machine_than_the_folder_was_published_by__counts_as_newer(
    sintef_inputs: ClientInputs, ahead: timedelta
):
    """Whose clock is off, and who publishes between two runs."""
    pipeline = published(sintef_inputs)
    first = planned(pipeline)
    pipeline.clock.advance(ahead)
    other = with_policy(sintef_inputs, debounce=120)
    publish_inputs(pipeline.documents, pipeline.clock, other.configuration, other.scenario_sets)
    pipeline.clock.advance(timedelta(minutes=1) - ahead)
    second = planned(pipeline)
    push(pipeline, SeriesKind.PRICES, prices(1.5))
    third = planned(pipeline)

    assert [plan.run.revision for plan in (first, second, third)] == [1, 2, 3]
    assert first.as_of < second.as_of < third.as_of


def test_push__a_run_keeps_the_versions_that_it_was_made_from(sintef: InProcessPipeline):
    push(sintef, SeriesKind.PRICES, prices(1.5))
    plan = planned(sintef)
    before = asset_inputs(sintef.documents, plan, plan.assets[0])[2].to_document()
    sintef.clock.advance(HOUR)

    push(sintef, SeriesKind.PRICES, prices(2))

    again = plan_of(sintef.documents, plan.run)
    assert again == plan
    assert asset_inputs(sintef.documents, again, again.assets[0])[2].to_document() == before


def test_push__the_same_file_again__is_one_version_and_no_news(sintef: InProcessPipeline):
    first = push(sintef, SeriesKind.PRICES, prices(1.5))
    plan = planned(sintef)
    sintef.clock.advance(HOUR)

    again = push(sintef, SeriesKind.PRICES, prices(1.5))

    assert again.outcome == "unchanged"
    assert [p.content for p in publications(sintef.documents)] == [first.publication.content]
    assert planned(sintef) == plan
    # Told again all the same: whoever took it first may have died before it could.
    assert list(sintef.messages.waiting) == [InputsArrived(client=SINTEF)] * 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_push__whatever_order_files_arrive_in__the_last_published_counts(
    sintef_inputs: ClientInputs, order: tuple[int, ...]
):
    pipeline = published(sintef_inputs)
    start = pipeline.clock.now() - 3 * HOUR
    pushes = [(start, 1.2), (start + HOUR, 1.4), (start + 2 * HOUR, 1.2)]

    for at in (*order, *order):
        pipeline.clock.advance(timedelta(minutes=1))
        when, factor = pushes[at]
        push(pipeline, SeriesKind.PRICES, prices(factor), published=when)

    known = current_inputs(pipeline.documents).series[SeriesKind.PRICES][Identifier(_set(pipeline))]
    assert known.published == pushes[2][0]
    low, high = publications(pipeline.documents)[-1], publications(pipeline.documents)[0]
    assert known.content == low.content != high.content


def _set(pipeline: InProcessPipeline) -> str:
    (name,) = current_inputs(pipeline.documents).scenario_sets
    return name


def test_push__published_in_the_future__is_refused(sintef: InProcessPipeline):
    later = sintef.clock.now() + HOUR
    with pytest.raises(InvalidInput, match="published"):
        push(sintef, SeriesKind.PRICES, prices(1.5), published=later)


def test_publish__changed_prices_of_the_folder_take_the_place_of_what_arrived(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    push(sintef, SeriesKind.PRICES, prices(1.5))
    push(sintef, SeriesKind.LEVELS, levels((sintef.clock.now(), 890.0)))

    def publish(inputs: ClientInputs):
        ports = (sintef.documents, sintef.clock)
        return publish_inputs(*ports, inputs.configuration, inputs.scenario_sets).series

    assert set(publish(sintef_inputs)) == {SeriesKind.PRICES, SeriesKind.LEVELS}
    (name,) = sintef_inputs.scenario_sets
    other = {name: {**sintef_inputs.scenario_sets[name], "file": "edited.csv"}}
    assert set(publish(ClientInputs(sintef_inputs.configuration, other))) == {SeriesKind.LEVELS}


def test_push__levels__the_day_begins_with_the_last_before_it(sintef: InProcessPipeline):
    stated = reservoirs(sintef, planned(sintef))
    midnight = datetime(2026, 11, 24, 23, tzinfo=UTC)
    rows = ((midnight - 2 * HOUR, 890.0), (midnight, 891.0), (midnight + HOUR, 899.0))

    push(sintef, SeriesKind.LEVELS, levels(*rows))
    held = reservoirs(sintef, planned(sintef))

    assert held["Reservoir2"] == stated["Reservoir2"]
    assert held["Reservoir1"] != stated["Reservoir1"]
    sintef.clock.advance(timedelta(minutes=1))
    push(
        sintef, SeriesKind.LEVELS, levels((midnight, held["Reservoir1"]), column="Reservoir1 [Mm3]")
    )
    assert reservoirs(sintef, planned(sintef)) == held


def test_push__levels_with_a_horizon__the_water_is_followed_from_when_they_were_measured(
    sintef_inputs: ClientInputs,
):
    pipeline = published(with_horizon(sintef_inputs))
    measured = MORNING.astimezone(UTC) - HOUR
    pipeline.clock.advance(HOUR)

    push(pipeline, SeriesKind.LEVELS, levels((measured - HOUR, 890.0), (measured, 891.0)))
    push(pipeline, SeriesKind.PRICES, prices(1.5))
    plan = planned(pipeline)

    position = position_in(pipeline.documents, plan)
    assert position is not None
    assert position.levels_at == measured
    assert plan.as_of == current_inputs(pipeline.documents).as_of >= pipeline.clock.now()


def test_push__prices_with_a_horizon__do_not_make_the_stated_levels_younger(
    sintef_inputs: ClientInputs,
):
    pipeline = published(with_horizon(sintef_inputs))
    pipeline.clock.advance(HOUR)

    push(pipeline, SeriesKind.PRICES, prices(1.5))

    position = position_in(pipeline.documents, planned(pipeline))
    assert position is not None
    assert position.levels_at == MORNING


def test_push__inflows_and_obligations__hold_for_their_time_and_end(sintef: InProcessPipeline):
    start = datetime(2026, 11, 24, 23, tzinfo=UTC)
    rows = "".join(f"{utc_text(start + n * HOUR)},{5 + n}\n" for n in range(4))

    push(sintef, SeriesKind.INFLOWS, f"time,Reservoir1 [m3/s]\n{rows}")
    push(sintef, SeriesKind.OBLIGATIONS, f"time,{_asset(sintef)}\n{rows}")
    (asset,) = configuration_in(sintef.documents, planned(sintef)).assets

    conditions = asset.watercourse.conditions
    assert conditions is not None
    assert conditions.trade is not None
    for steps in (conditions.inflow[Identifier("Reservoir1")], conditions.trade.obligation):
        assert [steps.at(start + n * HOUR) for n in range(5)] == [5, 6, 7, 8, None]


def _asset(pipeline: InProcessPipeline) -> AssetId:
    return planned(pipeline).assets[0].asset


def test_push__series_of_another_time__make_no_revision(sintef: InProcessPipeline):
    plan = planned(sintef)
    far = datetime(2027, 3, 1, tzinfo=UTC)
    rows = "".join(f"{utc_text(far + n * HOUR)},5\n" for n in range(4))
    sintef.clock.advance(HOUR)

    assert push(sintef, SeriesKind.INFLOWS, f"time,Reservoir1\n{rows}").outcome == "new"
    assert planned(sintef) == plan


# --- scenarios of inflow ---


def scenario_inflows(value: float, suffix: str = "", day: str = "") -> str:
    names = dict.fromkeys(line.split(",")[0] for line in sintef_prices(1, suffix).splitlines())
    rows = (
        f"{name},Reservoir1,{day}{at // 4:02}:{at % 4 * 15:02}{'+01:00' if day else ''},{value}\n"
        for name in names
        for at in range(96)
    )
    return "scenario,inflow,time,value\n" + "".join(rows)


def scenarios_of(pipeline: InProcessPipeline, plan):
    return asset_inputs(pipeline.documents, plan, plan.assets[0])[2]


def test_push__scenarios_of_inflow__the_next_revision_is_made_from_them(sintef: InProcessPipeline):
    first = planned(sintef)
    sintef.clock.advance(HOUR)

    done = push(sintef, SeriesKind.INFLOWS, scenario_inflows(7))
    second = planned(sintef)

    assert (done.outcome, done.publication.kind) == ("new", SeriesKind.SCENARIO_INFLOWS)
    assert list(sintef.messages.waiting) == [InputsArrived(client=SINTEF)]
    assert (first.run.revision, second.run.revision) == (1, 2)
    assert list(second.series) == [SeriesKind.SCENARIO_INFLOWS]
    assert scenarios_of(sintef, first).inflows == {}
    (values,) = scenarios_of(sintef, second).inflows.values()
    assert (values.shape[0], set(values.flat)) == (52, {7.0})


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 1, 3)])
def test_push__prices_and_inflows_in_any_order__the_last_published_of_each_count(
    sintef_inputs: ClientInputs, order: tuple[int, ...]
):
    pipeline = published(sintef_inputs)
    start = pipeline.clock.now() - 3 * HOUR
    files = (
        (SeriesKind.PRICES, prices(1.5)),
        (SeriesKind.INFLOWS, scenario_inflows(7)),
        (SeriesKind.PRICES, prices(2)),
        (SeriesKind.INFLOWS, scenario_inflows(9)),
    )
    for at in order:
        kind, text = files[at]
        push(pipeline, kind, text, published=start + at * HOUR / 2)

    scenarios = scenarios_of(pipeline, planned(pipeline))
    expected = published(sintef_inputs)
    push(expected, SeriesKind.PRICES, prices(2))
    assert (
        scenarios.prices["NO2"] == scenarios_of(expected, planned(expected)).prices["NO2"]
    ).all()
    assert set(scenarios.inflows[Identifier("Reservoir1")].flat) == {9.0}


def test_push__scenarios_that_do_not_fit_those_that_count__are_refused(sintef: InProcessPipeline):
    with pytest.raises(InvalidInput, match="the 52 scenarios of"):
        push(sintef, SeriesKind.INFLOWS, scenario_inflows(7, "x"))
    push(sintef, SeriesKind.PRICES, PRICE_COLUMNS + sintef_prices(1.5, "x"))
    push(sintef, SeriesKind.INFLOWS, scenario_inflows(7, "x"))
    sintef.clock.advance(HOUR)

    with pytest.raises(InvalidInput, match="the 52 that inflows of day-ahead has"):
        push(sintef, SeriesKind.PRICES, prices(2))
    assert len(scenarios_of(sintef, planned(sintef)).inflows) == 1


class Overtaken(MemoryDocuments):
    """Documents into which somebody else's push comes before the first transaction of ours."""

    def __init__(self, documents: MemoryDocuments, first) -> None:
        self.__dict__.update(documents.__dict__)
        self._first = first

    def transact(self, work):
        first, self._first = self._first, lambda: None
        first()
        return super().transact(work)


def test_push__prices_come_while_inflows_are_checked__are_to_be_pushed_again(
    sintef: InProcessPipeline,
):
    def others() -> None:
        push(sintef, SeriesKind.PRICES, PRICE_COLUMNS + sintef_prices(1.5, "x"))

    file = SourceFile("inflows.csv", scenario_inflows(7).encode())
    ports = (Overtaken(sintef.documents, others), sintef.clock, sintef.messages)
    with pytest.raises(Contended, match="push these again"):
        push_series(*ports, PushedFile(SeriesKind.INFLOWS, file, by="somebody"))
    assert list(current_inputs(sintef.documents).series) == [SeriesKind.PRICES]


def test_publish__a_changed_set_of_the_folder_takes_the_place_of_inflows_that_arrived(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    push(sintef, SeriesKind.INFLOWS, scenario_inflows(7))
    ports = (sintef.documents, sintef.clock)
    (name,) = sintef_inputs.scenario_sets
    other = {name: {**sintef_inputs.scenario_sets[name], "file": "edited.csv"}}

    assert publish_inputs(*ports, sintef_inputs.configuration, sintef_inputs.scenario_sets).series
    assert publish_inputs(*ports, sintef_inputs.configuration, other).series == {}


@pytest.mark.parametrize("if_stale", ["refuse", "last_known"])
def test_plan__inflows_of_another_day__refused_or_left_out_as_the_policy_has_it(
    sintef_inputs: ClientInputs, if_stale: str
):
    policy = {"freshness": {"scenario_inflows": {"hours": 48, "if_stale": if_stale}}}
    pipeline = published(with_policy(sintef_inputs, **policy))
    push(pipeline, SeriesKind.PRICES, prices(1.5))
    push(pipeline, SeriesKind.INFLOWS, scenario_inflows(7, day="2026-11-23T"))

    if if_stale == "refuse":
        with pytest.raises(InvalidInput, match="0 values on 2026-11-25"):
            planned(pipeline)
        return
    plan = planned(pipeline)
    assert list(plan.series) == [SeriesKind.PRICES]
    assert scenarios_of(pipeline, plan).inflows == {}
    ((subject, words),) = [(at[1], words) for at, words in _open(pipeline).items()]
    assert subject == "scenario_inflows~day-ahead"
    assert "do not hold the day" in words


# --- freshness ---


def test_plan__stale_levels__last_known_with_an_alert_until_fresh_ones_come(
    sintef_inputs: ClientInputs,
):
    policy = {"freshness": {"levels": {"hours": 6}}}
    pipeline = published(with_policy(sintef_inputs, **policy))
    now = pipeline.clock.now()

    run = planned(pipeline).run
    assert _open(pipeline) == {(str(run), "levels"): "no levels have arrived yet"}

    push(pipeline, SeriesKind.LEVELS, levels((now - 7 * HOUR, 890.0)))
    run = planned(pipeline).run
    ((_, subject), words), *others = _open(pipeline).items()
    assert (subject, others) == ("levels~Reservoir1", [])
    assert "7.0 h ago: more than 6 h" in words

    pipeline.clock.advance(timedelta(minutes=1))
    push(pipeline, SeriesKind.LEVELS, levels((now - HOUR, 891.0)))
    assert planned(pipeline).run.revision == run.revision + 1
    assert _open(pipeline) == {}


def test_plan__stale_prices__refuse_until_fresh_ones_come(sintef_inputs: ClientInputs):
    policy = {"freshness": {"prices": {"hours": 1, "if_stale": "refuse"}}}
    pipeline = published(with_policy(sintef_inputs, **policy))

    with pytest.raises(InputsStale, match=r"no prices of .* have arrived yet"):
        planned(pipeline)
    assert [code for _, code in _codes(pipeline)] == [AlertCode.INPUTS_LACKING]

    push(pipeline, SeriesKind.PRICES, prices(1.5))
    plan = planned(pipeline)
    assert _codes(pipeline) == []

    # A day that is planned already stays planned: only a new revision needs fresh prices.
    pipeline.clock.advance(timedelta(minutes=70))
    assert planned(pipeline) == plan


def test_guard__stale_prices_and_a_policy_that_refuses__plans_nothing_and_tells(
    sintef_inputs: ClientInputs,
):
    policy = {"freshness": {"prices": {"hours": 1, "if_stale": "refuse"}}}
    pipeline = published(with_policy(sintef_inputs, **policy))
    pipeline.clock.advance(timedelta(minutes=86))

    pipeline.handle(GuardTick(client=SINTEF))

    assert {code for _, code in _codes(pipeline)} == {
        AlertCode.INPUTS_LACKING,
        AlertCode.DAY_WITHOUT_RUN,
    }
    assert pipeline.documents.find("runs") == {}


def test_plan__prices_of_another_day__the_own_file_serves_where_the_policy_has_it(
    sintef_inputs: ClientInputs,
):
    times = [datetime(2026, 11, 22, 23, tzinfo=UTC) + n * HOUR / 4 for n in range(96)]
    dated = PRICE_COLUMNS + "".join(f"a,NO2,{utc_text(t)},50\n" for t in times)
    policy = {"freshness": {"prices": {"hours": 48}}}

    strict, lenient = published(sintef_inputs), published(with_policy(sintef_inputs, **policy))
    for pipeline in (strict, lenient):
        push(pipeline, SeriesKind.PRICES, dated)

    with pytest.raises(InvalidInput, match="0 values on 2026-11-25"):
        planned(strict)
    plan = planned(lenient)
    assert plan.series == {}
    assert len(plan.assets[0].scenarios) == 52
    (words,) = _open(lenient).values()
    assert "do not hold the day" in words


def _open(pipeline: InProcessPipeline) -> dict[tuple[str, str], str]:
    alerts = pipeline.documents.find(paths.ALERTS, code=AlertCode.INPUTS_STALE).values()
    return {(a["run"], a["subject"]): a["message"] for a in alerts if a["resolved"] is None}


def _codes(pipeline: InProcessPipeline) -> list[tuple[str, str]]:
    alerts = pipeline.documents.find(paths.ALERTS).values()
    return [(a["subject"], a["code"]) for a in alerts if a["resolved"] is None]


# --- spikes ---


def spiked(value: float, at: datetime) -> str:
    hours = [at - (12 - n) * HOUR for n in range(13)]
    rows = [(hour, 890 + n / 100) for n, hour in enumerate(hours)]
    return levels(*rows[:-1], (hours[-1], value))


def test_push__a_level_that_jumps__is_told_and_taken_or_refused(sintef_inputs: ClientInputs):
    told = published(sintef_inputs)
    now = told.clock.now()

    assert push(told, SeriesKind.LEVELS, spiked(897.0, now)).publication.spikes
    assert _codes(told) == [("levels~Reservoir1", AlertCode.INPUT_SPIKE)]
    told.clock.advance(timedelta(minutes=1))
    assert not push(told, SeriesKind.LEVELS, spiked(890.12, now)).publication.spikes
    assert _codes(told) == []

    told.clock.advance(timedelta(minutes=1))
    jumps = push(told, SeriesKind.LEVELS, spiked(897.5, now)).publication
    told.clock.advance(timedelta(minutes=1))
    sound = push(told, SeriesKind.LEVELS, spiked(890.13, now)).publication
    for late in (jumps, sound, jumps):  # whoever tells of what does not count any more tells nobody
        _tell_spikes(told.documents, told.clock, SINTEF, late)
        assert _codes(told) == []

    strict = published(with_policy(sintef_inputs, spikes="refuse"))
    with pytest.raises(InvalidInput, match=r"near 890\.11, the value before"):
        push(strict, SeriesKind.LEVELS, spiked(897.0, now))
    assert current_inputs(strict.documents).series == {}


# --- a process that is killed at any line ---


class Mortal:
    """Documents whose process dies at a call, before or after what it was asked for."""

    def __init__(self, documents, dies_at: int, *, after: bool) -> None:
        self.documents, self.left, self.after = documents, dies_at, after

    def __getattr__(self, name: str):
        act = getattr(self.documents, name)

        def mortal(*arguments, **named):
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Killed
            done = act(*arguments, **named)
            if self.left == 0:
                raise Killed
            return done

        return mortal


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("after", [False, True])
def test_push__killed_at_any_call__the_same_file_again_ends_as_if_nothing_had_happened(
    sintef_inputs: ClientInputs, after: bool
):
    text = spiked(897.0, MORNING.astimezone(UTC)).replace("Reservoir1", "Reservoir1 [m]")
    file = SourceFile("levels.csv", text.encode())
    pushed = PushedFile(SeriesKind.LEVELS, file, "bucket", published=MORNING)

    def ended(dies_at: int | None):
        pipeline = published(sintef_inputs)
        ports = (pipeline.clock, pipeline.messages)
        if dies_at is not None:
            mortal = Mortal(pipeline.documents, dies_at, after=after)
            try:
                push_series(mortal, *ports, pushed)  # type: ignore[arg-type]
            except Killed:
                push_series(pipeline.documents, *ports, pushed)
            else:
                return None
        else:
            push_series(pipeline.documents, *ports, pushed)
        documents = pipeline.documents
        return {name: documents.find(name) for name in ("inputs", "publications", "alerts")}

    whole = ended(None)
    deaths = 0
    while (state := ended(deaths + 1)) is not None:
        assert state == whole, f"killed at call {deaths + 1}"
        deaths += 1
    assert deaths >= 5
