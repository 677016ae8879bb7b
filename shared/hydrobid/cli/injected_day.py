"""A day on which something was broken: followed to its end, and what it came to."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from hydrobid.cli.follow import SUCCEEDED, FollowedRun
from hydrobid.cli.injections import Injection
from hydrobid.cli.render import new_table
from hydrobid.domain.records import Alert
from hydrobid.domain.states import AssetState
from hydrobid.pipeline import paths
from hydrobid.pipeline.read_run import RunView, newest_run, read_run

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console

STILL_SECONDS = 4.0
FIRST_OUTCOME_SECONDS = 12.0
"""How long nothing is seen to move before a day is still: longer while solvers may be starting."""


@dataclass
class FollowedDay(FollowedRun):
    """A client's delivery day, whoever plans its run and whatever becomes of its execution.

    It ends when its run has come to an end and its execution has ended, well or not, or when it is
    given up. moved, looked: when something was seen to move, and the last look; monotonic seconds.
    failed: what its execution ended as, where that was no good end.
    """

    moved: float = -math.inf
    looked: float = -math.inf
    given_up: bool = False
    failed: str | None = None
    _seen: object = None
    _patience: float = FIRST_OUTCOME_SECONDS

    def look(self, console: Console) -> None:
        """See how the day stands now."""
        super().look(console)
        if self.view is None:
            newest = newest_run(self.documents, self.configuration.market.id, self.day)
            self.view = None if newest is None else read_run(self.documents, newest)
        executing = self.ended is None
        solving = self.view is not None and bool(_outcomes(self.view))
        seen = (executing, None if self.view is None else _progress(self.view))
        self.looked = time.monotonic()
        self._patience = FIRST_OUTCOME_SECONDS if executing and not solving else STILL_SECONDS
        if seen != self._seen:
            self.moved, self._seen = self.looked, seen
        if self.ended is not None and self.ended.state != SUCCEEDED:
            self.failed = self.ended.state
        over = self.view is not None and self.view.state.finished
        if not over and not self.given_up:
            self.ended = None

    def is_still(self, since: float) -> bool:
        """Whether nothing has been seen to move for a while that begins at `since` or later."""
        return self.looked - max(self.moved, since) > self._patience

    @property
    def inputs(self) -> str:
        """As of any run; empty where the execution did not live to tell."""
        told = self.ended is not None and self.ended.state == SUCCEEDED
        return super().inputs if told else ""

    def finished_view(self) -> RunView:
        """Return the newest run of the day as it stands at the end.

        Raises:
            RunFailed: nobody planned one.
        """
        return super().finished_view() if self.view is None else self.view


def _progress(view: RunView) -> tuple[object, ...]:
    """Return what differs whenever a run has come a step further; outcomes first."""
    records = (view.assets, view.areas, view.orders)
    versions = [[record.version for record in part.values()] for part in records]
    return _outcomes(view), view.plan.run, view.state, versions


def _outcomes(view: RunView) -> int:
    return sum(map(len, view.outcomes.values())) + len(view.joint)


def alerts_table(days: Sequence[FollowedRun]) -> Table:
    """Return every alert of the days' clients, in order of time."""
    table = new_table("alert", "client", "code", "what happened")
    for day in days:
        stored = map(Alert.from_document, day.documents.find(paths.ALERTS).values())
        for alert in sorted(stored, key=lambda alert: (alert.at, alert.id)):
            style = "bold red" if alert.severity == "CRITICAL" else "yellow"
            table.add_row(
                Text(alert.severity, style=style),
                Text(day.configuration.client),
                Text(alert.code),
                Text(alert.message),
            )
    if not table.row_count:
        table.add_row("none")
    return table


def verdict(injection: Injection, summaries: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence: what was injected, what was submitted, what was marked."""
    submitted = [
        f"{summary['client']} {area}"
        for summary in summaries
        for area, told in summary["areas"].items()
        if told["exchange_state"] is not None
    ]
    marked = [mark for summary in summaries for mark in _marks(summary)]
    return (
        f"{injection.name}: {injection.injected}; submitted: {', '.join(submitted) or 'nothing'}; "
        f"marked: {', '.join(marked) or 'nothing'}."
    )


def _marks(summary: Mapping[str, Any]) -> Iterator[str]:
    for name, asset in summary["assets"].items():
        if asset["state"] != AssetState.COMPLETE:
            yield f"{name} {asset['state']} with {asset['solved']} of {asset['planned']} solved"
    for name, area in summary["areas"].items():
        if area["exchange_state"] is None:
            yield f"{summary['client']} {name} order {area['order_state'] or 'never made'}"
