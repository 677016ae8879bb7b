"""Runs on a screen: while they go on, and as they ended. Text from outside is never markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hydrobid.client.following import FollowedRun
from hydrobid.domain.alerts import Severity
from hydrobid.domain.approval import BY_RULE
from hydrobid.domain.records import Alert
from hydrobid.domain.states import OutcomeState
from hydrobid.domain.time import utc_text

BAR_WIDTH = 30
MOST_OBJECTIONS = 3
GOOD = {"submitted", "COMPLETE", "VALIDATED", "STANDING", "Accepted", "Approved"}
BAD = {"failed", "FAILED", "REFUSED", "NOT_APPROVED", "withheld", "partly submitted"}


def progress_view(runs: Sequence[FollowedRun]) -> RenderableType:
    """Return the runs as they are: a bar for each asset, a line for each price area."""
    return Group(*(part for run in runs for part in _run_progress(run)))


def progress_lines(run: FollowedRun) -> Iterator[str]:
    """Yield what there is to say of a run, a line a fact, for where no screen can be repainted."""
    client, view = run.configuration.client, run.view
    if view is None:
        yield f"{client} {run.day}: started"
        return
    yield f"{view.plan.run} of {client}: {view.state}"
    for name, solved, failed, planned, together, state in _assets(run):
        jointly = "" if together is None else f", together: {together}"
        counts = f"{solved} of {planned} solved, {failed} failed{jointly}"
        yield f"{client} {name}: {counts}{_after(state)}"
    for area, state, order in _areas(run):
        yield f"{client} {area}: bid {state}{_after(order)}"


def result_view(summary: Mapping[str, Any]) -> RenderableType:
    """Return how a run ended or stands: a headline, its assets, its price areas, its alerts."""
    headline = Text.assemble(
        (summary["run"], "bold"),
        f" of {summary['client']}, delivery {summary['day']}, {summary['mtus']} MTUs: ",
        _state(summary["state"]),
    )
    assets = new_table("asset", "price area", "state", ">solved", ">failed", ">planned")
    for name, asset in summary["assets"].items():
        counts = (str(asset[key]) for key in ("solved", "failed", "planned"))
        assets.add_row(Text(name), Text(asset["price_area"]), _state(asset["state"]), *counts)
    areas = new_table("area", "bid", "order", "order id", ">MW")
    for name, area in summary["areas"].items():
        areas.add_row(
            Text(name),
            _state(area["state"], " (partial)" if area["partial"] else ""),
            _state(area["order_state"], _version(area["exchange_version"])),
            Text(_order_ids(area)),
            Text(_standing_range(area)),
        )
    broken = map(unreadable_line, summary["unreadable"])
    return Group(headline, assets, areas, *_kept(summary), *broken, *_remarks(summary))


def alert_lines(alert: Alert) -> Iterator[Text]:
    """Yield an alert for people: what happened, and, while it is open, what they can do."""
    at = utc_text(alert.at.replace(microsecond=0))
    head = f"{at} {alert.severity} {alert.code}"
    if alert.resolved is not None:
        over = utc_text(alert.resolved.replace(microsecond=0))
        yield Text(f"{head}, resolved {over}: {alert.message}", "dim")
        return
    style = "bold red" if alert.severity is Severity.CRITICAL else "yellow"
    yield Text(f"{head}: {alert.message}", style)
    yield Text(f"  {alert.action}")


def unreadable_line(told: Mapping[str, Any]) -> Text:
    """Return which stored document cannot be read, and why."""
    return Text(f"cannot be read: {told['path']}: {told['why']}", style="bold red")


def _kept(summary: Mapping[str, Any]) -> Iterator[Text]:
    if "kept_until" in summary:
        until = summary["kept_until"]
        yield Text(f"Outcomes are kept until {until}: those gone are not counted.", style="dim")


def _order_ids(area: Mapping[str, Any]) -> str:
    """Return the orders that stand: of curves, and of blocks where there are any."""
    curves = [] if area["order_id"] is None else [area["order_id"]]
    return ", ".join([*curves, *area["block_orders"]]) or "-"


def _standing_range(area: Mapping[str, Any]) -> str:
    """Return the volumes of what stands at the exchange, which need not be this run's bid."""
    if area["standing_matrix"] is not None and area["standing_volume_min"] is None:
        return "unknown"
    return _range(area["standing_volume_min"], area["standing_volume_max"])


def _range(lowest: float | None, highest: float | None) -> str:
    """Return the lowest and highest volume of a bid in MW, a dash where there is none."""
    return "-" if lowest is None else f"{lowest:.1f} to {highest:.1f}"


def submitted_table(summaries: Iterable[Mapping[str, Any]]) -> Table:
    """Return what stands where at the exchange, a row a price area."""
    table = new_table("client", "area", "delivery", ">MTUs", "order id", "exchange", ">MW")
    for summary in summaries:
        for name, area in summary["areas"].items():
            table.add_row(
                Text(summary["client"]),
                Text(name),
                Text(summary["day"]),
                Text(str(summary["mtus"])),
                Text(_order_ids(area)),
                _state(area["exchange_state"]),
                Text(_standing_range(area)),
            )
    return table


def _run_progress(run: FollowedRun) -> Iterator[RenderableType]:
    view = run.view
    name = str(view.plan.run) if view is not None else str(run.day)
    state = _state(str(view.state) if view is not None else "being planned")
    yield Text.assemble((str(run.configuration.client), "bold"), f"  {name}  ", state)
    rows = Table.grid(padding=(0, 2))
    for asset, solved, failed, planned, together, settled in _assets(run):
        bar = ProgressBar(
            total=planned,
            completed=solved + failed,
            width=BAR_WIDTH,
            complete_style="cyan",
            finished_style="green",
        )
        count = f"{solved} of {planned} solved" + (f", {failed} failed" if failed else "")
        count += "" if together is None else f", together: {together}"
        rows.add_row(Text(f"  {asset}"), bar, Text(count), _state(settled))
    for area, bid, order in _areas(run):
        rows.add_row(Text(f"  {area}"), Text("bid and order"), _state(bid), _state(order))
    yield rows


def _assets(run: FollowedRun) -> Iterator[tuple[str, int, int, int, str | None, str | None]]:
    """Yield each asset with its scenarios, how its joint task stands, and its state."""
    if run.view is None:
        return
    for asset in run.view.plan.assets:
        outcomes = run.view.outcomes[asset.asset].values()
        solved = sum(outcome.state is OutcomeState.SOLVED for outcome in outcomes)
        record = run.view.assets.get(asset.asset)
        state = None if record is None else str(record.state)
        joint = run.view.joint.get(asset.asset)
        together = None
        if asset.joint is not None:
            together = "not yet" if joint is None else str(joint.state).lower()
        failed, planned = len(outcomes) - solved, len(asset.scenarios)
        yield asset.asset, solved, failed, planned, together, state


def _areas(run: FollowedRun) -> Iterator[tuple[str, str, str | None]]:
    if run.view is None:
        return
    for area, record in run.view.areas.items():
        order = run.view.orders.get(area)
        state = None if order is None or order.state is None else str(order.state)
        yield area, "waits for approval" if record.pending else str(record.state), state


def _remarks(summary: Mapping[str, Any]) -> Iterator[Text]:
    findings = [finding for area in summary["areas"].values() for finding in area["findings"]]
    told = {finding["where"] for finding in findings if finding["code"] == "SOLD_UNKNOWN"}
    for name, asset in summary["assets"].items():
        if asset["sold_before"] is not None and name not in told:
            yield Text(f"{name}, sold before the day: {asset['sold_before']}", style="dim")
    for name, area in summary["areas"].items():
        yield Text(f"{name} matrix {area['matrix'] or '-'}", style="dim")
        yield from _not_standing(name, area)
        if area["held"] is not None:
            yield Text(f"{name}: {area['held']}", style="bold red")
        for objection in area["objections"][:MOST_OBJECTIONS]:
            yield Text(f"{name}: the exchange objects: {objection}", style="bold red")
        if more := len(area["objections"][MOST_OBJECTIONS:]):
            yield Text(f"{name}: and {more} more objections", style="bold red")
        for asset, reason in area["missing"].items():
            yield Text(f"{name}: {asset} has no part in the bid: {reason}", style="yellow")
        yield from _decisions(name, area)
        for finding in area["findings"]:
            yield finding_line(name, finding)
    for alert in summary["alerts"]:
        words = f"{alert['severity']} {alert['code']}: {alert['message']}"
        style = "yellow" if alert["severity"] != "CRITICAL" else "bold red"
        over = alert["resolved"] is not None
        yield Text(f"resolved: {words}" if over else words, style="dim" if over else style)


def _not_standing(name: str, area: Mapping[str, Any]) -> Iterator[Text]:
    """Tell of a bid that is not what stands: the table's order and MW are not its own."""
    if area["matrix"] is None or area["matrix"] == area["standing_matrix"]:
        return
    instead = "another does" if area["standing_matrix"] is not None else "nothing does"
    volumes = _range(area["volume_min"], area["volume_max"])
    yield Text(
        f"{name}: this run's bid, {volumes} MW, does not stand at the exchange; {instead}",
        style="yellow",
    )


def _decisions(name: str, area: Mapping[str, Any]) -> Iterator[Text]:
    """Yield what people, or a policy in their place, have done with a bid; a rule's yes is no news."""
    override, approval = area["override"], area["approval"]
    if override is not None:
        yield Text(f"{name}: changed by {override['by']}: {override['reason']}", style="yellow")
    if area["pending"]:
        signed = [f"approved by {s['by']}; " for s in area["signatures"]]
        yield Text(f"{name}: {''.join(signed)}waits for approval", style="bold yellow")
    elif approval is not None and approval["by"] != BY_RULE:
        why = f": {approval['reason']}" if approval["reason"] else ""
        yield Text(f"{name}: {approval['state'].lower()} by {approval['by']}{why}")


def finding_line(area: str, finding: Mapping[str, Any]) -> Text:
    """Return what a check of an area's bid found."""
    return Text(
        f"{area}: {finding['severity']} {finding['code']} at {finding['where']}: "
        f"{finding['value']}; rule: {finding['rule']}",
        style="red" if finding["severity"] == "error" else "yellow",
    )


def new_table(*headings: str) -> Table:
    """Return an empty table; headings that begin with `>` stand over columns of numbers."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        right = heading.startswith(">")
        table.add_column(
            heading.removeprefix(">"), justify="right" if right else "left", overflow="fold"
        )
    return table


def _state(state: str | None, remark: str = "") -> Text:
    style = "green" if state in GOOD else "red" if state in BAD else "yellow"
    return Text(f"{state or '-'}{remark}", style=style if state else "")


def _version(version: int | None) -> str:
    return "" if version is None else f" v{version}"


def _after(state: str | None) -> str:
    return "" if state is None else f", {state}"
