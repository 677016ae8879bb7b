"""A dry run: everything is asked of the exchange, the request is made, and nothing is placed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from block_bids import bid_the_day, block_pipeline
from examples import DAY, SINTEF, published, with_asset_fields
from scripted import AREA, AlteredExchange

from hydrobid.adapters.memory import MemoryMessages
from hydrobid.bootstrap.in_process import InProcessPipeline
from hydrobid.domain.curve import BidMatrix
from hydrobid.domain.dry_runs import DryRun
from hydrobid.domain.errors import BidChanged, ExchangeRefused, NotFound, ServiceUnavailable
from hydrobid.domain.holds import Act, HoldKind
from hydrobid.domain.identifiers import PriceArea, RunId
from hydrobid.domain.messages import DryRunAsked
from hydrobid.pipeline.decide_approval import NamedBid
from hydrobid.pipeline.dry_run import ask_dry_run, dry_run_at, requests_in
from hydrobid.pipeline.hold_order import hold_orders, orders_of
from hydrobid.pipeline.read_run import RunView, run_events, trail_faults
from hydrobid.schema import ClientInputs

ANNA = Act(by="anna", reason="first day at this portfolio")


class Trial:
    """A run whose bid is tried; the exchange is another by then, if the test says so."""

    def __init__(self, inputs: ClientInputs) -> None:
        self.pipeline: InProcessPipeline = published(
            with_asset_fields(inputs, method={"name": "water_value"})
        )
        self.view: RunView = self.pipeline.run(SINTEF, DAY)
        self.matrix = str(self.view.areas[AREA].matrix)

    def ask(self, matrix: str | None = None, messages=None) -> DryRun:
        bid = NamedBid(self.view.plan.run, PriceArea(AREA), matrix or self.matrix)
        pipeline = self.pipeline
        return ask_dry_run(
            pipeline.documents, pipeline.clock, messages or pipeline.messages, bid, ANNA
        )

    def done(self) -> DryRun:
        self.ask()
        self.pipeline.deliver()
        found = dry_run_at(self.pipeline.documents, self.view.plan, PriceArea(AREA))
        assert found is not None
        return found

    def replace_exchange(self, **says) -> AlteredExchange:
        """Put an exchange in the place of the old one, at which nothing stands."""
        self.pipeline.exchange = AlteredExchange(self.pipeline.clock, **says)
        return self.pipeline.exchange


@pytest.fixture
def trial(sintef_inputs: ClientInputs) -> Trial:
    return Trial(sintef_inputs)


def test_dry_run__nothing_stands__the_request_is_kept_and_nothing_placed(trial: Trial):
    exchange = trial.replace_exchange()

    done = trial.done()

    assert (done.state, done.acts, done.findings, done.taken) == ("DONE", ("place",), (), True)
    assert exchange.orders == {}
    (request,) = requests_in(trial.pipeline.documents, done)
    assert BidMatrix.from_document(request["matrix"]).digest() == trial.matrix
    assert request["comment"] == f"hydrobid {trial.view.plan.run} v1 {trial.matrix[:16]}"


def test_dry_run__what_is_tried_stands_already(trial: Trial):
    before = dict(trial.pipeline.exchange.orders)

    done = trial.done()

    (order,) = before.values()
    assert (done.acts, done.standing) == ((), (order.order_id,))
    assert requests_in(trial.pipeline.documents, done) == []
    assert trial.pipeline.exchange.orders == before


def test_dry_run__is_in_the_trail_with_who_and_why_and_what_came_of_it(trial: Trial):
    trial.done()

    events = run_events(trial.pipeline.documents, trial.view.plan.run)
    asked, done = [event for event in events if event.type.startswith("dry-run")]
    assert (asked.actor, asked.data["by"], asked.data["reason"]) == (
        "desk",
        ANNA.by,
        ANNA.reason,
    )
    assert (done.actor, done.data["by"], done.data["findings"]) == ("submission", ANNA.by, [])
    assert trail_faults(trial.pipeline.documents, trial.view.plan.run) == []


def test_dry_run__against_limits_rights_and_a_hold(trial: Trial):
    trial.replace_exchange(writable=False, most_sold=Decimal(1))
    pipeline = trial.pipeline
    hold_orders(
        pipeline.documents,
        pipeline.clock,
        MemoryMessages(),
        orders_of(pipeline.documents, pipeline.clock, DAY, AREA),
        HoldKind.LOCKED,
        Act(by="bo", reason="wait"),
    )

    done = trial.done()

    found = [(finding.code, finding.severity) for finding in done.findings]
    assert found == [
        ("ORDER_HELD", "warning"),
        ("EXCHANGE_PERMISSION", "error"),
        ("EXCHANGE_VOLUME_LIMIT", "error"),
    ]
    assert not done.taken


def test_dry_run__the_exchange_does_not_answer__says_so(trial: Trial):
    trial.replace_exchange(error=ServiceUnavailable("it is down"))

    done = trial.done()

    (finding,) = done.findings
    assert (finding.code, finding.value) == ("EXCHANGE_UNKNOWN", "it is down")
    assert (done.requests, done.auction, done.acts) == (None, None, ())


def test_dry_run__of_which_no_request_can_be_made(trial: Trial, monkeypatch):
    def refuse(*_):
        raise ExchangeRefused("the auction has 92 contracts and the bid 96 MTUs")

    monkeypatch.setattr(AlteredExchange, "request_for", refuse)
    trial.replace_exchange()

    done = trial.done()

    (finding,) = done.findings
    assert (finding.code, finding.severity) == ("EXCHANGE_REQUEST", "error")
    assert "92 contracts" in finding.value


def test_dry_run__asked_again_and_delivered_twice__each_is_done_once(trial: Trial):
    message = DryRunAsked(
        client=SINTEF, run=trial.view.plan.run, price_area=PriceArea(AREA), version=1
    )
    first = trial.done()
    trial.pipeline.handle(message)
    assert dry_run_at(trial.pipeline.documents, trial.view.plan, PriceArea(AREA)) == first

    second = trial.done()
    assert (first.version, second.version) == (2, 4)


def test_dry_run__of_a_bid_that_is_another_by_now_or_was_never_asked_for(trial: Trial):
    with pytest.raises(BidChanged):
        trial.ask(matrix="f" * 64)
    run = RunId.parse(str(trial.view.plan.run))
    message = DryRunAsked(client=SINTEF, run=run, price_area=PriceArea(AREA), version=1)
    with pytest.raises(NotFound, match="nobody asked"):
        trial.pipeline.handle(message)


def test_dry_run__of_curves_and_blocks__a_request_for_each(sintef_inputs: ClientInputs):
    pipeline = block_pipeline(sintef_inputs, 30.0)
    view = bid_the_day(pipeline)
    matrix = str(view.areas[AREA].matrix)
    pipeline.exchange = AlteredExchange(pipeline.clock)
    bid = NamedBid(view.plan.run, PriceArea(AREA), matrix)
    ask_dry_run(pipeline.documents, pipeline.clock, pipeline.messages, bid, ANNA)
    pipeline.deliver()

    done = dry_run_at(pipeline.documents, view.plan, PriceArea(AREA))

    assert done is not None
    assert (done.acts, done.findings) == (("place", "place-blocks"), ())
    sent = requests_in(pipeline.documents, done)
    assert [request["act"] for request in sent] == ["place", "place-blocks"]
    assert pipeline.exchange.orders == {}
