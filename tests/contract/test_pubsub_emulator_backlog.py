"""The backlog under random use: nothing lost, nothing twice, keys in order."""

import random

import pytest

from emulators.pubsub.backlog import Backlog, Room
from emulators.pubsub.messages import Message
from emulators.pubsub.protos import PubsubMessage

EVERYTHING = Room(messages=1_000_000, size=1 << 40)


class Model:
    """A backlog used as a subscription does, and what must hold of it."""

    def __init__(self, dice):
        self.dice = dice
        self.backlog = Backlog(ordered=True)
        self.owed = {}
        self.out = {}
        self.resting = []
        self.last = 0

    def add(self):
        self.last += 1
        body = PubsubMessage(ordering_key=self.dice.choice(["", "", "a", "b"]))
        message = Message(self.last, "topic", body, self.dice.randrange(1, 100), 0.0)
        self.owed[self.last] = message
        self.backlog.add(message)

    def take(self, room=None):
        dice = self.dice
        room = room or Room(
            dice.randrange(1, 6), dice.randrange(1, 300), dice.randrange(1, 4), dice.randrange(1, 4)
        )
        busy = [*self.out.values(), *self.resting]
        held = {one.message.body.ordering_key for one in busy}
        for entry in self.backlog.take(room):
            number, key = entry.message.id, entry.message.body.ordering_key
            assert number in self.owed
            assert number not in self.out
            if key:
                assert key not in held
                earlier = (n for n, one in self.owed.items() if one.body.ordering_key == key)
                assert all(n in self.out for n in earlier if n < number)
            self.out[number] = entry

    def acknowledge(self):
        if self.out:
            entry = self.out.pop(self.dice.choice(list(self.out)))
            del self.owed[entry.message.id]
            self.backlog.settle(entry)

    def fail(self):
        if not self.out:
            return
        entry = self.out.pop(self.dice.choice(list(self.out)))
        for follower in self.backlog.followers(entry):
            del self.out[follower.message.id]
            self.backlog.give_back(follower)
        if self.dice.random() < 0.5:
            self.backlog.rest(entry)
            self.resting.append(entry)
        else:
            self.backlog.give_back(entry)

    def wake(self):
        if self.resting:
            self.backlog.wake(self.resting.pop(self.dice.randrange(len(self.resting))))

    def drop_unleased(self):
        waiting = [one for one in self.backlog if one.message.id not in self.out]
        for entry in self.dice.sample(waiting, min(len(waiting), 2)):
            if entry not in self.resting:
                del self.owed[entry.message.id]
                self.backlog.settle(entry)


@pytest.mark.parametrize("seed", range(60))
def test_backlog__loses_nothing_and_keeps_keys_in_order(seed):
    model = Model(random.Random(seed))
    moves = [model.add, model.add, model.take, model.take, model.acknowledge, model.fail]
    moves += [model.wake, model.drop_unleased]
    for _ in range(300):
        model.dice.choice(moves)()
    while model.resting:
        model.wake()
    while model.owed:
        before = len(model.owed)
        model.take(EVERYTHING)
        while model.out:
            model.acknowledge()
        assert len(model.owed) < before, f"stuck with {sorted(model.owed)}"
    assert len(model.backlog) == 0
    assert model.backlog.ready == 0 or model.backlog.take(EVERYTHING) == []
