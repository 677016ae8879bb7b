"""Try steps: retries with backoff first, then the except block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulators.workflows.effects import BackOff
from emulators.workflows.errors import ExecutionAborted, WorkflowError, key_error, type_error
from emulators.workflows.history import Progress
from emulators.workflows.stdlib.retries import DEFAULT_BACKOFF, DEFAULT_MAX_RETRIES
from emulators.workflows.steps import Retry, Try
from emulators.workflows.values import FunctionReference, Value, is_number, type_name

if TYPE_CHECKING:
    from emulators.workflows.interpreter import Thread
    from emulators.workflows.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class _Policy:
    """When to try again, how often, and after how many seconds."""

    predicate: FunctionReference
    max_retries: int
    initial_delay: float
    max_delay: float
    multiplier: float

    def delay(self, retries: int) -> float:
        """Return the seconds to wait after so many retries."""
        return float(min(self.initial_delay * self.multiplier**retries, self.max_delay))


async def run_try(thread: Thread, action: Try) -> Outcome:
    """Run the block of a try step, again as its policy says, and then its except block."""
    retries = 0
    scope = thread.scope
    while True:
        try:
            with thread.recorded("STEP_TRY", _attempt(action, retries)):
                return await thread.run_block(action.body)
        except ExecutionAborted:
            raise
        except WorkflowError as caught:
            error = caught
        thread.scope = scope
        delay = None if action.retry is None else await _delay(thread, action.retry, error, retries)
        if delay is None:
            break
        await thread.perform(BackOff(delay))
        retries += 1
    if action.handler is None:
        raise error
    variable = action.handler.variable
    variables = {} if variable is None else {variable: error.payload}
    with thread.recorded("STEP_EXCEPT"):
        return await thread.run_inner(action.handler.body, variables)


def _attempt(action: Try, retries: int) -> Progress | None:
    return None if action.retry is None else Progress("PROGRESS_TYPE_RETRY", retries + 1, 0)


async def _delay(thread: Thread, retry: Retry, error: WorkflowError, retries: int) -> float | None:
    """Return the seconds to wait before the next attempt, None when there is none."""
    policy = await _policy(thread, retry)
    if retries >= policy.max_retries:
        return None
    again = await thread.apply(policy.predicate.name, [error.payload])
    if not isinstance(again, bool):
        raise type_error(f"a retry predicate must return a boolean, not {type_name(again)}")
    return policy.delay(retries) if again else None


async def _policy(thread: Thread, retry: Retry) -> _Policy:
    if retry.policy is not None:
        given = await thread.value_of(retry.policy)
        if not isinstance(given, dict):
            raise type_error(f"retry takes a policy, not {type_name(given)}")
    else:
        expressions = {
            "predicate": retry.predicate,
            "max_retries": retry.max_retries,
            "backoff": retry.backoff,
        }
        given = {
            key: await thread.value_of(expression)
            for key, expression in expressions.items()
            if expression is not None
        }
    return _checked(given)


def _checked(given: Value) -> _Policy:
    predicate = given.get("predicate", FunctionReference("retry.always"))
    if not isinstance(predicate, FunctionReference):
        raise type_error(f"predicate must be a function, not {type_name(predicate)}")
    max_retries = given.get("max_retries", DEFAULT_MAX_RETRIES)
    if type(max_retries) is not int:
        raise type_error(f"max_retries must be an integer, not {type_name(max_retries)}")
    backoff = given.get("backoff", DEFAULT_BACKOFF)
    if not isinstance(backoff, dict):
        raise type_error(f"backoff must be a map, not {type_name(backoff)}")
    for key in ("initial_delay", "max_delay", "multiplier"):
        if key not in backoff:
            raise key_error(key)
        if not is_number(backoff[key]):
            raise type_error(f"{key} must be a number, not {type_name(backoff[key])}")
    return _Policy(
        predicate,
        max_retries,
        backoff["initial_delay"],
        backoff["max_delay"],
        backoff["multiplier"],
    )
