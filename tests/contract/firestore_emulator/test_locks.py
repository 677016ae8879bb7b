"""The lock table by itself: who waits for whom, step by step."""

from __future__ import annotations

import asyncio

import pytest

from emulators.firestore.errors import AbortedError
from emulators.firestore.locks import LockTable, Owner

LONG, SHORT = 30.0, 0.05
A, B = "documents/c/a", "documents/c/b"


def owner(number, *, is_retry=False):
    return Owner("database", number, is_retry)


async def waiting(coroutine):
    """Start something that has to wait, and see that it does."""
    task = asyncio.ensure_future(coroutine)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_read__behind_a_waiting_commit_comes_after_it():
    locks, first, second = LockTable(LONG), owner(1), owner(2)
    await locks.before_read(first, [A])
    commit = await waiting(locks.before_commit(None, [A]))
    read = await waiting(locks.before_read(second, [A]))
    locks.release(first)
    await commit
    await read
    assert locks.blocks(None, [A])


async def test_read__that_would_close_a_circle_goes_ahead():
    locks, first, second = LockTable(LONG), owner(1), owner(2)
    await locks.before_read(first, [A])
    await locks.before_read(second, [B])
    commit = await waiting(locks.before_commit(first, [A, B]))  # for the second one
    await locks.before_read(second, [A])
    locks.release(second)
    await commit


async def test_read__waits_for_a_limited_time_and_is_granted():
    locks, first, second = LockTable(SHORT), owner(1), owner(2)
    await locks.before_read(first, [A])
    commit = await waiting(locks.before_commit(None, [A]))
    await locks.before_read(second, [A])
    with pytest.raises(AbortedError, match="lock timeout"):
        await commit


async def test_read__of_a_transaction_that_ends_meanwhile_leaves_no_lock():
    locks, first, second = LockTable(LONG), owner(1), owner(2)
    await locks.before_read(first, [A])
    commit = await waiting(locks.before_commit(None, [A]))
    read = await waiting(locks.before_read(second, [A]))
    locks.release(second)
    locks.release(first)
    await commit
    await read
    assert not locks.blocks(None, [A])


@pytest.mark.parametrize(
    ("waits_first", "closes_circle", "refused"),
    [
        ((1, False), (2, False), 2),
        ((2, False), (1, False), 2),
        ((2, True), (1, False), 1),
        ((1, False), (2, True), 1),
    ],
)
async def test_commits__in_a_circle_refuse_a_first_attempt_then_the_younger(
    waits_first, closes_circle, refused
):
    locks, owners = LockTable(LONG), {}
    for number, is_retry in (waits_first, closes_circle):
        owners[number] = owner(number, is_retry=is_retry)
        await locks.before_read(owners[number], [A])
    commits = {waits_first[0]: await waiting(locks.before_commit(owners[waits_first[0]], [A]))}
    commits[closes_circle[0]] = asyncio.ensure_future(
        locks.before_commit(owners[closes_circle[0]], [A])
    )
    with pytest.raises(AbortedError, match="contention"):
        await commits.pop(refused)
    locks.release(owners[refused])
    await next(iter(commits.values()))


async def test_retries__take_turns_within_a_database():
    locks = LockTable(LONG)
    first, second, third = (owner(number, is_retry=True) for number in (1, 2, 3))
    elsewhere = Owner("other database", 4, is_retry=True)
    await locks.before_read(first, [A])
    await locks.before_read(elsewhere, [("other database", "c")])
    reads = [await waiting(locks.before_read(each, [B])) for each in (second, third)]
    await locks.before_read(first, [B])
    locks.release(first)
    await reads[0]
    assert not reads[1].done()
    locks.release(second)
    await reads[1]
