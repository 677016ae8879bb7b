"""Alerts: raised once for a cause, told until somebody was reached, resolved when the cause goes."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from examples import (
    CASCADE,
    DAY,
    MORNING,
    PRICE_COLUMNS,
    ROOT,
    SINTEF,
    published,
    sintef_prices,
    with_asset_fields,
)

from hydrobid.adapters.memory import MemoryClock, MemoryDocuments, MemoryExchange, MemoryNotifier
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.alerts import CATALOGUE, AlertCode, Cause, Delivery, Severity
from hydrobid.domain.errors import ExchangeDenied, ExchangeRefused, PermanentError
from hydrobid.domain.errors import ServiceUnavailable as Unavailable
from hydrobid.domain.messages import AssetSettled, CutOffReached, GuardTick
from hydrobid.domain.records import Alert
from hydrobid.pipeline.alerts import SWEEP, raise_alert, resolve_alerts, send_alerts
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.schema import ClientInputs, with_prices

CRITICAL = Cause("run-1", AlertCode.AREA_WITHOUT_BID, "NO2")
WARNING = Cause("run-1", AlertCode.ASSET_ON_FALLBACK, "tokke")


class Deaf(MemoryNotifier):
    """A receiver that fails each time with an error."""

    def __init__(self, channel: str, error: Exception) -> None:
        super().__init__()
        self.channel, self.error, self.tries = channel, error, 0

    def notify(self, alert: Alert) -> None:
        self.tries += 1
        raise self.error


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(MORNING)


def alert_of(documents: MemoryDocuments, cause: Cause) -> Alert:
    return Alert.from_document(documents.get(f"alerts/{cause.id}"))


def alert_with(pipeline: InProcessPipeline, code: AlertCode) -> Alert:
    (document,) = pipeline.documents.find("alerts", code=code).values()
    return Alert.from_document(document)


def publish_later(pipeline: InProcessPipeline, inputs: ClientInputs) -> None:
    pipeline.clock.advance(timedelta(minutes=1))
    publish_inputs(pipeline.documents, pipeline.clock, inputs.configuration, inputs.scenario_sets)


def told(notifier: MemoryNotifier) -> list[tuple[AlertCode, bool]]:
    return [(alert.code, alert.resolved is not None) for alert in notifier.told]


def test_catalogue__has_every_code_that_the_pipeline_raises_and_no_other():
    sources = (ROOT / "shared" / "hydrobid" / "pipeline").rglob("*.py")
    named = {
        node.attr
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "AlertCode"
    }

    assert named == {code.name for code in AlertCode}
    assert set(CATALOGUE) == set(AlertCode)


def test_catalogue__is_what_the_page_says():
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("## The catalogue\n")
    section, _, _ = rest.partition("\n## ")
    rows = re.findall(r"^\| `([A-Z_]+)` \|(.*)\|$", section, flags=re.MULTILINE)

    assert {code: [cell.strip() for cell in cells.split("|")] for code, cells in rows} == {
        str(code): [entry.severity, entry.done, entry.action, entry.resolved_when or "never"]
        for code, entry in CATALOGUE.items()
    }


def test_raise__holds_all_that_its_reader_needs__once(documents, clock):
    raise_alert(documents, clock, CRITICAL, "first", {"findings": [1]})
    raise_alert(documents, clock, CRITICAL, "second", {})

    alert = alert_of(documents, CRITICAL)
    entry = CATALOGUE[CRITICAL.code]
    assert (alert.severity, alert.done, alert.action) == (
        Severity.CRITICAL,
        entry.done,
        entry.action,
    )
    assert (alert.message, alert.context, alert.version) == ("first", {"findings": [1]}, 1)
    assert alert.cause == CRITICAL


def test_send__critical_first__each_version_once(documents, clock):
    notifier = MemoryNotifier()
    raise_alert(documents, clock, WARNING, "falls back", {})
    raise_alert(documents, clock, CRITICAL, "no bid", {})
    for _ in range(2):
        assert send_alerts(documents, clock, [notifier]) == ()
    resolve_alerts(documents, clock, [CRITICAL])
    for _ in range(2):
        send_alerts(documents, clock, [notifier])

    assert told(notifier) == [(CRITICAL.code, False), (WARNING.code, False), (CRITICAL.code, True)]
    assert alert_of(documents, CRITICAL).delivery is Delivery.SENT


def test_raise__after_it_was_resolved__is_a_new_version_and_told(documents, clock):
    notifier = MemoryNotifier()
    raise_alert(documents, clock, CRITICAL, "first", {})
    resolve_alerts(documents, clock, [CRITICAL])
    clock.advance(timedelta(minutes=5))
    raise_alert(documents, clock, CRITICAL, "again", {})

    send_alerts(documents, clock, [notifier])

    (alert,) = notifier.told
    assert (alert.message, alert.version, alert.resolved) == ("again", 3, None)
    assert alert.at == MORNING + timedelta(minutes=5)


def test_send__a_silent_channel_is_tried_once_a_sweep_and_holds_no_other_back(documents, clock):
    silent, heard = Deaf("silent", Unavailable("down")), MemoryNotifier()
    raise_alert(documents, clock, WARNING, "falls back", {})
    raise_alert(documents, clock, CRITICAL, "no bid", {})

    untold = [send_alerts(documents, clock, [silent, heard]) for _ in range(2)]

    assert silent.tries == 2
    assert [[(u.alert, u.channel) for u in sweep] for sweep in untold] == [
        [(CRITICAL.id, "silent")],
        [(WARNING.id, "silent")],
    ]
    assert told(heard) == [(CRITICAL.code, False), (WARNING.code, False)]
    assert alert_of(documents, CRITICAL).delivery is Delivery.UNSENT
    send_alerts(documents, clock, [heard])
    assert alert_of(documents, CRITICAL).delivery is Delivery.SENT


def test_send__alerts_that_a_channel_cannot_take__are_tried_last_in_the_next_sweep(
    documents, clock
):
    class Choosy(MemoryNotifier):
        """Fails over the critical alerts of two areas each time, as if it did not answer."""

        tries = 0

        def notify(self, alert: Alert) -> None:
            self.tries += 1
            if alert.subject in ("NO2", "NO5"):
                raise Unavailable("500")
            super().notify(alert)

    other = Cause("run-1", AlertCode.AREA_WITHOUT_BID, "NO5")
    late = Cause("run-1", AlertCode.GATE_MISSED, "NO1")
    choosy = Choosy()
    for cause in (CRITICAL, other, WARNING):
        raise_alert(documents, clock, cause, "what", {})

    for sweep in range(1, 6):
        clock.advance(timedelta(minutes=5))
        untold = send_alerts(documents, clock, [choosy])
        assert len(untold) == 1, "a sweep ends for a channel with the first that it does not take"
        if sweep == 3:
            assert told(choosy) == [(WARNING.code, False)]
            raise_alert(documents, clock, late, "missed", {})

    assert told(choosy) == [(WARNING.code, False), (late.code, False)]
    assert choosy.tries == 5 + 2
    stored = [alert_of(documents, cause) for cause in (CRITICAL, other)]
    assert [alert.delivery for alert in stored] == [Delivery.UNSENT] * 2
    assert abs(stored[0].sent - stored[1].sent) == timedelta(minutes=5), "they take turns"


def test_send__an_alert_that_cannot_be_read__keeps_no_other_from_being_told(documents, clock):
    notifier = MemoryNotifier()
    for cause in (CRITICAL, WARNING):
        raise_alert(documents, clock, cause, "what", {})
    documents._documents[f"alerts/{CRITICAL.id}"]["severity"] = "NONSENSE"

    (untold,) = send_alerts(documents, clock, [notifier])

    assert (untold.alert, untold.channel, untold.error.code) == (
        CRITICAL.id,
        None,
        "CORRUPT_DOCUMENT",
    )
    assert told(notifier) == [(WARNING.code, False)]


def test_send__a_slow_channel__keeps_nothing_from_the_one_before_it(documents, clock):
    """It takes each alert, but slowly: what is left when the time is over is told in the next sweep."""

    class Slow(MemoryNotifier):
        channel = "slow"

        def notify(self, alert: Alert) -> None:
            assert len(quick.told) == len(subjects)
            super().notify(alert)
            clock.advance_real(SWEEP * 0.6)

    subjects = [f"NO{area}" for area in range(1, 6)]
    quick, slow = MemoryNotifier(), Slow()
    for subject in subjects:
        raise_alert(documents, clock, replace(CRITICAL, subject=subject), "what", {})

    sweeps = [send_alerts(documents, clock, [quick, slow]) or len(slow.told) for _ in range(3)]

    assert sweeps == [2, 4, 5]
    assert {alert.subject for alert in slow.told} == set(subjects)


def test_send__what_nobody_foresaw_of_a_channel__is_of_its_kind_and_stops_no_other(
    documents, clock
):
    broken, heard = Deaf("broken", RuntimeError("planted")), MemoryNotifier()
    for cause in (CRITICAL, WARNING):
        raise_alert(documents, clock, cause, "what", {})

    untold = send_alerts(documents, clock, [broken, heard])

    assert [(u.channel, u.error.message) for u in untold] == [
        ("broken", "broken: RuntimeError")
    ] * 2
    assert len(heard.told) == 2


def test_send__one_alert_that_is_refused_does_not_hold_back_the_next(documents, clock):
    refusing = Deaf("refusing", PermanentError("no"))
    for cause in (CRITICAL, WARNING):
        raise_alert(documents, clock, cause, "what", {})

    untold = send_alerts(documents, clock, [refusing])

    assert [one.alert for one in untold] == [CRITICAL.id, WARNING.id]


def test_send__resolved_while_being_told__the_resolution_is_told_as_well(documents, clock):
    class Slow(MemoryNotifier):
        def notify(self, alert: Alert) -> None:
            super().notify(alert)
            resolve_alerts(documents, clock, [CRITICAL])

    notifier = Slow()
    raise_alert(documents, clock, CRITICAL, "no bid", {})
    for _ in range(2):
        send_alerts(documents, clock, [notifier])

    assert told(notifier) == [(CRITICAL.code, False), (CRITICAL.code, True)]


def test_resolved__assets_and_area_that_get_a_bid_from_scenarios(sintef_inputs: ClientInputs):
    pipeline = published(with_asset_fields(sintef_inputs, fallback=[]))
    plan = pipeline.plan(SINTEF, DAY).plan
    asset = plan.assets[0].asset
    pipeline.handle(AssetSettled(client=SINTEF, run=plan.run, asset=asset, cause="cut-off"))
    pipeline.deliver()
    pipeline.run(SINTEF, DAY)

    codes = (AlertCode.ASSET_WITHOUT_BID, AlertCode.AREA_WITHOUT_BID)
    assert told(pipeline.notifier) == [(c, False) for c in codes] + [(c, True) for c in codes]


def test_resolved__by_a_newer_revision_of_the_day(sintef: InProcessPipeline, sintef_inputs):
    first = sintef.plan(SINTEF, DAY).plan
    asset = first.assets[0].asset
    sintef.handle(AssetSettled(client=SINTEF, run=first.run, asset=asset, cause="cut-off"))
    sintef.deliver()
    publish_later(sintef, with_asset_fields(sintef_inputs, coverage={"minimum_probability": 0.1}))

    second = sintef.run(SINTEF, DAY)

    alert = alert_with(sintef, AlertCode.ASSET_ON_FALLBACK)
    assert (alert.run, second.plan.run.revision) == (str(first.run), 2)
    assert alert.resolved is not None


def test_resolved__what_an_overtaken_revision_raises_late(
    sintef: InProcessPipeline, sintef_inputs: ClientInputs
):
    """The second revision is settled before the first, whose solves never came."""
    first = sintef.plan(SINTEF, DAY).plan
    asset = first.assets[0].asset
    publish_later(sintef, with_asset_fields(sintef_inputs, fallback=[]))
    sintef.run(SINTEF, DAY)
    unsettled = AssetSettled(client=SINTEF, run=first.run, asset=asset, cause="cut-off")

    sintef.handle(unsettled)

    alert = alert_with(sintef, AlertCode.ASSET_ON_FALLBACK)
    assert (alert.run, alert.resolved) == (str(first.run), sintef.clock.now())


class Scripted(MemoryExchange):
    """Its first change meets an error."""

    error: Exception | None

    def place(self, auction, portfolio, matrix, comment) -> None:
        self._stumble()
        super().place(auction, portfolio, matrix, comment)

    def _stumble(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error


def scripted(pipeline: InProcessPipeline, error: Exception) -> None:
    pipeline.exchange = Scripted(pipeline.clock)
    pipeline.exchange.error = error


def test_resolved__a_denied_order_that_stands_as_wanted(sintef: InProcessPipeline):
    scripted(sintef, ExchangeDenied("no permission", status=403))
    with pytest.raises(ExchangeDenied):
        sintef.run(SINTEF, DAY)

    sintef.run(SINTEF, DAY)

    code = AlertCode.EXCHANGE_DENIED
    assert told(sintef.notifier) == [(code, False), (code, True)]


def test_resolved__a_refused_order_once_a_newer_bid_stands(
    sintef: InProcessPipeline, sintef_inputs
):
    scripted(sintef, ExchangeRefused("points", status=400, answer={}))
    sintef.run(SINTEF, DAY)
    open_alert = alert_with(sintef, AlertCode.ORDER_REFUSED)
    (name,) = sintef_inputs.scenario_sets
    prices = (PRICE_COLUMNS + sintef_prices(1.5)).encode()
    publish_later(sintef, with_prices(sintef_inputs, name, "other.csv", prices))

    sintef.run(SINTEF, DAY)

    assert open_alert.resolved is None
    assert alert_with(sintef, AlertCode.ORDER_REFUSED).resolved is not None


def test_resolved__an_item_that_is_no_longer_left_out(cascade: InProcessPipeline):
    plan = cascade.plan(CASCADE, DAY).plan
    cascade.solve(plan)
    asset = plan.assets[0]
    outcome = cascade.documents._documents[
        f"runs/{plan.run}/scenarios/{asset.asset}~{asset.scenarios[0]}"
    ]
    outcome["state"] = "NONSENSE"
    cut_off = CutOffReached(client=CASCADE, run=plan.run, cut_off="submission")
    cascade.handle(cut_off)
    outcome["state"] = "SOLVED"
    cascade.handle(cut_off)

    code = AlertCode.CORRUPT_DOCUMENT
    assert told(cascade.notifier) == [(code, False), (code, True)]


def test_resolved__a_client_that_has_inputs_again(sintef_inputs: ClientInputs):
    before_gate = MORNING.replace(hour=11, minute=55)
    pipeline = InProcessPipeline.starting_at(before_gate)
    pipeline.handle(GuardTick(client=SINTEF))
    publish_inputs(
        pipeline.documents, pipeline.clock, sintef_inputs.configuration, sintef_inputs.scenario_sets
    )
    pipeline.handle(GuardTick(client=SINTEF))

    assert alert_with(pipeline, AlertCode.CLIENT_WITHOUT_INPUTS).resolved is not None
    assert alert_with(pipeline, AlertCode.RUN_BY_GUARD).resolved is None


def test_told__also_when_the_work_itself_fails(sintef: InProcessPipeline):
    scripted(sintef, ExchangeDenied("no permission", status=403))

    with pytest.raises(ExchangeDenied):
        sintef.run(SINTEF, DAY)

    assert told(sintef.notifier) == [(AlertCode.EXCHANGE_DENIED, False)]
