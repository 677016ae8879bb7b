"""What is bid on a market of reserves, and who bids it to whom."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from hydrobid.domain.base import Value

Eic = Annotated[str, Field(pattern=r"^[0-9A-Z-]{16}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z]\d{2}$")]


class ReserveProduct(Value):
    """A reserve as ENTSO-E's bid documents name it; the codes are by default those of Fingrid's FCR-N.

    sender, receiver, domain: EIC codes. process, business, direction, agreement: ENTSO-E's codes. bid_max:
    MW of one bid at most; a larger step is several bids at one price. bids_max: of one document.
    """

    sender: Eic
    receiver: Eic = "10X1001A1001A264"
    domain: Eic = "10YFI-1--------U"
    auction: Annotated[str, Field(min_length=1, max_length=35)] = "FCR"
    document: Code = "A24"
    process: Code = "A52"
    business: Code = "C26"
    direction: Code = "A03"
    agreement: Code = "A13"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    bid_max: Annotated[Decimal, Field(gt=0)] = Decimal(5)
    bids_max: Annotated[int, Field(ge=1)] = 2000
