"""Protocol buffers: definitions, and whether a message in binary or JSON is of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

_COMPILER_SECONDS: Final = 30
_FILE: Final = "schema.proto"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto


class ProtoDefinition:
    """A message type that reads messages; what is wrong with anything is told by a ValueError.

    `compiled` is its FileDescriptorProto, which spares a restart the compiler.
    """

    def __init__(self, compiled: bytes) -> None:
        self.compiled = compiled
        file = descriptor_pb2.FileDescriptorProto.FromString(compiled)
        if file.dependency:
            raise ValueError(f"an import of {file.dependency[0]}, where none is possible")
        if len(file.message_type) != 1 or file.enum_type or file.extension or file.service:
            raise ValueError("anything but one message type at the top level")
        self._root = file.message_type[0]
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        name = f"{file.package}.{self._root.name}".lstrip(".")
        self._message: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))

    @classmethod
    def of_text(cls, text: str) -> ProtoDefinition:
        """Compile a .proto file; takes a fraction of a second, since it starts a process."""
        # Google's compiler is a C++ program: in a process of its own a definition that is too much
        # for it costs a refusal.
        with TemporaryDirectory() as folder:
            (Path(folder) / _FILE).write_text(text, encoding="utf-8")
            outcome = subprocess.run(  # noqa: S603  # no shell, and the text is in a file
                [sys.executable, "-I", "-m", "grpc_tools.protoc", "-I.", "-o", "compiled", _FILE],
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_COMPILER_SECONDS,
                check=False,
            )
            if outcome.returncode != 0:
                raise ValueError(outcome.stderr.strip() or "more than the compiler can take")
            files = descriptor_pb2.FileDescriptorSet.FromString(
                (Path(folder) / "compiled").read_bytes()
            )
        return cls(files.file[0].SerializeToString())

    def check_json(self, data: bytes) -> None:
        """Raise when `data` is not the message in protobuf's JSON."""
        try:
            message = json_format.Parse(data.decode(), self._message())
        except (json_format.ParseError, RecursionError) as error:
            raise ValueError(str(error)) from None
        self._check_complete(message)

    def check_binary(self, data: bytes) -> None:
        """Raise when `data` is not the message on the wire."""
        try:
            message = self._message.FromString(data)
        except DecodeError as error:
            raise ValueError(str(error)) from None
        self._check_complete(message)

    def check_follows(self, earlier: ProtoDefinition) -> None:
        """Raise unless nothing but optional fields came and went.

        https://cloud.google.com/pubsub/docs/commit-schema-revision
        """
        _check_follows(earlier._root, self._root)

    def _check_complete(self, message: Any) -> None:
        if not message.IsInitialized():
            missing = ", ".join(message.FindInitializationErrors())
            raise ValueError(f"required fields are missing: {missing}")


def _check_follows(earlier: Any, later: Any) -> None:
    before = {field.number: field for field in earlier.field}
    after = {field.number: field for field in later.field}
    for number, field in (before | after).items():
        if number in before and number in after:
            if field != before[number]:
                raise ValueError(f"field {number} of {later.name} is another one")
        elif field.label != _FIELD.LABEL_OPTIONAL:
            raise ValueError(f"{field.name} of {later.name} came or went and is not optional")
    types = {nested.name: nested for nested in earlier.nested_type}
    for nested in later.nested_type:
        if nested.name in types:
            _check_follows(types[nested.name], nested)
