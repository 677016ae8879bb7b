"""Documents of an operator's model, YAML or JSON, read within the limits of YAML ones."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from hydrobid.schema.files import ClientFiles
from hydrobid.schema.findings import Place
from hydrobid.schema.yaml_document import MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_NUMBER


def document_in(files: ClientFiles, name: str) -> Any:
    """Return what a document holds, or None once its fault is noted."""
    if PurePath(name).suffix.lower() == ".json":
        return _json(files.files[name], files.place(name))
    return files.parsed(name)


def _json(content: bytes, place: Place) -> Any:
    if len(content) > MAX_BYTES:
        (place / "size").refuse(len(content), f"at most {MAX_BYTES} bytes")
        return None
    try:
        found = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_each_once,
            parse_constant=_no_number,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        (place / f"byte {error.start}").refuse(None, "text in UTF-8")
    except json.JSONDecodeError as error:
        (place / f"line {error.lineno}").refuse(error.msg, "well-formed JSON")
    except (ValueError, RecursionError) as error:
        place.refuse(str(error), "JSON with each field once")
    else:
        return found if _fits(found, place) else None
    return None


def _fits(content: Any, place: Place) -> bool:
    """Return whether a document is of a depth and size to be walked; note where it is not."""
    level, values = [content], 0
    for _ in range(MAX_DEPTH):
        values += len(level)
        level = [part for node in level for part in _parts(node)]
        if not level:
            break
    if level or values > MAX_NODES:
        place.refuse(f"{values} values", f"at most {MAX_NODES} values in {MAX_DEPTH} levels")
    return not level and values <= MAX_NODES


def _parts(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} twice")
    return found


def _whole(digits: str) -> int | str:
    # A longer number cannot be meant as one; as text it is refused by the field's own name.
    return int(digits) if len(digits) <= MAX_NUMBER else digits


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant}, which is no JSON")
