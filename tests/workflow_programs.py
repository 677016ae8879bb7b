"""Workflow programs run in a test: on a scripted host that needs no network and no time."""

from __future__ import annotations

import asyncio
import json

import pytest

from emulators.workflows.checks import deployable
from emulators.workflows.effects import AwaitCallback, BackOff, ReadClock, SendRequest
from emulators.workflows.errors import WorkflowError, timeout_error
from emulators.workflows.interpreter import Interpreter
from emulators.workflows.journal import Journal, MemoryJournal


class ScriptedHost:
    """Answers requests from a script, in order; remembers every effect."""

    def __init__(self, *answers) -> None:
        self.effects = []
        self._answers = list(answers)

    async def perform(self, effect, key):
        self.effects.append(effect)
        if isinstance(effect, ReadClock):
            return 1_000.0
        if isinstance(effect, AwaitCallback):
            raise timeout_error("nobody called")
        if isinstance(effect, SendRequest):
            answer = self._answers.pop(0)
            if isinstance(answer, WorkflowError):
                raise answer
            return answer
        return None

    def waits(self) -> list[float]:
        return [effect.seconds for effect in self.effects if isinstance(effect, BackOff)]


def run(source: str, argument=None, host=None):
    environment = {"GOOGLE_CLOUD_PROJECT_ID": "hydro"}
    journal = Journal(MemoryJournal())
    interpreter = Interpreter(deployable(source), environment, host or ScriptedHost(), journal)
    return asyncio.run(interpreter.run(argument))


def value(expression: str, **variables):
    """Return what an expression gives when the variables are assigned."""
    names = "".join(f"          - {name}: {json.dumps(v)}\n" for name, v in variables.items())
    assign = f"    - given:\n        assign:\n{names}" if variables else ""
    quoted = "${" + expression + "}"
    return run(f"main:\n  steps:\n{assign}    - done:\n        return: {json.dumps(quoted)}\n")


def failure(source: str, argument=None, host=None):
    with pytest.raises(WorkflowError) as raised:
        run(source, argument, host)
    return raised.value.payload
