"""For steps: what they go over, and going over it one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.workflows.errors import type_error
from emulators.workflows.history import Progress
from emulators.workflows.outcomes import Jump, Outcome
from emulators.workflows.steps import BREAK, CONTINUE, Loop
from emulators.workflows.values import Value, is_number, type_name

if TYPE_CHECKING:
    from emulators.workflows.interpreter import Thread


async def loop_values(thread: Thread, loop: Loop) -> list[Value] | range:
    """Return what a loop goes over: a list, or the numbers of an inclusive range."""
    if loop.items is not None:
        items = await thread.value_of(loop.items)
        if not isinstance(items, list):
            raise type_error(f"for takes a list, not {type_name(items)}")
        return items
    assert loop.ends is not None  # noqa: S101 - the parser saw to it that one of both is there
    ends = await thread.value_of(loop.ends)
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(is_number, ends)):
        raise type_error("range takes a list of two numbers")
    first, last = ends
    if isinstance(first, int) and isinstance(last, int):
        return range(first, last + 1)
    return [first + offset for offset in range(int(last - first) + 1)] if first <= last else []


async def run_loop(thread: Thread, action: Loop) -> Outcome:
    """Run a loop; its variables live in one scope that ends with it."""
    values = await loop_values(thread, action)
    outer = thread.scope
    thread.scope = outer.inner()
    try:
        for index, value in enumerate(values):
            thread.scope.declare(action.value, value)
            if action.index is not None:
                thread.scope.declare(action.index, index)
            progress = Progress("PROGRESS_TYPE_FOR", index + 1, len(values))
            with thread.recorded("STEP_FOR_ITERATION", progress):
                outcome = await thread.run_block(action.body)
            if outcome == Jump(BREAK):
                break
            if outcome is not None and outcome != Jump(CONTINUE):
                return outcome
    finally:
        thread.scope.close()
        thread.scope = outer
    return None
