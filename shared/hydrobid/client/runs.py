"""A run of a client: followed to its end, and read as tables or frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, overload

from hydrobid.client import tables
from hydrobid.client.following import FollowedRun, looks
from hydrobid.client.frames import FrameKind, Table, frame
from hydrobid.domain.errors import NotFound
from hydrobid.domain.events import Event
from hydrobid.domain.identifiers import AssetId, ClientId, PriceArea, RunId
from hydrobid.domain.states import RunState
from hydrobid.pipeline.ports import Documents
from hydrobid.pipeline.read_results import results_of
from hydrobid.pipeline.read_run import RunView, read_run, run_events, trail_faults
from hydrobid.pipeline.summarise_run import run_summary

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from hydrobid.bootstrap.console import Console

TableName = Literal["curves", "schedules", "prices", "outcomes", "events", "alerts", "results"]


class Run:
    """A run: one that was started here, or one that there is.

    Everything is read anew when it is asked for, so that a run which goes on is seen as it is then.
    """

    def __init__(
        self,
        console: Console,
        client: ClientId,
        documents: Documents,
        of: RunId | FollowedRun,
    ) -> None:
        self.client = client
        self._console, self._documents, self._of = console, documents, of

    def __repr__(self) -> str:
        of = self._of
        named = (
            of if isinstance(of, RunId) else of.execution if of.view is None else of.view.plan.run
        )
        return f"Run({self.client}, {named})"

    @property
    def id(self) -> RunId:
        """Its name; NotFound while a run that was started is not planned yet."""
        if isinstance(self._of, RunId):
            return self._of
        if self._of.view is None:
            self._of.look(self._console)
        if self._of.view is None:
            raise NotFound(f"the run of {self._of.day} is not planned yet", day=str(self._of.day))
        return self._of.view.plan.run

    def view(self) -> RunView:
        """Return the run with all its records, as it stands now."""
        return read_run(self._documents, self.id)

    @property
    def state(self) -> RunState:
        """Where it stands now."""
        return self.view().state

    def follow(self) -> Iterator[RunState]:
        """Yield each state that a run comes to, until the execution that was started here has ended.

        A run that was not started here yields the state that it has.

        Raises:
            InvalidInput, GateClosed: it was refused before anything was solved.
            RunFailed: its execution ended without a result.
            RetryableError: the cloud did not answer for a while.
        """
        if isinstance(self._of, RunId):
            yield self.state
            return
        seen: RunState | None = None
        for _ in looks(self._console, [self._of]):
            view = self._of.view
            if view is not None and view.state is not seen:
                seen = view.state
                yield seen
        last = self._of.finished_view().state
        if last is not seen:
            yield last

    def wait(self) -> RunState:
        """Return the state that a run ends in; raise as `follow` does."""
        *_, last = self.follow()
        return last

    def summary(self) -> dict[str, Any]:
        """Return what `hydrobid show --json` prints: JSON-ready, volumes in MW."""
        return run_summary(self._documents, self.view())

    def events(self) -> list[Event]:
        """Return the run's events in order of time, then of entity and version."""
        return run_events(self._documents, self.id)

    def trail_faults(self) -> list[str]:
        """Return what is wrong with the run's events: changed or lost; empty when they are whole."""
        return trail_faults(self._documents, self.id)

    def table(self, name: TableName, of: str | None = None) -> Table:
        """Return a table of the run as columns by name.

        `curves`: the bid of a price area, or an asset's part in it. `prices`: the scenarios of an
        asset. `results`: what a price area's auction came to. `schedules`, `outcomes`, `events`,
        `alerts`: of the whole run. of: the price area or asset; the only one if None.

        Raises:
            NotFound: there is no such price area or asset, or it has nothing of the kind yet.
        """
        view, documents = self.view(), self._documents
        match name:
            case "curves":
                return tables.curves_table(tables.stored_matrix(documents, _bid(view, of)))
            case "prices":
                asset = AssetId(_one(of, [str(a.asset) for a in view.plan.assets], "asset"))
                return tables.prices_table(documents, view, asset)
            case "results":
                area = PriceArea(_one(of, list(map(str, view.plan.price_areas)), "price area"))
                found = results_of(documents, view.plan)
                if area not in found:
                    raise NotFound(f"no result of {area} is published yet", area=area)
                return tables.results_table(found[area])
            case _:
                return tables.OF_RUNS[name](documents, view)

    @overload
    def frame(self, name: TableName, of: str | None = None) -> pd.DataFrame: ...

    @overload
    def frame(
        self, name: TableName, of: str | None = None, *, kind: Literal["pandas"]
    ) -> pd.DataFrame: ...

    @overload
    def frame(
        self, name: TableName, of: str | None = None, *, kind: Literal["polars"]
    ) -> pl.DataFrame: ...

    def frame(
        self, name: TableName, of: str | None = None, *, kind: FrameKind = "pandas"
    ) -> pd.DataFrame | pl.DataFrame:
        """Return a table of the run as a frame.

        Raises:
            MissingPackage: pandas or polars is not installed. NotFound: as `table`.
        """
        return frame(self.table(name, of), kind)


def _bid(view: RunView, of: str | None) -> str:
    """Return the digest of the bid of a price area or of an asset."""
    areas = {str(area): record.matrix for area, record in view.areas.items()}
    assets = {str(asset): record.matrix for asset, record in view.assets.items()}
    planned = list(map(str, view.plan.price_areas))
    if of is None:
        of = _one(None, planned, "price area")
    if of not in planned and of not in {str(asset.asset) for asset in view.plan.assets}:
        _one(of, [*planned, *map(str, (asset.asset for asset in view.plan.assets))], "bid")
    digest = areas.get(of) or assets.get(of)
    if digest is None:
        raise NotFound(f"{of} has no bid yet", of=of)
    return digest


def _one(given: str | None, known: list[str], what: str) -> str:
    if given is None and len(known) == 1:
        return known[0]
    if given not in known:
        stated = "none was named" if given is None else f"no {what} {given}"
        raise NotFound(f"{stated}; one of {', '.join(known)}", known=known)
    return given
