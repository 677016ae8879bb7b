"""What can be done about an order at the exchange."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What is done at the exchange; CANCEL takes back what the desk has withdrawn."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    PLACE_BLOCKS = "place-blocks"
    AMEND_BLOCKS = "amend-blocks"
    CANCEL_BLOCKS = "cancel-blocks"


@dataclass(frozen=True)
class Step:
    """An act. order_id: of the order that it changes, empty for a new one."""

    act: Act
    order_id: str = ""
