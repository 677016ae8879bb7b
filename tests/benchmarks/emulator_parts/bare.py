"""The yardstick: a gRPC server that stores each Commit's bytes in SQLite and reads none of them.

Every request is one durable transaction of a file, or of a database in memory; the answer is the same
bytes each time. Nothing in Python that keeps what it is sent can be much faster.
"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.cloud.firestore_v1.types import CommitResponse, WriteResult

_STAMP = {"seconds": 1_800_000_000}
_ANSWER = CommitResponse.serialize(
    CommitResponse(write_results=[WriteResult(update_time=_STAMP)], commit_time=_STAMP)
)


async def serve(file: str) -> None:
    """Answer commits until the process is ended."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE requests (id INTEGER PRIMARY KEY, content BLOB NOT NULL)")

    async def commit(request: bytes, _: object) -> bytes:
        connection.execute("INSERT INTO requests (content) VALUES (?)", (request,))
        return _ANSWER

    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    handlers = {"Commit": grpc.unary_unary_rpc_method_handler(commit)}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", handlers),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


@contextmanager
def running(mode: str) -> Iterator[str]:
    """Serve in a process of its own inside the block; gives HOST:PORT."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/bare.sqlite3" if mode == "durable" else ":memory:"
        with subprocess.Popen([sys.executable, __file__, file], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield f"127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.terminate()
                process.wait(30)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
