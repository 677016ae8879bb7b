"""Tables of plain columns as frames of pandas or polars, whichever is installed and asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, overload

from hydrobid.client.errors import MissingPackage

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Table = Mapping[str, Sequence[Any]]
"""Columns by name, all of one length. Instants are aware UTC."""

FrameKind = Literal["pandas", "polars"]


@overload
def frame(table: Table, kind: Literal["pandas"]) -> pd.DataFrame: ...


@overload
def frame(table: Table, kind: Literal["polars"]) -> pl.DataFrame: ...


@overload
def frame(table: Table, kind: FrameKind) -> pd.DataFrame | pl.DataFrame: ...


def frame(table: Table, kind: FrameKind) -> pd.DataFrame | pl.DataFrame:
    """Return a table as a frame.

    Raises:
        MissingPackage: the package is not installed.
    """
    made: pd.DataFrame | pl.DataFrame
    if kind == "pandas":
        made = _package("pandas").DataFrame(dict(table))
    else:
        made = _package("polars").DataFrame(dict(table))
    return made


def _package(name: FrameKind) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackage(
            f"{name} is not installed, in which this frame was asked for: pip install 'hydrobid[{name}]'",
            package=name,
        ) from error
