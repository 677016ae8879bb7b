"""Query explain: how a query is carried out here, and what it took.

The plan is what this emulator does: it scans the query's scope in name order, whatever the query.
"""

from __future__ import annotations

from emulators.clock import real_seconds
from emulators.firestore.messages import ExplainMetrics, Message
from emulators.firestore.queries import Query


class Explanation:
    """The explanation of one run of a query, from when it is made."""

    def __init__(self, query: Query, options: Message) -> None:
        self._query = query
        self.runs = bool(options.analyze)
        self._began = real_seconds()

    def metrics(self, scanned: int, returned: int) -> Message:
        """Return the ExplainMetrics, with the statistics of the run if there is one.

        scanned: documents that were looked at. returned: results that the client gets.
        """
        metrics = ExplainMetrics()
        scope = "Collection group" if self._query.all_descendants else "Collection"
        metrics.plan_summary.indexes_used.add().update(
            {"query_scope": scope, "properties": "(__name__ ASC)"}
        )
        if self.runs:
            stats = metrics.execution_stats
            stats.results_returned = returned
            stats.read_operations = max(returned, 1)  # a query that finds nothing costs one read
            stats.execution_duration.FromMicroseconds(int((real_seconds() - self._began) * 1e6))
            stats.debug_stats.update({"documents_scanned": str(scanned)})
        return metrics
