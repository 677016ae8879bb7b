"""The faults file: its form, and what is wrong with one that cannot be.

A file that does not exist holds no rules. Anything else that is not a list of rules is refused,
with the place in the file, the value found there and what would be right.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from emulators.faults.rules import Fault, Kind, Rule
from emulators.faults.targets import Target, Wrong, condition_of, target_of

_FILE_FIELDS: Final = ("seed", "rules")
_RULE_FIELDS: Final = (
    "service", "where", "fault", "seconds", "status", "field", "count", "after", "probability",
)  # fmt: skip
_TIMED: Final = (Kind.LATENCY, Kind.REORDER)
_LONGEST_SECONDS: Final = 86_400.0


class FaultsFileError(Exception):
    """A faults file that cannot be used: the file, the field in it ("" for all of it), and why."""

    def __init__(self, path: Path, field: str, problem: str) -> None:
        super().__init__(f"{path}: {field}: {problem}" if field else f"{path}: {problem}")
        self.path = path
        self.field = field


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a faults file in its order; none when there is no such file.

    Raises FaultsFileError when the file cannot be read or is not what it should be.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise FaultsFileError(path, "", f"cannot be read as JSON: {error}") from error
    try:
        return _rules_of(document)
    except Wrong as wrong:
        raise FaultsFileError(path, wrong.field, wrong.problem) from None


def _rules_of(document: Any) -> tuple[Rule, ...]:
    content = _object("", document, _FILE_FIELDS)
    seed = _integer("seed", content.get("seed", 0))
    rules = content.get("rules")
    if not isinstance(rules, list):
        raise Wrong("rules", f"has to be a list of rules, not {rules!r}")
    seen: Counter[str] = Counter()
    made = []
    for number, rule in enumerate(rules):
        text = json.dumps([seed, rule], sort_keys=True)
        seen[text] += 1
        identity = hashlib.sha256(f"{text} {seen[text]}".encode()).hexdigest()[:16]
        try:
            made.append(_rule(rule, identity))
        except Wrong as wrong:
            place = f"rules[{number}]"
            field = f"{place}.{wrong.field}" if wrong.field else place
            raise Wrong(field, wrong.problem) from None
    return tuple(made)


def _rule(document: Any, identity: str) -> Rule:
    content = _object("", document, _RULE_FIELDS)
    where = content.get("where", {})
    if not isinstance(where, dict):
        raise Wrong("where", f"has to be an object with conditions, not {where!r}")
    target = target_of(content.get("service"), where)
    probability = _number("probability", content.get("probability", 1.0), most=1.0)
    return Rule(
        identity=identity,
        service=target.service,
        conditions=tuple(condition_of(target, name, value) for name, value in where.items()),
        fault=_fault(content, target),
        count=_integer("count", content["count"], least=1) if "count" in content else None,
        after=_integer("after", content.get("after", 0), least=0),
        probability=probability,
    )


def _fault(content: Mapping[str, Any], target: Target) -> Fault:
    possible = [kind.value for kind in Kind if kind in target.kinds]
    name = content.get("fault")
    if name not in possible:
        raise Wrong("fault", f"has to be one of {', '.join(possible)} here, not {name!r}")
    kind = Kind(name)
    statuses = target.statuses if kind is Kind.ERROR else None
    return Fault(
        kind, _seconds(content, kind), _status(content, kind, statuses), _field(content, kind)
    )


def _seconds(content: Mapping[str, Any], kind: Kind) -> float:
    if kind in _TIMED:
        return _number("seconds", content.get("seconds"), most=_LONGEST_SECONDS)
    _absent(content, "seconds", kind)
    return 0.0


def _status(
    content: Mapping[str, Any], kind: Kind, statuses: Collection[str | int] | None
) -> str | int | None:
    if statuses is None:
        _absent(content, "status", kind)
        return None
    status = content.get("status")
    if isinstance(status, bool) or not isinstance(status, str | int) or status not in statuses:
        if isinstance(statuses, range):
            allowed = f"a number from {statuses[0]} to {statuses[-1]}"
        else:
            allowed = f"one of {', '.join(map(str, statuses))}"
        raise Wrong("status", f"has to be {allowed}, not {status!r}")
    return status


def _field(content: Mapping[str, Any], kind: Kind) -> str | None:
    if kind is not Kind.DRIFT:
        _absent(content, "field", kind)
        return None
    field = content.get("field")
    if not isinstance(field, str) or not field:
        raise Wrong("field", f"has to be the name of a field of answers, not {field!r}")
    return field


def _absent(content: Mapping[str, Any], field: str, kind: Kind) -> None:
    if field in content:
        raise Wrong(field, f"means nothing to {kind.value} here: leave it out")


def _object(field: str, value: Any, known: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Wrong(field, f"has to be an object, not {value!r}")
    for name in value:
        if name not in known:
            raise Wrong(name, f"is no field here; there are {', '.join(known)}")
    return value


def _integer(field: str, value: Any, least: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or (least or value) > value:
        limit = "" if least is None else f" from {least}"
        raise Wrong(field, f"has to be a whole number{limit}, not {value!r}")
    return value


def _number(field: str, value: Any, most: float) -> float:
    """Return a positive number up to `most`."""
    valid = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not valid or not 0 < value <= most:
        raise Wrong(field, f"has to be a number above 0 and up to {most:g}, not {value!r}")
    return float(value)
