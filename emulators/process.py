"""What every emulator process has in common: its arguments, its ready line and its way to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from emulators.clock import MarketClock

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """Arguments of one emulator process; `data_dir` None keeps everything in memory."""

    port: int
    data_dir: Path | None
    clock: MarketClock


def argument_parser(service: str) -> argparse.ArgumentParser:
    """Return the parser of the arguments that all services share; a service may add its own."""
    parser = argparse.ArgumentParser(prog=f"python -m emulators.{service}")
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 takes a free one")
    parser.add_argument("--data-dir", type=Path, help="folder of the state; in memory when absent")
    parser.add_argument("--clock-file", type=Path, help="file with the market clock's offset")
    return parser


def options_of(arguments: argparse.Namespace) -> Options:
    """Return the shared options of parsed arguments; the data folder is created."""
    if arguments.data_dir is not None:
        arguments.data_dir.mkdir(parents=True, exist_ok=True)
    return Options(arguments.port, arguments.data_dir, MarketClock(arguments.clock_file))


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


def announce_ready(service: str, **facts: object) -> None:
    """Print the one line on standard output that says the service takes requests, and where."""
    sys.stdout.write(json.dumps({"ready": service, **facts}) + "\n")
    sys.stdout.flush()


async def stop_requested() -> None:
    """Wait for SIGTERM or SIGINT, so that the caller can close what it holds."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
