"""The same for asyncio: what waits for the cloud waits in a thread, and the loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from hydrobid.client.frames import FrameKind, Table
from hydrobid.client.platform import Client, Platform, connect
from hydrobid.client.runs import Run, TableName
from hydrobid.domain.identifiers import PriceArea, RunId
from hydrobid.domain.results import AuctionResult
from hydrobid.domain.series import SeriesKind
from hydrobid.domain.states import RunState
from hydrobid.pipeline.push_series import Pushed
from hydrobid.pipeline.series_states import SeriesState
from hydrobid.schema import ClientInputs

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class AsyncRun:
    """A run, as `Run` has it."""

    def __init__(self, run: Run) -> None:
        self.run = run

    async def id(self) -> RunId:
        """Return its name; NotFound while a run that was started is not planned yet."""
        return await asyncio.to_thread(lambda: self.run.id)

    async def state(self) -> RunState:
        """Return where it stands now."""
        return await asyncio.to_thread(lambda: self.run.state)

    async def follow(self) -> AsyncIterator[RunState]:
        """Yield each state that it comes to, as `Run.follow`."""
        states = self.run.follow()
        while (state := await asyncio.to_thread(next, states, None)) is not None:
            yield state

    async def wait(self) -> RunState:
        """Return the state that it ends in."""
        return await asyncio.to_thread(self.run.wait)

    async def summary(self) -> dict[str, Any]:
        """Return what `hydrobid show --json` prints."""
        return await asyncio.to_thread(self.run.summary)

    async def table(self, name: TableName, of: str | None = None) -> Table:
        """Return a table of the run as columns by name."""
        return await asyncio.to_thread(self.run.table, name, of)

    @overload
    async def frame(self, name: TableName, of: str | None = None) -> pd.DataFrame: ...

    @overload
    async def frame(
        self, name: TableName, of: str | None = None, *, kind: Literal["pandas"]
    ) -> pd.DataFrame: ...

    @overload
    async def frame(
        self, name: TableName, of: str | None = None, *, kind: Literal["polars"]
    ) -> pl.DataFrame: ...

    async def frame(
        self, name: TableName, of: str | None = None, *, kind: FrameKind = "pandas"
    ) -> pd.DataFrame | pl.DataFrame:
        """Return a table of the run as a frame."""
        if kind == "pandas":
            return await asyncio.to_thread(partial(self.run.frame, name, of, kind="pandas"))
        return await asyncio.to_thread(partial(self.run.frame, name, of, kind="polars"))


class AsyncClient:
    """One client of a cloud, as `Client` has it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def start(self, day: date | None = None, inputs: ClientInputs | None = None) -> AsyncRun:
        """Start a run for a delivery day, the next one whose gate is open if None."""
        return AsyncRun(await asyncio.to_thread(self.client.start, day, inputs))

    async def run(self, of: str | RunId | date) -> AsyncRun:
        """Return a run by its name, or the newest of a delivery day; raise NotFound."""
        return AsyncRun(await asyncio.to_thread(self.client.run, of))

    async def results(
        self, day: date | None = None, wait: float = 0.0
    ) -> dict[PriceArea, AuctionResult]:
        """Return what a day's auction came to."""
        return await asyncio.to_thread(self.client.results, day, wait)

    async def push(
        self,
        kind: SeriesKind | str,
        file: Path | str | bytes,
        *,
        name: str | None = None,
        scenario_set: str | None = None,
        published: datetime | None = None,
        by: str | None = None,
    ) -> Pushed:
        """Take a file of series, as `Client.push`."""
        push = partial(
            self.client.push,
            kind,
            file,
            name=name,
            scenario_set=scenario_set,
            published=published,
            by=by,
        )
        return await asyncio.to_thread(push)

    async def series(self) -> list[SeriesState]:
        """Return how each series stands."""
        return await asyncio.to_thread(self.client.series)


class AsyncPlatform:
    """A cloud, as `Platform` has it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def client(self, name: str) -> AsyncClient:
        """Return one of its clients."""
        return AsyncClient(self.platform.client(name))


async def aconnect(data_dir: Path | str | None = None) -> AsyncPlatform:
    """Return the local cloud of a data folder, as `connect`."""
    return AsyncPlatform(await asyncio.to_thread(connect, data_dir))
