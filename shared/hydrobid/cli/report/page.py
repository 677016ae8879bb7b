"""`report.html`: one page that holds all it needs and reaches for nothing outside itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hydrobid.cli.report import timeline, words
from hydrobid.cli.report.blocks_table import block_rows
from hydrobid.cli.report.charts import charts_of
from hydrobid.cli.report.day_axis import clocks_change
from hydrobid.cli.report.facts import RunFacts
from hydrobid.cli.report.findings import finding_rows
from hydrobid.cli.report.html import environment, scripts
from hydrobid.cli.report.reservoirs import broken_limits, reservoir_rows
from hydrobid.cli.report.results_table import result_rows
from hydrobid.cli.report.statistics import area_prices, offer_of
from hydrobid.cli.report.tables import AreaRow, area_rows, asset_rows
from hydrobid.domain.time import utc_text

TENTHS = 1


def report_page(facts: RunFacts) -> str:
    """Return the page as HTML. The same run gives the same page.

    Everything from outside is escaped by the template engine, and the page's own policy lets a
    browser run this page's scripts only and connect to nowhere.
    """
    return environment().get_template("report.html").render(_content(facts))


def _content(facts: RunFacts) -> dict[str, Any]:
    """Return what the template shows, by name."""
    told, areas, charts = timeline.entries(facts), area_rows(facts), charts_of(facts)
    bid = timeline.until_the_gate(told)
    return {
        "plan": facts.plan,
        "market": facts.market,
        "description": facts.description,
        "headline": _headline(facts, areas),
        "standfirst": _standfirst(facts),
        "figures": _key_figures(facts, areas),
        "day": _about_the_day(facts),
        "areas": areas,
        "blocks": block_rows(facts),
        "results": result_rows(facts),
        "methods": facts.methods,
        "with_horizon": facts.configuration.horizon is not None,
        "alerts": [(alert, _when(facts, alert.at)) for alert in facts.alerts],
        "findings": finding_rows(facts),
        "charts": charts,
        "chart_data": charts.data(),
        "assets": asset_rows(facts),
        "reservoirs": reservoir_rows(facts),
        "broken_limits": broken_limits(facts),
        "levels_at": _levels_at(facts),
        "sold_before": {} if facts.position is None else facts.position.assets,
        "told": [(entry, _from_to(facts, entry)) for entry in told],
        "lanes": timeline.drawing(bid),
        "duration": timeline.duration(bid),
        "begin": _when(facts, bid[0].first, TENTHS),
        "end": _when(facts, max(entry.last for entry in bid), TENTHS),
        "cut_offs": [
            (name, words.moment(at, facts.market.zone))
            for name, at in (
                ("solves", facts.plan.cut_offs.solve),
                ("approval", facts.plan.cut_offs.approval),
                ("submission", facts.plan.cut_offs.submission),
            )
        ],
        "as_of": utc_text(facts.plan.as_of),
        "events": len(facts.events),
        **scripts(),
    }


def _headline(facts: RunFacts, areas: list[AreaRow]) -> str:
    standing = [row.area for row in areas if row.status.tone == "good"]
    return words.headline(facts.view.state, facts.plan.run.day, facts.plan.price_areas, standing)


def _standfirst(facts: RunFacts) -> str:
    """Return client, market, day, gate and state in one sentence."""
    plan, market = facts.plan, facts.market
    partial = any(area.partial and area.matrix is not None for area in facts.view.areas.values())
    lacking = ", though not all that was planned is behind it" if partial else ""
    return (
        f"Revision {plan.run.revision} of {plan.client}\u2019s bid into the {market.id} day-ahead "
        f"auction for delivery on {words.day_text(plan.run.day)} "
        f"{words.RUN_STATES[facts.view.state]}{lacking}; gate closure is "
        f"{words.moment(plan.cut_offs.gate, market.zone)} ({market.time_zone})."
    )


def _about_the_day(facts: RunFacts) -> str:
    grid = facts.grid
    length = f"{len(grid)} market time units of {grid.minutes} minutes"
    if not clocks_change(grid, facts.market.zone):
        return length
    hours = round(len(grid) * grid.hours)
    return f"{length}, a day of {hours} hours because the clocks change"


def _key_figures(facts: RunFacts, areas: list[AreaRow]) -> list[tuple[str, str]]:
    """Return the four figures under the title, each with what it says."""
    standing = sum(row.status.tone == "good" for row in areas)
    offers = [offer_of(bid, area_prices(facts, area)) for area, bid in facts.valid_bids().items()]
    energy = f"{words.number(sum(offer.energy for offer in offers), 0)} MWh" if offers else "no bid"
    planned = sum(len(asset.scenarios) for asset in facts.plan.assets)
    solved = sum(len(facts.solved(asset.asset)) for asset in facts.plan.assets)
    before_gate = ("no order", "of this run came to stand at the exchange")
    if facts.stood is not None:
        left = facts.plan.cut_offs.gate - facts.stood
        between = "between the last order\u2019s standing and gate closure"
        if left < timedelta(0):
            between = "after gate closure the last order was first seen to stand"
        before_gate = (words.span_text(left), between)
    return [
        (f"{standing} of {len(areas)}", "price areas with this bid standing at the exchange"),
        (energy, "offered over the day at the expected prices"),
        (f"{words.number(solved, 0)} of {words.number(planned, 0)}", "scenario solves behind it"),
        before_gate,
    ]


def _levels_at(facts: RunFacts) -> str | None:
    """Return when the levels hold, None where they are those of the day's beginning."""
    if facts.position is None:
        return None
    return words.moment(facts.position.levels_at, facts.market.zone)


def _when(facts: RunFacts, instant: datetime, decimals: int = 0) -> str:
    return words.clock_time(instant, facts.market.zone, decimals)


def _from_to(facts: RunFacts, entry: timeline.Entry) -> str:
    ends = [_when(facts, instant, TENTHS) for instant in (entry.first, entry.last)]
    return "\u2013".join(dict.fromkeys(ends))
