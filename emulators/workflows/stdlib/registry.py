"""How functions of the standard library are declared, found and given their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

from emulators.workflows.effects import Effect
from emulators.workflows.errors import type_error
from emulators.workflows.values import Value, type_name

_Implementation = TypeVar("_Implementation", bound=Callable[..., Any])


class Kind(Enum):
    """What a function needs, and with it where it may be called."""

    PURE = "computes from its arguments alone"
    INSTANT = "asks its surroundings, but does not block: allowed in expressions"
    BLOCKING = "blocks: only a call step may call it"


class Surroundings(Protocol):
    """What a function that is not pure sees of the execution that calls it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that sys.get_env reads."""

    def perform(self, effect: Effect) -> Awaitable[Value]:
        """Return what the effect gives, recorded so that a replay gives it again."""


# The default of a parameter that has none.
REQUIRED: Any = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter by its name in the language, and what it is when it is not given."""

    name: str
    default: Value


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the standard library."""

    name: str
    kind: Kind
    implementation: Callable[..., Any]
    parameters: tuple[Parameter, ...]

    async def call(self, surroundings: Surroundings, arguments: list[Value]) -> Value:
        """Return the function's value for arguments that `bind` has put in order."""
        if self.kind is Kind.PURE:
            return self.implementation(*arguments)
        return await self.implementation(surroundings, *arguments)

    def bind(self, positional: Sequence[Value], named: Mapping[str, Value]) -> list[Value]:
        """Return the arguments in order, defaults filled in; TypeError when they do not fit."""
        if len(positional) > len(self.parameters):
            count = len(self.parameters)
            raise type_error(f"{self.name} takes {count} arguments, got {len(positional)}")
        known = [parameter.name for parameter in self.parameters]
        for name in named:
            if name not in known:
                raise type_error(f"{self.name} has no argument '{name}'; it has {', '.join(known)}")
        arguments = list(positional)
        for parameter in self.parameters[len(positional) :]:
            value = named.get(parameter.name, parameter.default)
            if value is REQUIRED:
                raise type_error(f"{self.name} needs the argument '{parameter.name}'")
            arguments.append(value)
        return arguments


FUNCTIONS: dict[str, Function] = {}


def declare(
    name: str, kind: Kind, implementation: Callable[..., Any], parameters: tuple[Parameter, ...]
) -> None:
    """Register an implementation under its name in the language."""
    FUNCTIONS[name] = Function(name, kind, implementation, parameters)


def function(name: str, kind: Kind = Kind.PURE) -> Callable[[_Implementation], _Implementation]:
    """Register the decorated implementation; its parameters are the function's."""

    def register(implementation: _Implementation) -> _Implementation:
        parameters = tuple(
            Parameter(parameter.name, parameter.default)
            for parameter in inspect.signature(implementation).parameters.values()
        )
        declare(name, kind, implementation, parameters if kind is Kind.PURE else parameters[1:])
        return implementation

    return register


def need_string(value: Value, what: str) -> str:
    """Return the value if it is a string, else raise a TypeError that names the argument."""
    if isinstance(value, str):
        return value
    raise type_error(f"{what} must be a string, not {type_name(value)}")


def need_number(value: Value, what: str) -> float:
    """Return the value if it is an integer or a double, else raise a TypeError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise type_error(f"{what} must be a number, not {type_name(value)}")


def need_map(value: Value, what: str) -> dict[str, Value]:
    """Return the value if it is a map, else raise a TypeError."""
    if isinstance(value, dict):
        return value
    raise type_error(f"{what} must be a map, not {type_name(value)}")


def need_list(value: Value, what: str) -> list[Value]:
    """Return the value if it is a list, else raise a TypeError."""
    if isinstance(value, list):
        return value
    raise type_error(f"{what} must be a list, not {type_name(value)}")


def need_bytes(value: Value, what: str) -> bytes:
    """Return the value if it is bytes, else raise a TypeError."""
    if isinstance(value, bytes):
        return value
    raise type_error(f"{what} must be bytes, not {type_name(value)}")
