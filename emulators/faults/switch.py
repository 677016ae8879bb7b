"""The switch: decides for every call of a service whether a fault strikes it.

Rules are asked in the order of the file; the first that strikes decides, and those after it do not
see the call. The same file and the same sequence of calls give the same faults. What a rule has
counted is on disk before its fault happens, so a process that a fault has killed does not meet the
same one again when it comes back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from emulators.faults.reading import FaultsFileError, read_rules
from emulators.faults.rules import Call, Fault, Rule

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Tally:
    """How many calls a rule has met and how many of them it has struck."""

    matches: int = 0
    strikes: int = 0


class Faults:
    """The faults of one service; without a file there are none, and asking costs nothing.

    The file is read again when it has changed. One that has become unreadable leaves the rules as
    they were; one that is gone ends them. Not thread-safe: one event loop asks.
    """

    def __init__(
        self, service: str = "", path: Path | None = None, data_dir: Path | None = None
    ) -> None:
        """Read the rules; raises FaultsFileError. Without a folder, counts end with the process."""
        self._service = service
        self._path = path
        self._ledger = None if data_dir is None else data_dir / "faults-struck.json"
        self._tallies = self._kept_tallies()
        self._stamp: tuple[int, int, int] | None = None
        self._rules: tuple[Rule, ...] = ()
        if path is not None:
            self._stamp = _stamp_of(path)
            self._rules = self._read(path)

    @property
    def possible(self) -> bool:
        """Whether there may ever be a fault: without a file there is none."""
        return self._path is not None

    def strike(self, describe: Callable[[], Call]) -> Fault | None:
        """Return the fault that strikes a call, None if it goes on as ever.

        `describe` tells of the call; it is asked only when there are rules.
        """
        if self._path is None:
            return None
        self._look(self._path)
        if not self._rules:
            return None
        call = describe()
        for rule in self._rules:
            if rule.concerns(call) and self._strikes(rule):
                _log.warning("injected fault: %s at %s", rule.fault, _told(self._service, call))
                return rule.fault
        return None

    def _strikes(self, rule: Rule) -> bool:
        tally = self._tallies.setdefault(rule.identity, _Tally())
        if rule.count is not None and tally.strikes >= rule.count:
            return False
        tally.matches += 1
        struck = rule.strikes(tally.matches)
        tally.strikes += struck
        self._keep_tallies()
        return struck

    def _look(self, path: Path) -> None:
        stamp = _stamp_of(path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._rules = self._read(path)
        except FaultsFileError as error:
            _log.warning("%s; the rules stay as they were", error)

    def _read(self, path: Path) -> tuple[Rule, ...]:
        return tuple(rule for rule in read_rules(path) if rule.service == self._service)

    def _kept_tallies(self) -> dict[str, _Tally]:
        if self._ledger is None or not self._ledger.exists():
            return {}
        kept = json.loads(self._ledger.read_text(encoding="utf-8"))
        return {identity: _Tally(**tally) for identity, tally in kept.items()}

    def _keep_tallies(self) -> None:
        if self._ledger is None:
            return
        # Replaced as a whole: whoever reads it, after whatever crash, finds one state or the other.
        draft = self._ledger.with_suffix(".new")
        kept = {identity: asdict(tally) for identity, tally in self._tallies.items()}
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(self._ledger)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _told(service: str, call: Call) -> str:
    facts = (
        str(value) for name, values in call.items() if name != "body" for value in list(values)[:3]
    )
    return " ".join([service, *facts])
