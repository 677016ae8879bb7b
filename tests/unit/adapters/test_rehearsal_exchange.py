"""A client without an exchange: its bids stand in its own documents, and follow what is wanted."""

from __future__ import annotations

from datetime import timedelta

from examples import DAY, SINTEF, published, with_asset_fields

from hydrobid.adapters.rehearsal_exchange import RehearsalExchange
from hydrobid.domain.messages import GuardTick
from hydrobid.domain.states import OrderState, RunState
from hydrobid.pipeline.publish_inputs import publish_inputs
from hydrobid.pipeline.read_run import read_run
from hydrobid.schema import ClientInputs


def test_run__stands_is_amended_by_the_next_and_closes_at_the_gate(sintef_inputs: ClientInputs):
    inputs = with_asset_fields(sintef_inputs, method={"name": "price_independent"})
    pipeline = published(inputs)
    pipeline.exchange = RehearsalExchange(pipeline.documents, pipeline.clock)

    first = pipeline.run(SINTEF, DAY)
    other = with_asset_fields(sintef_inputs, method={"name": "water_value"})
    publish_inputs(pipeline.documents, pipeline.clock, other.configuration, other.scenario_sets)
    second = pipeline.run(SINTEF, DAY)

    assert (first.state, second.state) == (RunState.SUBMITTED, RunState.SUBMITTED)
    (kept,) = pipeline.documents.find("rehearsal").values()
    assert kept["placed"] == 1
    assert kept["curve"]["version"] == 2

    pipeline.clock.advance(second.plan.cut_offs.gate + timedelta(minutes=1) - pipeline.clock.now())
    pipeline.handle(GuardTick(client=SINTEF))
    closed = read_run(pipeline.documents, second.plan.run)
    assert {order.state for order in closed.orders.values()} == {OrderState.CLOSED}
    assert closed.state is RunState.SUBMITTED
