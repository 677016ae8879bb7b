"""The way in: a cloud, the clients in it, their runs and the series that they are made from."""

from __future__ import annotations

import getpass
import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hydrobid.client.connection import connect as connect_local
from hydrobid.client.following import start_run
from hydrobid.client.results import awaited_results, plan_of_day
from hydrobid.client.runs import Run
from hydrobid.client.watching import Watcher
from hydrobid.domain.configuration import ClientConfiguration
from hydrobid.domain.errors import InvalidInput, NotFound
from hydrobid.domain.identifiers import ClientId, PriceArea, RunId
from hydrobid.domain.results import AuctionResult
from hydrobid.domain.series import SeriesKind
from hydrobid.local_cloud.layout import DataFolder
from hydrobid.local_cloud.settings import DEFAULT_DATA_DIR
from hydrobid.pipeline.blobs import get_blob
from hydrobid.pipeline.publish_inputs import current_inputs
from hydrobid.pipeline.push_series import Publication, Pushed, PushedFile, publications, push_series
from hydrobid.pipeline.read_run import newest_run
from hydrobid.pipeline.series_states import SeriesState, series_states
from hydrobid.schema import ClientInputs, configuration_of
from hydrobid.schema.price_files import SourceFile

if TYPE_CHECKING:
    from hydrobid.bootstrap.console import Console


class Client:
    """One client of a cloud."""

    def __init__(self, console: Console, name: ClientId) -> None:
        self.name = name
        self._console, self._documents = console, console.documents(name)

    def __repr__(self) -> str:
        return f"Client({self.name})"

    @property
    def configuration(self) -> ClientConfiguration:
        """What is current of its configuration, without the series that arrived since."""
        current = current_inputs(self._documents)
        return configuration_of(get_blob(self._documents, current.configuration))

    def start(self, day: date | None = None, inputs: ClientInputs | None = None) -> Run:
        """Start a run for a delivery day, the next one whose gate is open if None.

        inputs: documents that become current first; None to bid from what is current.
        """
        configuration = (
            self.configuration if inputs is None else configuration_of(inputs.configuration)
        )
        day = day or configuration.market.next_open_day(self._console.clock.now())
        followed = start_run(self._console, configuration, day, inputs)
        return Run(self._console, self.name, self._documents, followed)

    def run(self, of: str | RunId | date) -> Run:
        """Return a run by its name, or the newest of a delivery day; raise NotFound.

        >>> client.run("nordic~2026-03-29~r1")  # doctest: +SKIP
        Run(sintef-example, nordic~2026-03-29~r1)
        """
        if isinstance(of, date):
            found = newest_run(self._documents, self.configuration.market.id, of)
            if found is None:
                raise NotFound(f"{of} was not bid: it has no run", day=of.isoformat())
            of = found
        run = Run(
            self._console,
            self.name,
            self._documents,
            of if isinstance(of, RunId) else RunId.parse(of),
        )
        run.view()
        return run

    def results(self, day: date | None = None, wait: float = 0.0) -> dict[PriceArea, AuctionResult]:
        """Return what a day's auction came to, as far as it is known when `wait` seconds are over.

        day: the last one whose gate has closed if None.
        """
        plan = plan_of_day(self._documents, self._console.clock, day)
        return awaited_results(self._documents, self._console.messages(self.name), plan, wait)

    def push(
        self,
        kind: SeriesKind | str,
        file: Path | str | bytes,
        *,
        name: str | None = None,
        scenario_set: str | None = None,
        published: datetime | None = None,
        by: str | None = None,
    ) -> Pushed:
        """Take a file of series: prices, inflows, also of scenarios, levels or obligations.

        file: its path, or its content, which then needs a `name` that tells its format by its ending.
        published: by whoever issued it, aware; now, if None. by: the name of this machine's user if
        None. Raises:
            InvalidInput: the file is refused, with every problem.
        """
        if isinstance(file, bytes):
            if name is None:
                raise InvalidInput.of("push", "name", None, "a file's name, as prices.csv")
            content = file
        else:
            name, content = name or Path(file).name, Path(file).read_bytes()
        try:
            known = SeriesKind(kind)
        except ValueError:
            expected = f"one of {', '.join(SeriesKind)}"
            raise InvalidInput.of("push", "kind", kind, expected) from None
        pushed = PushedFile(
            known, SourceFile(name, content), by or getpass.getuser(), published, scenario_set
        )
        console = self._console
        return push_series(self._documents, console.clock, console.messages(self.name), pushed)

    def watcher(self, folder: Path) -> Watcher:
        """Return what takes the files that come into a folder, as those of the client's bucket."""
        console = self._console
        ports = (self._documents, console.clock, console.messages(self.name))
        return Watcher(self.name, *ports, folder)

    def series(self) -> list[SeriesState]:
        """Return how each series stands that has arrived or that a policy asks for."""
        return series_states(self._documents, self._console.clock)

    def publications(self) -> list[Publication]:
        """Return every content of series that arrived, in order of publication."""
        return publications(self._documents)


class Platform:
    """A cloud. clients: those that it serves, where it says so."""

    def __init__(self, console: Console, clients: tuple[ClientId, ...] | None = None) -> None:
        self._console, self.clients = console, clients

    def client(self, name: str) -> Client:
        """Return one of its clients; raise InvalidInput naming those that there are."""
        if self.clients is not None and name not in self.clients:
            expected = f"one of {', '.join(self.clients)}"
            raise InvalidInput.of("platform", "client", name, expected)
        return Client(self._console, ClientId(name))

    @property
    def now(self) -> datetime:
        """Market time."""
        return self._console.clock.now()


def connect(data_dir: Path | str | None = None) -> Platform:
    """Return the local cloud of a data folder; raise LocalCloudDown where it is not up.

    data_dir: what HYDROBID_DATA_DIR names if None, as for the command line; else `.hydrobid`.
    """
    data_dir = data_dir or os.environ.get("HYDROBID_DATA_DIR") or DEFAULT_DATA_DIR
    console, state = connect_local(DataFolder(Path(data_dir).absolute()))
    return Platform(console, state.clients)


def connect_to_google(project: str, location: str) -> Platform:
    """Return the cloud of a Google project, as whoever this machine's credentials are of."""
    # Google's clients take a second to import: nobody else needs them.
    from hydrobid.bootstrap.console import Console  # noqa: PLC0415 - see above
    from hydrobid.bootstrap.settings import CloudSettings  # noqa: PLC0415

    return Platform(Console(CloudSettings(project=project, location=location)))
