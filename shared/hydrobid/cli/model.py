"""`model`: an operator's own domain model, held against its rules and its fixtures."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hydrobid.cli.clients import client_folder, clients_dir_of, files_in, read_bytes
from hydrobid.cli.exits import ExitCode
from hydrobid.cli.options import ClientsDir, Json
from hydrobid.cli.output import out, print_json, say
from hydrobid.cli.render import new_table
from hydrobid.cli.text_files import written
from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.findings import one_of

if TYPE_CHECKING:
    from hydrobid.schema.domain_model.operator_model import OperatorModel

model_app = typer.Typer(no_args_is_help=True, help="An operator's own domain model.")

Client = Annotated[str, typer.Argument(help="The client's id: its folder's name.")]


@model_app.command()
def check(client: Client, clients_dir: ClientsDir = None, as_json: Json = False) -> None:
    """Check a client's model, mapping and instances, and tell what they become.

    Example: hydrobid model check highland-example --clients-dir shared/operator-models
    """
    from hydrobid.schema.domain_model.client import read_operator_client  # noqa: PLC0415 - slow

    folder = client_folder(clients_dir_of(clients_dir, None), client, bidding=False)
    operator = _operator_model(folder)
    files = files_in(folder)
    inputs = read_operator_client(files, folder.name)
    instances = operator.instances()
    mapped = operator.mapped(instances)
    read = Counter(instance.type.name for instance in instances)
    made = Counter(kind for kind, _, _ in mapped.elements)
    carried = {name: _names(fields) for name, fields in sorted(mapped.carried.items())}
    if as_json:
        told = inputs.configuration["operator"]
        print_json({**told, "instances": read, "elements": made})
        return
    say(f"{client}: {operator.model.model} version {operator.model.version} is sound.")
    table = new_table("Type", "Instances", "Carried along")
    for name in operator.types:
        table.add_row(Text(name), Text(str(read[name])), Text(", ".join(carried.get(name, []))))
    out.print(table)
    table = new_table("Becomes", "Elements")
    for kind, count in sorted(made.items()):
        table.add_row(Text(kind), Text(str(count)))
    out.print(table)


@model_app.command()
def schema(
    document: Annotated[
        str,
        typer.Argument(
            help="client, watercourse, model, mapping or cloud-client; or with --client a type of its model."
        ),
    ],
    client: Annotated[
        str | None, typer.Option(help="The client whose type is meant.", show_default=False)
    ] = None,
    clients_dir: ClientsDir = None,
) -> None:
    """Print the JSON Schema (2020-12) of a document, for editors and for exchange.

    Example: hydrobid model schema Lake --client highland-example --clients-dir
    shared/operator-models > lake.schema.json
    """
    from hydrobid.schema.domain_model.json_schema import (  # noqa: PLC0415 - slow
        DOCUMENTS,
        document_schema,
        instances_schema,
    )

    if client is None:
        if document not in DOCUMENTS:
            expected = (
                f"{one_of(document, DOCUMENTS)}; or a type of a client's model, with --client"
            )
            raise InvalidInput.of("command line", "DOCUMENT", document, expected)
        print_json(document_schema(document))
        return
    folder = client_folder(clients_dir_of(clients_dir, None), client, bidding=False)
    types = _operator_model(folder).types
    if document not in types:
        raise InvalidInput.of("command line", "DOCUMENT", document, one_of(document, types))
    print_json(instances_schema(types[document]))


@model_app.command("test")
def try_fixtures(client: Client, clients_dir: ClientsDir = None, as_json: Json = False) -> None:
    """Hold a client's mapping against the fixtures that it names.

    Ends with exit code 1 where something else came out than a fixture says.

    Example: hydrobid model test highland-example --clients-dir shared/operator-models
    """
    from hydrobid.schema.domain_model.fixtures import tried_fixtures  # noqa: PLC0415 - slow

    folder = client_folder(clients_dir_of(clients_dir, None), client, bidding=False)
    results = tried_fixtures(_operator_model(folder))
    wrong = [result for result in results if result.differences]
    if as_json:
        print_json({"fixtures": [_result(result) for result in results], "failed": len(wrong)})
    else:
        for result in results:
            say(f"{'failed' if result.differences else 'passed'}  {result.fixture}")
            for difference in result.differences:
                say(f"        {difference}")
        say(f"{len(results) - len(wrong)} of {len(results)} fixtures passed.")
    if wrong:
        raise typer.Exit(ExitCode.FAILED)


@model_app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="A model's document.")],
    after: Annotated[Path, typer.Argument(help="A later version of it.")],
    as_json: Json = False,
) -> None:
    """Say what changed from one version of a model to another, and whether it is compatible.

    Compatible: every instance that the first takes, the second takes too, and means the same by it.
    Ends with exit code 1 where anything is not.

    Example: hydrobid model diff model.yaml next/model.yaml
    """
    from hydrobid.schema.domain_model.differences import differences  # noqa: PLC0415 - slow
    from hydrobid.schema.domain_model.operator_model import model_of  # noqa: PLC0415 - slow

    found = differences(*(model_of(read_bytes(path), path.name) for path in (before, after)))
    compatible = all(difference.compatible for difference in found)
    if as_json:
        changes = [difference.as_document() for difference in found]
        print_json({"compatible": compatible, "differences": changes})
    else:
        for difference in found:
            kind = "compatible  " if difference.compatible else "breaking    "
            say(f"{kind}{difference.path}: {difference.what}")
        say(_verdict(len(found), compatible=compatible))
    if not compatible:
        raise typer.Exit(ExitCode.FAILED)


def _verdict(count: int, *, compatible: bool) -> str:
    if not count:
        return "Nothing changed."
    return f"{count} {'change' if count == 1 else 'changes'}, {'' if compatible else 'not '}compatible."


@model_app.command()
def migrate(
    client: Client,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")
    ] = False,
    clients_dir: ClientsDir = None,
    as_json: Json = False,
) -> None:
    """Lift a client's documents to the newest version of the canonical form.

    Its runs are made from the same inputs before and after. What it writes over is kept beside it, as
    client.yaml.v1.

    Example: hydrobid model migrate sintef-example --dry-run
    """
    from hydrobid.schema.domain_model.migration import migration_of  # noqa: PLC0415 - slow

    folder = client_folder(clients_dir_of(clients_dir, None), client, bidding=False)
    documents = migration_of(files_in(folder), folder.name)
    for document in () if dry_run else documents:
        path = folder / document.name
        shutil.copyfile(path, path.with_name(f"{path.name}.v{document.before}"))
        written(path, document.content.decode())
    if as_json:
        print_json({"written": not dry_run, "documents": [_lifted(d) for d in documents]})
        return
    for document in documents:
        changed = f"; {', '.join(document.changed)} changed" if document.changed else ""
        text = "" if document.comments else ", without its comments"
        say(f"{document.name}: from version {document.before}{changed}{text}")
    count = f"{len(documents)} {'document' if len(documents) == 1 else 'documents'}"
    say(f"{count} {'would be ' if dry_run else ''}lifted; runs are made from the same inputs.")


@model_app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="A SHOP case in YAML, or a folder with PowerOps' resync configuration."
        ),
    ],
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out",
            file_okay=False,
            help="Folder of clients to put the new one in; clients if not given.",
            show_default=False,
        ),
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(help="Its id; made from the source's name if not given.", show_default=False),
    ] = None,
    market: Annotated[str, typer.Option(help="A shipped market, for a SHOP case.")] = "nordic",
    price_area: Annotated[
        str | None,
        typer.Option(help="Where a SHOP case is bid; the market's first if not given."),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="File of scenarios; the cases' own market prices if not given."),
    ] = None,
    bid_configuration: Annotated[
        str | None,
        typer.Option(help="Which of PowerOps' bid configurations, if there are several."),
    ] = None,
    shop_model: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE: the SHOP case of a ShopModel of PowerOps; FILE for the only one."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a client from another system's configuration, and account for all of it.

    The account of what was mapped, defaulted and ignored is in the client's import.yaml.

    Example: hydrobid model import basic_model.yaml --price-area NO2 --out clients
    """
    from hydrobid.cli.imports import imported, source_file, write_client  # noqa: PLC0415 - slow
    from hydrobid.schema.legacy.shop_import import ImportChoices  # noqa: PLC0415 - slow

    scenarios = None if prices is None else source_file(prices)
    choices = ImportChoices(client, market, price_area, scenarios)
    found = imported(source, choices, bid_configuration, shop_model or [])
    folder = write_client(found, out_dir or Path("clients"))
    if as_json:
        print_json({"client": found.client, "folder": str(folder), **found.account.as_document()})
        return
    for name, value in found.account.defaulted.items():
        say(f"defaulted  {name}: {value}")
    for path in found.account.ignored:
        say(f"ignored    {path}")
    counts = (len(found.account.mapped), len(found.account.defaulted), len(found.account.ignored))
    say(
        f"{found.client} is in {folder}: {counts[0]} mapped, {counts[1]} defaulted, {counts[2]} ignored."
    )
    if found.days is not None:
        say(f"Its prices are of {found.days[0]} to {found.days[1]}.")


@model_app.command()
def codegen(
    client: Client,
    out_dir: Annotated[
        Path, typer.Option("--out", file_okay=False, help="Where the package goes.")
    ],
    clients_dir: ClientsDir = None,
    as_json: Json = False,
) -> None:
    """Write a Python package for a client's model: a typed class for each type, and a reader.

    The same model gives the same package. Needs the extra `codegen`.

    Example: hydrobid model codegen highland-example --clients-dir shared/operator-models --out out
    """
    from hydrobid.schema.domain_model.codegen import package_of  # noqa: PLC0415 - slow

    folder = client_folder(clients_dir_of(clients_dir, None), client, bidding=False)
    name, texts = package_of(_operator_model(folder))
    package = out_dir / name
    package.mkdir(parents=True, exist_ok=True)
    paths = [str(written(package / file, text)) for file, text in texts.items()]
    if as_json:
        print_json({"package": name, "files": paths})
    else:
        say(f"The package {name} is in {package}: {', '.join(texts)}.")


def _lifted(document: Any) -> dict[str, Any]:
    return {
        "document": document.name,
        "from_version": document.before,
        "changed": document.changed,
        "comments_kept": document.comments,
    }


def _operator_model(folder: Path) -> OperatorModel:
    """Return the model of a client's folder; raise InvalidInput, also where it has none."""
    from hydrobid.schema.domain_model.operator_model import model_in  # noqa: PLC0415 - slow

    return model_in(files_in(folder), folder.name)


def _names(instances: dict[str, dict[str, Any]]) -> list[str]:
    """Return the fields that any of the instances has."""
    return sorted({name for fields in instances.values() for name in fields})


def _result(result: Any) -> dict[str, Any]:
    return {
        "fixture": result.fixture,
        "document": result.document,
        "differences": [difference.as_document() for difference in result.differences],
    }
