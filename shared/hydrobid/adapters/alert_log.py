"""The notifier port on the function's own log: what metrics and policies of the cloud count."""

from __future__ import annotations

from hydrobid.adapters.structured_logs import Severity, StructuredLog
from hydrobid.domain.alerts import Severity as Gravity
from hydrobid.domain.identifiers import ClientId
from hydrobid.domain.records import Alert

SEVERITIES: dict[Gravity, Severity] = {Gravity.CRITICAL: "CRITICAL", Gravity.WARNING: "WARNING"}


class LogNotifier:
    """Writes a line for every version of an alert, with all that its reader needs."""

    channel = "log"

    def __init__(self, client: ClientId, log: StructuredLog) -> None:
        self._client, self._log = client, log

    def notify(self, alert: Alert) -> None:
        """Tell an alert: as grave as it is while it is open, as information once it is resolved."""
        is_open = alert.resolved is None
        self._log.write(
            SEVERITIES[alert.severity] if is_open else "INFO",
            alert.message,
            client=self._client,
            run=alert.run,
            alert=alert.id,
            alert_state="open" if is_open else "resolved",
            alert_severity=alert.severity,
            code=alert.code,
            subject=alert.subject,
            done=alert.done,
            action=alert.action,
        )
