"""Variables: scopes inside scopes, and the memory that all of an execution's variables take."""

from __future__ import annotations

from emulators.workflows import limits
from emulators.workflows.errors import key_error, limit_error
from emulators.workflows.values import Value, size_of


class Memory:
    """Bytes held by the variables of one execution."""

    def __init__(self) -> None:
        self._used = 0

    def change(self, difference: int) -> None:
        """Take or give back bytes; ResourceLimitError when the limit would be passed."""
        if difference > 0 and self._used + difference > limits.VARIABLES_BYTES:
            needed = self._used + difference
            allowed = limits.VARIABLES_BYTES
            raise limit_error(f"variables need {needed} bytes, the limit is {allowed}")
        self._used += difference


class Scope:
    """The variables of a routine, a loop, an except block or a parallel branch.

    A variable of an outer scope is written there. A parallel branch is a scope with a `writable`
    set: it writes only those outer variables, and keeps every other name to itself.
    """

    def __init__(
        self,
        memory: Memory,
        parent: Scope | None = None,
        writable: frozenset[str] | None = None,
    ) -> None:
        self._memory = memory
        self.parent = parent
        self.writable = writable
        self.values: dict[str, Value] = {}
        self._sizes: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        """Tell whether the variable has been assigned here or further out."""
        return name in self.values or (self.parent is not None and name in self.parent)

    def get(self, name: str) -> Value:
        """Return the variable's value; KeyError when it has not been assigned."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.parent
        raise key_error(name)

    def set(self, name: str, value: Value) -> None:
        """Assign the variable where it lives; a new one is made in this scope."""
        if isinstance(value, str) and size_of(value) > limits.STRING_BYTES:
            raise limit_error(f"a string may have {limits.STRING_BYTES} bytes at most")
        self._home(name).declare(name, value)

    def declare(self, name: str, value: Value) -> None:
        """Assign a variable of this very scope, whatever the outer ones hold."""
        size = size_of(value)
        self._memory.change(size - self._sizes.get(name, 0))
        self.values[name] = value
        self._sizes[name] = size

    def close(self) -> None:
        """Give back the memory of this scope's variables."""
        self._memory.change(-sum(self._sizes.values()))
        self.values.clear()
        self._sizes.clear()

    def inner(self, writable: frozenset[str] | None = None) -> Scope:
        """Return a new scope inside this one."""
        return Scope(self._memory, self, writable)

    def _home(self, name: str) -> Scope:
        scope: Scope = self
        while name not in scope.values:
            closed = scope.writable is not None and name not in scope.writable
            if scope.parent is None or closed:
                return self
            scope = scope.parent
        return scope
