"""`emulators start`: the emulated cloud alone, for other programs and their tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from hydrobid.local_cloud.layout import Home
from hydrobid.local_cloud.settings import LocalCloudSettings

emulators_app = typer.Typer(
    no_args_is_help=True, help="Firestore, Pub/Sub, Workflows and Scheduler on loopback, alone."
)

Port = Annotated[int, typer.Option(help="0 takes a free one.", metavar="PORT")]


@emulators_app.command()
def start(
    firestore_port: Port = 0,
    firestore_rest_port: Port = 0,
    pubsub_port: Port = 0,
    workflows_port: Port = 0,
    workflows_rest_port: Port = 0,
    scheduler_port: Port = 0,
    control_port: Port = 0,
    only: Annotated[
        list[str] | None,
        typer.Option(help="firestore, pubsub, workflows or scheduler; repeatable; all if absent."),
    ] = None,
    concurrency: Annotated[
        str, typer.Option(help="How Firestore keeps transactions apart: pessimistic, optimistic.")
    ] = "pessimistic",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of the state; in memory when absent.", show_default=False),
    ] = None,
) -> NoReturn:
    """Run the emulators in the foreground until Ctrl-C or SIGTERM; one line of JSON says where."""
    ports = {
        "firestore": firestore_port,
        "firestore-rest": firestore_rest_port,
        "pubsub": pubsub_port,
        "workflows": workflows_port,
        "workflows-rest": workflows_rest_port,
        "scheduler": scheduler_port,
        "control": control_port,
    }
    command = [
        sys.executable,
        "-P",
        "-m",
        "emulators",
        "--host",
        host,
        "--concurrency",
        concurrency,
    ]
    command += [part for name, port in ports.items() for part in (f"--{name}-port", str(port))]
    command += ["--only", *only] if only else []
    command += ["--data-dir", str(data_dir)] if data_dir else []
    path = Home.find(LocalCloudSettings.from_environment().home).python_path
    # This process becomes the emulators, so signals reach them and nothing else is left running.
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": path})  # noqa: S606
