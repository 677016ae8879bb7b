"""`diagnose`: why a run went as it did, from its documents alone."""

from __future__ import annotations

from hydrobid.cli.diagnosis_view import diagnosis_view
from hydrobid.cli.options import DEFAULT, DataDir, Json, data_folder
from hydrobid.cli.output import out, print_json
from hydrobid.cli.owner import owner_of
from hydrobid.cli.show import Client, Run
from hydrobid.client.connection import connect
from hydrobid.domain.identifiers import RunId
from hydrobid.pipeline.diagnose_run import diagnose_run


def diagnose(
    run: Run, client: Client = None, data_dir: DataDir = DEFAULT, as_json: Json = False
) -> None:
    """Explain a run: where its time went, what failed and why, and what that did to the bid.

    Reads documents only, so a run can be diagnosed while it goes on and long after it has ended.

    Example: hydrobid diagnose nordic~2026-03-29~r1 --client sintef-example
    """
    run_id = RunId.parse(run)
    console, state = connect(data_folder(data_dir))
    documents = console.documents(owner_of(console, state, run_id, client))
    diagnosis = diagnose_run(documents, console.clock, run_id)
    if as_json:
        print_json(diagnosis.to_document())
    else:
        out.print(diagnosis_view(diagnosis))
