"""Versions of the canonical form, and the steps by which older documents are lifted to the newest.

One number goes for `client.yaml` and watercourses together. A step works on the plain content of a
document before its form is checked, so that forms know the newest version only. What is stored is never
rewritten: it is lifted when it is read.

    1   cut-offs in minutes before the gate, and a minimum of probability, for each asset
    2   budgets of the stages, from which the cut-offs follow, and policies of coverage
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hydrobid.domain.stages import Stage, Stages
from hydrobid.schema.findings import Place

CANONICAL_VERSION = 2
VERSION = "version"

Content = dict[str, Any]
Upcaster = Callable[[Mapping[str, Any]], Content]


def lifted(content: Mapping[str, Any], place: Place) -> Content | None:
    """Return a client's document in the newest version, or None once its version is refused.

    One without a version is returned as it is: its form tells that it is missing.
    """
    stated = content.get(VERSION)
    if stated is None:
        return dict(content)
    known = range(1, CANONICAL_VERSION + 1)
    if type(stated) is not int or stated not in known:
        expected = f"one of {', '.join(map(str, known))}: {CANONICAL_VERSION} is the newest"
        (place / VERSION).refuse(stated, expected)
        return None
    document = dict(content)
    for version in range(stated, CANONICAL_VERSION):
        document = {**UPCASTERS[version](document), VERSION: version + 1}
    return document


def stages_and_coverage(content: Mapping[str, Any]) -> Content:
    """Lift from 1 to 2: stages whose cut-offs are the old ones, to the minute where budgets allow."""
    document = dict(content)
    if isinstance(document.get("cut_offs"), dict) and "stages" not in document:
        stages = _stages(document["cut_offs"])
        if stages is not None:
            del document["cut_offs"]
            document["stages"] = stages
    if isinstance(document.get("assets"), list):
        document["assets"] = [_with_coverage(asset) for asset in document["assets"]]
    return document


def _with_coverage(asset: Any) -> Any:
    if not isinstance(asset, dict) or "minimum_probability" not in asset or "coverage" in asset:
        return asset
    rest = {name: value for name, value in asset.items() if name != "minimum_probability"}
    return {**rest, "coverage": {"minimum_probability": asset["minimum_probability"]}}


def _stages(cut_offs: Mapping[str, Any]) -> Content | None:
    """Return the stages that leave what cut-offs left; None for what are no cut-offs of version 1."""
    minutes = {**_CUT_OFFS, **cut_offs}
    whole = all(
        isinstance(value, int) and not isinstance(value, bool) for value in minutes.values()
    )
    if minutes.keys() != _CUT_OFFS.keys() or not whole:
        return None
    solve, approval, submission = (minutes[name] for name in _CUT_OFFS)
    if not solve > approval > submission > 0:
        return None
    submit, aggregate = Stages().submit, Stages().aggregate
    left = 60 * (approval - submission) - submit.backoff.total_seconds()
    timeout = min(max(round(left / submit.attempts), 10), 600)
    person = round(solve - approval - aggregate.budget.total_seconds() / 60)
    return {
        "approve": Stage(timeout=60 * max(person, 1)).model_dump(mode="json"),
        "submit": Stage(timeout=timeout, attempts=submit.attempts).model_dump(mode="json"),
        "guard": min(max(60 * submission, 60), 3600),
    }


_CUT_OFFS = {"solve": 30, "approval": 15, "submission": 5}
"""What held in version 1 where nothing was said, in minutes before the gate."""

UPCASTERS: Mapping[int, Upcaster] = {1: stages_and_coverage}
"""By the version that each lifts from, by one."""
