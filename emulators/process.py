"""What every emulator process has in common: its arguments, its ready line and its way to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from emulators.clock import MarketClock
from emulators.faults.reading import FaultsFileError, read_rules
from emulators.faults.switch import Faults

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """Arguments of one emulator process; `data_dir` None keeps everything in memory."""

    port: int
    data_dir: Path | None
    clock: MarketClock
    faults: Faults = field(default_factory=Faults)
    host: str = LOOPBACK


def argument_parser(service: str) -> argparse.ArgumentParser:
    """Return the parser of the arguments that all services share; a service may add its own."""
    parser = argparse.ArgumentParser(prog=f"python -m emulators.{service}")
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 takes a free one")
    parser.add_argument("--data-dir", type=Path, help="folder of the state; in memory when absent")
    parser.add_argument("--clock-file", type=Path, help="file with the market clock's offset")
    parser.add_argument("--faults-file", type=faults_file, help="file of the faults to inject")
    parser.set_defaults(service=service)
    return parser


def options_of(arguments: argparse.Namespace) -> Options:
    """Return the shared options of parsed arguments; the data folder is created."""
    folder = arguments.data_dir
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    faults = Faults(arguments.service, arguments.faults_file, folder)
    return Options(arguments.port, folder, MarketClock(arguments.clock_file), faults)


def faults_file(text: str) -> Path:
    """Return the path of a file of faults that can be read, for an argument parser."""
    path = Path(text)
    try:
        read_rules(path)
    except FaultsFileError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return path


async def run_until_stopped(service: str, **facts: object) -> None:
    """Announce a service that takes requests, and wait for SIGTERM or SIGINT.

    The one line on standard output says that it is ready, and where. Signals are handled before it
    is written: whoever has read it can stop the process gracefully.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sys.stdout.write(json.dumps({"ready": service, **facts}) + "\n")
    sys.stdout.flush()
    await stop.wait()
