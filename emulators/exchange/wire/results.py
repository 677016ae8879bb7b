"""What an auction came to: prices, trades, and each portfolio's net volumes."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Self

from emulators.exchange.market import Contract
from emulators.exchange.orders import OrderKind
from emulators.exchange.outcome import Outcome, Traded
from emulators.exchange.wire.base import Document


class ResultState(StrEnum):
    PRELIMINARY = "PreliminaryResults"
    FINAL = "Final"


class Side(StrEnum):
    BUY = "Buy"
    SELL = "Sell"


class ResultType(StrEnum):
    CURVE = "Curve"
    BLOCK = "Block"


class _ContractDocument(Document):
    contract_id: str
    delivery_start: datetime
    delivery_end: datetime


class CurrencyPriceDocument(Document):
    currency_code: str
    market_price: float
    status: ResultState


class AreaPriceDocument(Document):
    area_code: str
    prices: list[CurrencyPriceDocument]


class ContractPriceDocument(_ContractDocument):
    areas: list[AreaPriceDocument]


class PricesDocument(Document):
    auction: str
    auction_delivery_start: datetime
    auction_delivery_end: datetime
    contracts: list[ContractPriceDocument]

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        auction = outcome.auction
        return cls(
            auction=auction.id,
            auction_delivery_start=auction.delivery_start,
            auction_delivery_end=auction.delivery_end,
            contracts=[
                ContractPriceDocument(**_span(contract), areas=_area_prices(outcome, contract))
                for contract in auction.by_id.values()
            ],
        )


class TradeDocument(_ContractDocument):
    trade_id: uuid.UUID
    volume: float
    price: float
    side: Side
    status: ResultState


class TradesSummaryDocument(Document):
    area_code: str
    auction_id: str
    order_id: uuid.UUID
    company_name: str
    portfolio: str
    currency_code: str
    user_id: str
    order_result_type: ResultType
    name: str | None
    exclusive_group: str | None
    linked_to: str | None
    is_spread_block: bool
    trades: list[TradeDocument]

    @classmethod
    def of(cls, outcome: Outcome, traded: Traded, company_name: str) -> Self:
        order, block = traded.order, traded.block
        curve = order.kind is OrderKind.CURVE
        return cls(
            area_code=order.slot.area_code,
            auction_id=order.slot.auction_id,
            order_id=order.order_id,
            company_name=company_name,
            portfolio=order.slot.portfolio,
            currency_code=outcome.rules.currency,
            user_id=order.modifier,
            order_result_type=ResultType.CURVE if curve else ResultType.BLOCK,
            name=block.name if block else None,
            exclusive_group=block.exclusive_group if block else None,
            linked_to=block.linked_to if block else None,
            is_spread_block=block.is_spread_block if block else False,
            trades=_trades(outcome, traded),
        )


class ContractNetVolumeDocument(_ContractDocument):
    net_volume: float


class AreaNetVolumeDocument(Document):
    area_code: str
    net_volumes: list[ContractNetVolumeDocument]


class PortfolioNetVolumeDocument(Document):
    portfolio: str
    company_name: str
    area_net_volumes: list[AreaNetVolumeDocument]


class PortfolioVolumesDocument(Document):
    """Net volumes are of each MTU, buying positive, whatever contracts were traded."""

    auction_id: str
    portfolio_net_volumes: list[PortfolioNetVolumeDocument]

    @classmethod
    def of(cls, outcome: Outcome, companies: dict[str, str]) -> Self:
        areas: dict[str, list[AreaNetVolumeDocument]] = {}
        for portfolio, area, volumes in outcome.net_volumes():
            net = [
                ContractNetVolumeDocument(**_span(unit), net_volume=float(volumes[unit.id]))
                for unit in outcome.auction.contracts
            ]
            areas.setdefault(portfolio, []).append(
                AreaNetVolumeDocument(area_code=area, net_volumes=net)
            )
        return cls(
            auction_id=outcome.auction.id,
            portfolio_net_volumes=[
                PortfolioNetVolumeDocument(
                    portfolio=name, company_name=companies[name], area_net_volumes=found
                )
                for name, found in areas.items()
            ],
        )


def _span(contract: Contract) -> dict[str, object]:
    return {
        "contract_id": contract.id,
        "delivery_start": contract.delivery_start,
        "delivery_end": contract.delivery_end,
    }


def _state(outcome: Outcome) -> ResultState:
    return ResultState.FINAL if outcome.final else ResultState.PRELIMINARY


def _area_prices(outcome: Outcome, contract: Contract) -> list[AreaPriceDocument]:
    return [
        AreaPriceDocument(
            area_code=area,
            prices=[
                CurrencyPriceDocument(
                    currency_code=outcome.rules.currency,
                    market_price=float(priced.prices[contract.id]),
                    status=_state(outcome),
                )
            ],
        )
        for area, priced in outcome.contracts.items()
    ]


def _trades(outcome: Outcome, traded: Traded) -> list[TradeDocument]:
    prices = outcome.contracts[traded.order.slot.area_code].prices
    block = traded.block.name if traded.block else ""
    return [
        TradeDocument(
            **_span(outcome.auction.by_id[name]),
            trade_id=uuid.uuid5(traded.order.order_id, f"{block}/{name}"),
            volume=float(abs(volume)),
            price=float(prices[name]),
            side=Side.BUY if volume > 0 else Side.SELL,
            status=_state(outcome),
        )
        for name, volume in traded.volumes.items()
    ]
