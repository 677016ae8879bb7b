"""`alerts`: what a person should know, of every run and of what has none."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.owner import clients_asked
from hydrobid.cli.render import alert_lines
from hydrobid.client.connection import connect
from hydrobid.domain.alerts import Severity
from hydrobid.domain.records import Alert
from hydrobid.pipeline import paths
from hydrobid.pipeline.ports import Documents

Client = Annotated[
    str | None, typer.Argument(metavar="[CLIENT]", help="Whose; every client's if not given.")
]
Resolved = Annotated[
    bool, typer.Option("--resolved", help="Also those whose cause has gone.", show_default=False)
]


def alerts(
    client: Client = None,
    resolved: Resolved = False,
    data_dir: DataDir = DEFAULT,
    as_json: Json = False,
) -> None:
    """List the alerts that are open, and what a person can do: the critical ones first, then by time.

    Also those of no run, such as a day that could not be planned.

    Example: hydrobid alerts sintef-example
    """
    console, state = connect(data_folder(data_dir))
    owners = clients_asked(state, client, "CLIENT")
    told = {owner: _alerts_of(console.documents(owner), resolved=resolved) for owner in owners}
    if as_json:
        print_json({"alerts": {o: [alert.to_document() for alert in of] for o, of in told.items()}})
        return
    for owner, of in told.items():
        if of:
            out.print(Text(owner, "bold"))
        for alert in of:
            for line in alert_lines(alert):
                out.print(line)
    if not any(told.values()):
        say("No alerts." if resolved else "No alert is open.", "green")


def _alerts_of(documents: Documents, *, resolved: bool) -> list[Alert]:
    stored = map(Alert.from_document, documents.find(paths.ALERTS).values())
    wanted = [alert for alert in stored if resolved or alert.resolved is None]
    return sorted(wanted, key=lambda a: (a.severity is not Severity.CRITICAL, a.at, a.id))
