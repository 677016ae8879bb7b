"""A subscription whose deliveries faults may strike, whoever consumes them."""

from __future__ import annotations

from typing import Any

from emulators.faults.effects import die
from emulators.faults.rules import Fault, Kind
from emulators.faults.switch import Faults
from emulators.pubsub.backlog import Entry, Room
from emulators.pubsub.delivery import Consumer, Delivery, Runtime
from emulators.pubsub.errors import Refusal
from emulators.pubsub.injection import delivering
from emulators.pubsub.subscription import Subscription


class InjectedSubscription(Subscription):
    """A subscription that asks a switch for each message that is about to go out."""

    def __init__(self, key: int, resource: Any, runtime: Runtime, faults: Faults) -> None:
        super().__init__(key, resource, runtime)
        self._faults = faults
        # Held back until a later message has gone out.
        self._overtakable: set[Entry] = set()
        # Struck already: on their next way out these are left alone.
        self._struck: set[int] = set()

    def _lease(self, room: Room, consumer: Consumer) -> list[Delivery]:
        # With runs of one, what is kept from a consumer is not overtaken by others of its key.
        room.run = 1
        return super()._lease(room, consumer)

    def _send(self, entry: Entry, consumer: Consumer) -> Delivery | None:
        fault = self._strike(entry)
        if fault is not None and self._withhold(entry, fault, consumer):
            # The consumer has room left for what comes behind.
            self._runtime.touch(self)
            return None
        delivery = self._lend(entry, consumer)
        delivery.fault = fault
        self._release_those_before(entry)
        return delivery

    def _strike(self, entry: Entry) -> Fault | None:
        if entry.message.id in self._struck:
            self._struck.remove(entry.message.id)
            return None
        return self._faults.strike(lambda: delivering(self.name, entry.message.body))

    def _withhold(self, entry: Entry, fault: Fault, consumer: Consumer) -> bool:
        """Keep a message from its consumer if that is what the fault does; return whether it is."""
        match fault.kind:
            case Kind.LATENCY | Kind.REORDER:
                self._hold(entry, fault)
            case Kind.DROP:
                self._lend(entry, _Nobody(consumer.lease_seconds))
            case Kind.ERROR:
                self._fail(self._lend(entry, _Nobody(consumer.lease_seconds)))
            case _:
                return False
        return True

    def _hold(self, entry: Entry, fault: Fault) -> None:
        self._backlog.rest(entry)
        timer = self._runtime.loop.call_later(fault.seconds, self._release, entry)
        self._resting[entry] = timer
        if fault.kind is Kind.REORDER:
            self._overtakable.add(entry)

    def _release(self, entry: Entry) -> None:
        self._struck.add(entry.message.id)
        self._overtakable.discard(entry)
        self._wake(entry)

    def _release_those_before(self, entry: Entry) -> None:
        """Let go of what was held back until a later message, this one, has gone out."""
        for held in [one for one in self._overtakable if one.message.id < entry.message.id]:
            self._overtakable.remove(held)
            if timer := self._resting.get(held):
                timer.cancel()
                self._release(held)

    def _acknowledged(self, delivery: Delivery) -> None:
        match delivery.fault:
            case Fault(kind=Kind.CRASH_BEFORE):
                die()
            case Fault(kind=Kind.CRASH_AFTER):
                super()._acknowledged(delivery)
                self._runtime.store.commit()
                die()
            case Fault(kind=Kind.DUPLICATE):
                self._struck.add(delivery.entry.message.id)
                self._backlog.give_back(delivery.entry)
                self._runtime.touch(self)
            case _:
                super()._acknowledged(delivery)


class _Nobody:
    """The consumer of a delivery that is lost on its way: it is never acknowledged."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds

    @property
    def lease_seconds(self) -> float:
        return self._lease_seconds

    def room(self) -> Room:
        return Room(0, 0)

    def deliver(self, deliveries: list[Delivery]) -> None:
        """Nothing arrives here."""

    def released(self, delivery: Delivery) -> None:
        """What was lost has taken nobody's room."""

    def closed(self, refusal: Refusal) -> None:
        """Nobody learns of it."""
