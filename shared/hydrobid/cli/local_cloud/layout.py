"""Where a local cloud keeps its things: one data folder, and the checkout that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import hydrobid
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ClientId

NEEDED_IN_HOME = ("functions", "workflows", "emulators")


@dataclass(frozen=True)
class DataFolder:
    """The files of one local cloud."""

    root: Path

    @property
    def state_file(self) -> Path:
        """Which processes run where."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held by whoever starts or stops processes."""
        return self.root / "lock"

    @property
    def clock_file(self) -> Path:
        """The offset of market time."""
        return self.root / "clock.json"

    @property
    def faults_file(self) -> Path:
        """What goes wrong on purpose; absent where nothing does."""
        return self.root / "faults.json"

    @property
    def prices_file(self) -> Path:
        """What the exchange's auctions come to, where it says so; absent unless somebody writes it."""
        return self.root / "prices.csv"

    @property
    def secrets(self) -> Path:
        """The folder of credentials."""
        return self.root / "secrets"

    @property
    def exchange_accounts(self) -> Path:
        """The accounts that the exchange knows."""
        return self.secrets / "exchange-accounts.json"

    def exchange_account(self, client: ClientId) -> Path:
        """Return the file of one client's account at the exchange."""
        return self.secrets / f"exchange-{client}.json"

    def reserves(self, client: ClientId) -> Path:
        """Return the folder that a client's endpoint of the system operators' network shares."""
        return self.root / "reserves" / client

    def desk_tokens(self, client: ClientId) -> Path:
        """Return the file of the digests of tokens at one client's desk, by person."""
        return self.secrets / f"desk-{client}.json"

    @property
    def logs(self) -> Path:
        """The folder of what processes write."""
        return self.root / "logs"

    def log(self, process: str) -> Path:
        """Return the file that a process writes to."""
        return self.logs / f"{process}.log"

    def store(self, service: str) -> Path:
        """Return the folder in which a service of the cloud keeps its state."""
        return self.root / service


@dataclass(frozen=True)
class Home:
    """A checkout of the project: functions, workflows and the services of the local cloud."""

    root: Path

    @classmethod
    def find(cls, configured: Path | None) -> Home:
        """Return the configured checkout, or the one that this package was installed from.

        Raises:
            InvalidInput: something that the local cloud runs is not there.
        """
        root = (configured or Path(hydrobid.__file__).parents[2]).absolute()
        missing = [name for name in NEEDED_IN_HOME if not (root / name).is_dir()]
        if missing:
            raise InvalidInput.of(
                "settings",
                "HYDROBID_HOME",
                str(root),
                f"a checkout of hydrobid; no {', '.join(missing)} in it",
            )
        return cls(root)

    @property
    def python_path(self) -> str:
        """What PYTHONPATH is for every process that runs this checkout."""
        return f"{self.root / 'shared'}:{self.root}"

    @property
    def workflows(self) -> Path:
        """The folder of the workflows' sources."""
        return self.root / "workflows"

    @property
    def clients(self) -> Path:
        """The folder of the example clients."""
        return self.root / "shared" / "clients"

    @property
    def market(self) -> Path:
        """The market that the local exchange holds auctions for."""
        return self.root / "emulators" / "exchange" / "markets" / "nordic.yaml"

    def function(self, name: str) -> Path:
        """Return the source of a function."""
        return self.root / "functions" / name / "main.py"
