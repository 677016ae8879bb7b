"""A diagnosis on a screen: sections in the order in which one asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from hydrobid.cli.render import alert_lines, new_table, unreadable_line
from hydrobid.domain.approval import BY_RULE
from hydrobid.domain.states import ApprovalState, AreaState, AssetState
from hydrobid.domain.time import utc_text
from hydrobid.pipeline.diagnose_run import Diagnosis
from hydrobid.pipeline.diagnosis.effect import AreaEffect, AssetEffect, Standing
from hydrobid.pipeline.diagnosis.expectation import Expectation
from hydrobid.pipeline.diagnosis.outcomes import Absence, AssetOutcome
from hydrobid.pipeline.diagnosis.reasons import what_it_means
from hydrobid.pipeline.diagnosis.tasks import TaskHistory

INDENT = 2
MOST_NAMED = 8


def diagnosis_view(diagnosis: Diagnosis) -> RenderableType:
    """Return a diagnosis for reading; times are market time in UTC."""
    sections = {
        f"Where the time went (market time, {diagnosis.planned_at:%Y-%m-%d} UTC)": _stages(
            diagnosis
        ),
        "What the end waited for": _critical_path(diagnosis),
        "Tries": _tries(diagnosis),
        "What failed and why": _failures(diagnosis),
        "What it did to the bid": _effects(diagnosis),
        "Alerts, and what a person can do": _alerts(diagnosis),
        "What the documents do not tell": map(_line, diagnosis.unknown),
    }
    broken = (unreadable_line(each.to_document()) for each in diagnosis.unreadable)
    parts: list[RenderableType] = [_headline(diagnosis), *broken]
    for title, content in sections.items():
        parts += [Text(f"\n{title}", "bold"), *map(_indented, content)]
    return Group(*parts)


def _indented(content: RenderableType) -> RenderableType:
    """Return content under its title; a line stays whole however long, which padding would cut."""
    if isinstance(content, Text):
        return Text(" " * INDENT) + content
    return Padding(content, (0, 0, 0, INDENT), expand=False)


def duration(seconds: float) -> str:
    """Return a span in the two largest units that say something.

    >>> [duration(s) for s in (0, 0.25, 59.94, 61, 5400, 93600)]
    ['0.0 s', '0.2 s', '59.9 s', '1 min 1 s', '1 h 30 min', '26 h']
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _headline(diagnosis: Diagnosis) -> Text:
    end = "not every order stands as this run's bids want it"
    if diagnosis.stood is not None and diagnosis.spare_seconds is not None:
        spare = duration(abs(diagnosis.spare_seconds))
        end = f"all orders stood at {_at(diagnosis.stood)}, {spare} before the gate"
        if diagnosis.spare_seconds < 0:
            end = f"all orders were seen to stand at {_at(diagnosis.stood)}, {spare} after the gate"
    name = f"{diagnosis.run} of {diagnosis.client}"
    return Text.assemble((name, "bold"), f": {diagnosis.state}; {end}")


def _stages(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    if not diagnosis.stages:
        yield _line("Nothing was begun since the run was planned.")
        return
    table = new_table("stage", "began", "ended", ">took", ">parts", "slowest part", ">took")
    for span in diagnosis.stages:
        table.add_row(
            span.stage,
            _clock(diagnosis, span.began),
            _clock(diagnosis, span.ended),
            duration(span.seconds),
            str(span.parts),
            Text(span.slowest),
            duration(span.slowest_seconds),
        )
    yield table


def _critical_path(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    longest = max(step.seconds for step in diagnosis.critical_path)
    table = new_table("at", ">after", "stage", "of", "what")
    for step in diagnosis.critical_path:
        style = "bold" if step.seconds == longest > 0 else ""
        cells = (
            _clock(diagnosis, step.at),
            duration(step.seconds),
            step.stage,
            step.subject,
            step.what,
        )
        table.add_row(*(Text(cell, style) for cell in cells))
    yield table
    for waited_for in diagnosis.waits_for:
        yield _line(f"still waits: {waited_for}", "yellow")


def _tries(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    rough = [task for task in diagnosis.tasks if not task.smooth]
    smooth = len(diagnosis.tasks) - len(rough)
    unbegun = [f"{task.asset}~{task.task}" for task in rough if not task.tries]
    if diagnosis.expired is not None:
        yield _line(f"Their log was kept until {_at(diagnosis.expired)}.", "yellow")
        yield _line(f"It is there of {len(diagnosis.tasks) - len(unbegun)} tasks.")
    else:
        yield _line(f"{smooth} of {len(diagnosis.tasks)} tasks needed one try.")
    if unbegun and diagnosis.expired is None:
        yield _line(f"{len(unbegun)} were never begun: {_some(unbegun)}")
    if len(unbegun) < len(rough):
        yield _try_table(diagnosis, [task for task in rough if task.tries])


def _try_table(diagnosis: Diagnosis, tasks: Sequence[TaskHistory]) -> RenderableType:
    table = new_table("task", ">absent", ">try", "began", ">took", "end", "error")
    for task in tasks:
        for one in task.tries:
            message = "-" if one.error is None else str(one.error["message"])
            table.add_row(
                Text(f"{task.asset}~{task.task}"),
                f"{len(task.absent)} of {task.scenarios}" if task.scenarios else "-",
                str(one.number),
                _clock(diagnosis, one.started),
                "-" if one.seconds is None else duration(one.seconds),
                Text(one.words),
                Text(message),
            )
    return table


def _failures(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    if all(asset.whole for asset in diagnosis.assets):
        yield _line("Nothing: every asset's bid rests on all its scenarios.", "green")
    for asset in diagnosis.assets:
        if not asset.whole:
            yield from map(_line, _failure_lines(asset))


def _failure_lines(asset: AssetOutcome) -> Iterator[str]:
    state = "not settled" if asset.state is None else str(asset.state)
    cause = "" if asset.cause in (None, "solved") else f", settled by the {asset.cause}"
    yield (
        f"{asset.asset} in {asset.price_area}: {state}{cause}; {asset.solved} of {asset.planned} "
        f"scenarios, {asset.probability:.1%} of the probability"
    )
    if asset.unsafe is not None:
        yield f"  no bid from scenarios: {asset.unsafe}"
    if asset.fallback is not None:
        yield f"  its bid comes from: {asset.fallback}"
    if asset.stand_in is not None:
        yield (
            f"  independent scenarios stand in for the joint task: {asset.stand_in}, "
            f"{what_it_means(asset.stand_in)}"
        )
    for absence in asset.absences:
        yield f"  {_named(absence)}: {absence.reason}, {what_it_means(absence.reason)}"
        if absence.message is not None:
            yield f"    the solver said: {absence.message}"
    if asset.late:
        yield f"  {len(asset.late)} of these were solved after the bid was made"


def _named(absence: Absence) -> str:
    return f"{_some(absence.scenarios)} ({absence.probability:.1%})"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return f"{', '.join(names[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''}"


def _effects(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    for area in diagnosis.areas:
        yield from map(_line, _area_lines(area, diagnosis.currency))
        part = "part in the bid" if area.override is None else "part in what was computed"
        table = new_table("asset", part, ">MW can do", ">MWh", ">mean MW", f">{diagnosis.currency}")
        for asset in area.assets:
            table.add_row(
                Text(asset.asset), _part(asset), f"{asset.capacity:g}", *_cells(asset.offered)
            )
            if asset.offered is not None and asset.unfounded.energy:
                note = Text("  of it at scenarios that it does not rest on")
                table.add_row("", note, "", *_cells(asset.unfounded))
            if asset.obtainable is not None:
                note = Text(f"  from what is solved by now ({asset.solved_probability:.1%})")
                table.add_row("", note, "", *_cells(asset.obtainable))
        yield _indented(table)


def _area_lines(area: AreaEffect, currency: str) -> Iterator[str]:
    if area.held is not None:
        yield f"{area.price_area}: {area.held}"
    if area.state is None:
        yield f"{area.price_area}: no bid; {area.stands} stands at the exchange"
    else:
        sells = "expected to sell" if area.stands is Standing.THIS_BID else "would sell"
        worth = "" if area.offered is None else f"; {sells} {_worth(area.offered, currency)}"
        yield (
            f"{area.price_area}: bid {area.bid_version} {area.state}{_decided(area)}; {area.stands} "
            f"stands at the exchange{worth}"
        )
    if area.standing is not None:
        yield f"  the bid that stands: {_worth(area.standing, currency)}"
    if area.override is not None:
        yield f"  bid {area.bid_version} was changed by {area.override.by}: {area.override.reason}"
    yield from _computed_lines(area, currency)


def _decided(area: AreaEffect) -> str:
    """Return what people, rules and the exchange said of a bid; nothing where it was for nobody."""
    approval = area.approval
    if area.refused is not None:
        return f", refused by the exchange: {area.refused}"
    if area.state is not AreaState.VALIDATED:
        return ""
    if approval is None:
        signed = "".join(f", approved by {signature.by}" for signature in area.signatures)
        return f"{signed}, waits for approval"
    by = "by rule" if approval.by == BY_RULE else f"by {approval.by}"
    why = f": {approval.reason}" if approval.state is ApprovalState.REJECTED else ""
    return f", {approval.state.lower()} {by}{why}"


def _computed_lines(area: AreaEffect, currency: str) -> Iterator[str]:
    """What the bid was computed from; it is told where the bid came to something else."""
    computed = _worth(area.computed, currency)
    changed = area.override is not None
    if changed:
        yield f"  as it was computed: {computed}"
    elif area.offered is not None and _worth(area.offered, currency) != computed:
        yield f"  the bids of its assets, each by itself: {computed}"
    for state, part in area.by_state.items():
        if state is not AssetState.COMPLETE:
            without = _worth(area.computed - part, currency)
            yield f"  of it {state}: {_worth(part, currency)}; without these {without}"
    if area.idle:
        yield f"  not {'computed with' if changed else 'offered'}: {area.idle:g} MW of capacity"
    if area.gain is not None:
        than = " than was computed" if changed else ""
        yield (
            f"  a bid on all that is solved by now would sell {_worth(area.gain, currency)} more{than}"
        )


def _part(asset: AssetEffect) -> Text:
    if asset.unreadable:
        return Text(f"{asset.state}, cannot be read", "red")
    if asset.offered is None:
        return Text(f"none: {asset.state or 'never settled'}", "red")
    return Text(str(asset.state), "green" if asset.state is AssetState.COMPLETE else "yellow")


def _cells(expected: Expectation | None) -> tuple[str, str, str]:
    if expected is None:
        return "-", "-", "-"
    return f"{expected.energy:,.1f}", f"{expected.power:,.1f}", f"{expected.sales:,.0f}"


def _worth(expected: Expectation, currency: str) -> str:
    energy, power, sales = _cells(expected)
    return f"{energy} MWh ({power} MW on average), {sales} {currency}"


def _alerts(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    if not diagnosis.alerts:
        yield _line("None.", "green")
    for alert in diagnosis.alerts:
        yield from alert_lines(alert)


def _clock(diagnosis: Diagnosis, instant: datetime) -> str:
    """Return the time of day; with its date where that is not the one the run was planned on."""
    text = _at(instant)
    return text.rpartition("T")[2] if instant.date() == diagnosis.planned_at.date() else text


def _at(instant: datetime) -> str:
    return utc_text(instant.replace(microsecond=0))


def _line(text: str, style: str = "") -> Text:
    return Text(text, style)
