"""YAML and JSON sources as trees whose every node knows its line.

Scalars follow YAML 1.2's core rules (`yes` and `on` are strings), as Google's parser reads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from emulators.workflows import limits
from emulators.workflows.errors import DeploymentError
from emulators.workflows.values import INTEGER_MAX, INTEGER_MIN

_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BaseLoader):  # type: ignore[misc] # PyYAML picks its base when it is imported
    """YAML 1.2 core scalars; PyYAML's own rules are those of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's name and form


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    list("-+0123456789."),
)

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list or a map of nodes, and the line on which it begins."""

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    line: int

    def plain(self) -> Any:
        """Return the value as ordinary lists, dicts and scalars."""
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


def parse_source(text: str) -> Node:
    """Return the tree of a source, or raise a DeploymentError with the line that is wrong."""
    size = len(text.encode())
    if size > limits.SOURCE_BYTES:
        problem = f"source has {size} bytes, the limit is {limits.SOURCE_BYTES}"
        raise DeploymentError(problem, line=1)
    try:
        _check_nesting(text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = _line_of(error.problem_mark)
        raise DeploymentError(f"parse error: {error.problem}", line=line) from error
    except yaml.YAMLError as error:
        raise DeploymentError(f"parse error: {error}", line=1) from error
    if root is None:
        raise DeploymentError("source is empty", line=1)
    return _Reader().read(root, depth=0)


def _check_nesting(text: str) -> None:
    """Refuse a source that nests too deep while it is still a stream of events.

    Composing recurses in C, where nesting without bounds ends the process.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > limits.SOURCE_NESTING:
                problem = f"source nests deeper than {limits.SOURCE_NESTING} levels"
                raise DeploymentError(problem, line=_line_of(event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns PyYAML's nodes into ours; what aliases repeat counts each time, up to a limit."""

    def __init__(self) -> None:
        self._left = limits.SOURCE_NODES

    def read(self, node: Any, depth: int) -> Node:
        line = _line_of(node.start_mark)
        self._left -= 1
        if depth > limits.SOURCE_NESTING or self._left < 0:
            problem = (
                f"source nests deeper than {limits.SOURCE_NESTING} levels"
                f" or has more than {limits.SOURCE_NODES} values"
            )
            raise DeploymentError(problem, line=line)
        if isinstance(node, yaml.SequenceNode):
            return Node(tuple(self.read(item, depth + 1) for item in node.value), line)
        if isinstance(node, yaml.MappingNode):
            return Node(self._map(node, depth), line)
        return Node(_scalar(node, line), line)

    def _map(self, node: Any, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = _line_of(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                raise DeploymentError("a map key must be a scalar", line=line)
            if key_node.value in entries:
                raise DeploymentError(f"duplicate key '{key_node.value}'", line=line)
            value = self.read(value_node, depth + 1)
            # The line of a step is the line of its name.
            entries[key_node.value] = Node(value.value, line)
        return entries


def _line_of(mark: Any) -> int:
    return 1 if mark is None else int(mark.line) + 1


def _scalar(node: Any, line: int) -> Scalar:
    tag, text = node.tag.rpartition(":")[2], str(node.value)
    try:
        match tag:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                number = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
                if INTEGER_MIN <= number <= INTEGER_MAX:
                    return number
            case "float":
                return float(text)
            case "str":
                return text
    except ValueError:
        pass
    raise DeploymentError(f"{text!r} is no value of type {tag}", line=line)
