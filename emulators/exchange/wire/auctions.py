"""Auctions with their contracts, limits and portfolios."""

from datetime import datetime
from typing import Self

from emulators.exchange.market import Auction, AuctionState, Contract
from emulators.exchange.market_file import MarketRules, Permission, Portfolio
from emulators.exchange.wire.base import Document


class ContractDocument(Document):
    id: str
    delivery_start: datetime
    delivery_end: datetime

    @classmethod
    def of(cls, contract: Contract) -> Self:
        return cls(
            id=contract.id,
            delivery_start=contract.delivery_start,
            delivery_end=contract.delivery_end,
        )


class AreaContractGroup(Document):
    area_code: str
    contracts: list[ContractDocument]


class CurrencyDocument(Document):
    currency_code: str
    min_price: float
    max_price: float


class PortfolioAreaDocument(Document):
    code: str
    name: str
    eic_code: str
    curve_min_volume_limit: float
    curve_max_volume_limit: float


class PortfolioDocument(Document):
    name: str
    id: str
    currency: str
    company_id: str
    company_name: str
    permission: Permission
    areas: list[PortfolioAreaDocument]

    @classmethod
    def of(cls, portfolio: Portfolio, rules: MarketRules) -> Self:
        return cls(
            name=portfolio.name,
            id=portfolio.id,
            currency=rules.currency,
            company_id=portfolio.company_id,
            company_name=portfolio.company_name,
            permission=portfolio.permission,
            areas=[
                PortfolioAreaDocument(
                    code=area.code,
                    name=rules.price_area(area.code).name,
                    eic_code=rules.price_area(area.code).eic_code,
                    curve_min_volume_limit=float(area.curve_min_volume_limit),
                    curve_max_volume_limit=float(area.curve_max_volume_limit),
                )
                for area in portfolio.areas
            ],
        )


class OrderTypeDocument(Document):
    id: int
    name: str


class _AuctionHead(Document):
    id: str
    name: str
    state: AuctionState
    close_for_bidding: datetime
    delivery_start: datetime
    delivery_end: datetime


class AuctionDocument(_AuctionHead):
    contracts: list[ContractDocument]
    currencies: list[CurrencyDocument]
    portfolios: list[PortfolioDocument]


class AuctionMultiResolutionDocument(_AuctionHead):
    available_order_types: list[OrderTypeDocument]
    currencies: list[CurrencyDocument]
    contracts: list[AreaContractGroup]
    portfolios: list[PortfolioDocument]


def auction_document(
    auction: Auction, now: datetime, rules: MarketRules, portfolios: list[Portfolio]
) -> AuctionDocument:
    """Return an auction as the list of auctions has it, with its contracts in one list."""
    return AuctionDocument(
        **_head(auction, now),
        contracts=[ContractDocument.of(contract) for contract in auction.by_id.values()],
        currencies=_currencies(rules),
        portfolios=[PortfolioDocument.of(portfolio, rules) for portfolio in portfolios],
    )


def multi_resolution_document(
    auction: Auction, now: datetime, rules: MarketRules, portfolios: list[Portfolio]
) -> AuctionMultiResolutionDocument:
    """Return an auction with its contracts grouped by the market's price areas."""
    contracts = [ContractDocument.of(contract) for contract in auction.by_id.values()]
    return AuctionMultiResolutionDocument(
        **_head(auction, now),
        available_order_types=[
            OrderTypeDocument(id=number, name=name)
            for number, name in enumerate(("Curve", "Block", "LinkedExclusiveGroup"), start=1)
        ],
        currencies=_currencies(rules),
        contracts=[
            AreaContractGroup(area_code=area.code, contracts=contracts)
            for area in rules.price_areas
        ],
        portfolios=[PortfolioDocument.of(portfolio, rules) for portfolio in portfolios],
    )


def _head(auction: Auction, now: datetime) -> dict[str, object]:
    return {
        "id": auction.id,
        "name": auction.name,
        "state": auction.state(now),
        "close_for_bidding": auction.close_for_bidding,
        "delivery_start": auction.delivery_start,
        "delivery_end": auction.delivery_end,
    }


def _currencies(rules: MarketRules) -> list[CurrencyDocument]:
    limits = rules.price_limits
    return [
        CurrencyDocument(
            currency_code=rules.currency,
            min_price=float(limits.minimum),
            max_price=float(limits.maximum),
        )
    ]
