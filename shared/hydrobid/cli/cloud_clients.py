"""`client`: a client's file for the cloud, made, checked, and its inputs brought there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from hydrobid.bootstrap.settings import CloudSettings
from hydrobid.cli.clients import bids, client_folders, clients_dir_of, inputs_in, read_bytes
from hydrobid.cli.options import ClientsDir, Json
from hydrobid.cli.output import print_json, say
from hydrobid.cli.text_files import written
from hydrobid.domain.errors import InvalidInput
from hydrobid.domain.identifiers import ClientId
from hydrobid.local_cloud.layout import Home
from hydrobid.local_cloud.settings import LocalCloudSettings
from hydrobid.pipeline.publish_inputs import current_inputs, has_inputs, publish_inputs
from hydrobid.schema import configuration_of
from hydrobid.schema.cloud_client import CloudClientForm, agree, read_cloud_client

MODELINE = "# yaml-language-server: $schema=./client.schema.json\n"

client_app = typer.Typer(no_args_is_help=True, help="A client's file for the cloud.")

Name = Annotated[str, typer.Argument(help="The client's id: the name of its file.")]
Files = Annotated[
    Path | None,
    typer.Option("--files", help="Folder of the clients' files.", show_default="terraform/clients"),
]


@client_app.command()
def validate(
    name: Annotated[str | None, typer.Argument(help="One client; all if not given.")] = None,
    files: Files = None,
    clients_dir: ClientsDir = None,
    as_json: Json = False,
) -> None:
    """Check clients' files, each against its own folder as well where that is here.

    Example: hydrobid client validate sintef-example
    """
    folder = _files(files)
    names = [name] if name is not None else sorted(path.stem for path in folder.glob("*.yaml"))
    forms = {each: _validated(folder, each, clients_dir) for each in names}
    if as_json:
        print_json({each: form.model_dump(mode="json") for each, form in forms.items()})
        return
    for each, form in forms.items():
        say(f"{each}: sound; bids in {form.market}{'' if form.bids else ', its jobs paused'}.")


@client_app.command()
def new(
    name: Name,
    exchange_url: Annotated[
        str, typer.Option(help="The exchange's API.", prompt="Address of the exchange's API")
    ],
    token_url: Annotated[
        str,
        typer.Option(
            help="Where the exchange's tokens come from.", prompt="Address of the exchange's tokens"
        ),
    ],
    market: Annotated[
        str | None, typer.Option(help="A shipped market; that of the client's folder if not given.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The platform's if not given.")] = None,
    files: Files = None,
    clients_dir: ClientsDir = None,
) -> None:
    """Write a client's file, with the budgets of its own folder where that is here.

    Asks for what is needed and not given.

    Example: hydrobid client new river-example --market nordic --exchange-url
    https://exchange.example.com --token-url https://sts.example.com/token
    """
    path = _files(files) / f"{name}.yaml"
    if path.exists():
        raise InvalidInput.of("command line", "NAME", name, "a client that has no file yet")
    said: dict[str, object] = {"client": name, "market": market, "region": region}
    own = client_folders(clients_dir_of(clients_dir, None)).get(ClientId(name))
    if own is not None:
        configuration = configuration_of(inputs_in(own).configuration)
        said["market"] = market or str(configuration.market.id)
        stages, usual = configuration.stages.to_document(), CloudClientForm.model_fields["stages"]
        said["stages"] = {
            key: value for key, value in stages.items() if value != usual.default.to_document()[key]
        }
        said["bids"] = None if bids(own) else False
    said["exchange"] = {"url": exchange_url, "token_url": token_url}
    kept = {key: value for key, value in said.items() if value not in (None, {})}
    text = MODELINE + yaml.safe_dump(kept, sort_keys=False)
    read_cloud_client(text.encode(), name)
    written(path, text)
    say(f"Written: {path}.")


@client_app.command()
def apply(
    name: Name,
    project: Annotated[
        str, typer.Option(envvar="HYDROBID_PROJECT", help="The Google Cloud project.")
    ],
    description: Annotated[
        str | None, typer.Option(help="What is said of the client, in place of its folder's words.")
    ] = None,
    files: Files = None,
    clients_dir: ClientsDir = None,
    as_json: Json = False,
) -> None:
    """Have a client's runs planned from its folder; the same folder again changes nothing.

    Needs the client's database, as terraform makes it, and credentials that may write to it.

    Example: hydrobid client apply sintef-example --project PROJECT
    """
    # Slow to import: only this command needs Google's clients.
    from hydrobid.bootstrap.console import Console  # noqa: PLC0415 - see above

    client = _validated(_files(files), name, clients_dir).client
    own = client_folders(clients_dir_of(clients_dir, None)).get(client)
    if own is None:
        raise InvalidInput.of("command line", "NAME", name, "a client whose folder is here")
    console = Console(CloudSettings(project=project))
    documents = console.documents(client)
    inputs = inputs_in(own, now=console.clock.now())
    before = current_inputs(documents) if has_inputs(documents) else None
    configuration = inputs.configuration
    if description is not None:  # part of the inputs: other words make the next revision
        configuration = {**configuration, "description": description}
    applied = publish_inputs(documents, console.clock, configuration, inputs.scenario_sets)
    if as_json:
        print_json({"changed": applied != before, **applied.to_document()})
        return
    what = "as it was" if applied == before else "applied"
    say(f"{name} in {project}: {what}; configuration {applied.configuration[:12]}.")


def _files(given: Path | None) -> Path:
    folder = (
        given or Home.find(LocalCloudSettings.from_environment().home).root / "terraform/clients"
    )
    if not folder.is_dir():
        raise InvalidInput.of("command line", "--files", str(folder), "a folder of clients' files")
    return folder


def _validated(folder: Path, name: str, clients_dir: Path | None) -> CloudClientForm:
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.yaml")))
        raise InvalidInput.of("command line", "NAME", name, f"one of {known}")
    form = read_cloud_client(read_bytes(path), name)
    own = client_folders(clients_dir_of(clients_dir, None)).get(form.client)
    if own is None:
        return form
    return agree(form, configuration_of(inputs_in(own).configuration), bids=bids(own))
