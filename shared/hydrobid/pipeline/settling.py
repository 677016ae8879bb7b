"""In which order a cut-off settles assets: one that may have killed whoever settled it comes last.

A process that dies over an asset, as for want of memory, dies over it again each time that it is told
again. So before an asset is settled it is noted that it is begun, and on which version of its record:
where that has not moved on, it may be why nobody came to the end. The others are then settled and bid
first, and it once more after them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from hydrobid.domain.identifiers import AssetId
from hydrobid.domain.plan import Plan
from hydrobid.domain.states import AssetState
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Document, Documents, Put
from hydrobid.pipeline.read_run import Records


def settling_order(
    documents: Documents, plan: Plan, records: Records, now: datetime
) -> tuple[list[AssetId], list[AssetId]]:
    """Return the assets that could still be better than their records: those at once, and those last.

    Of the last another is first every minute, so that none waits behind one that kills for ever.
    """
    complete = {a for a, record in records.assets.items() if record.state is AssetState.COMPLETE}
    assets = [asset.asset for asset in plan.assets if asset.asset not in complete]
    notes = documents.get_many([paths.settling(plan.run, asset) for asset in assets])
    suspect = {a for a, note in zip(assets, notes, strict=True) if note == _note(records, a)}
    last = [asset for asset in assets if asset in suspect]
    first = int(now.timestamp()) // 60 % len(last) if last else 0
    return [asset for asset in assets if asset not in suspect], last[first:] + last[:first]


@contextmanager
def begun(
    documents: Documents, plan: Plan, records: Records, asset: AssetId, *, noted: bool
) -> Iterator[None]:
    """Note that an asset is being settled: until its record moves on, or an error tells why not.

    noted: whether that stands there already.
    """
    path = paths.settling(plan.run, asset)
    if not noted:
        documents.commit(Put(path, _note(records, asset)))
    try:
        yield
    except Exception:
        documents.commit(Put(path, {"version": None}))
        raise


def _note(records: Records, asset: AssetId) -> Document:
    record = records.assets.get(asset)
    return {"version": 0 if record is None else record.version}
