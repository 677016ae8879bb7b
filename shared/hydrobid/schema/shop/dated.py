"""What varies in a SHOP case: its series to a watercourse's conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hydrobid.domain.conditions import Steps
from hydrobid.schema.shop.connections import Connections
from hydrobid.schema.shop.forms import MarketForm, ShopForm
from hydrobid.schema.shop.objects import Objects
from hydrobid.schema.shop.times import difference, in_force, steps_of

# The attributes that limit something over time, by what they limit.
LIMITS = {
    "reservoir": {"volume_min": "min_vol_constr", "volume_max": "max_vol_constr"},
    "plant": {"discharge_min": "min_q_constr", "discharge_max": "max_q_constr"},
    "gate": {"gate_flow_min": "min_flow", "gate_flow_max": "max_flow"},
    "river": {"gate_flow_min": "min_flow", "gate_flow_max": "max_flow"},
    "generator": {"power_min": "min_p_constr", "power_max": "max_p_constr"},
}


@dataclass
class Dated:
    """Reads the series of objects that take part, noting each fault. end: of the horizon."""

    objects: Objects
    connections: Connections
    end: datetime

    def conditions(self, parts: Mapping[str, set[str]]) -> dict[str, Any]:
        """Return conditions as a document. parts: names that take part, by kind of object."""
        found: dict[str, Any] = {"inflow": {}, "limits": {}, "maintenance": {}, "machines": {}}
        for name, form in self.objects.reservoirs.items():
            if name in parts["reservoir"]:
                found["inflow"] |= self._named("reservoir", name, form, "inflow")
        for kind, limits in LIMITS.items():
            for name, form in getattr(self.objects, f"{kind}s").items():
                self._limits(
                    kind, name, form, limits, found["limits"], takes_part=name in parts[kind]
                )
        for kind in ("generator", "pump"):
            for name, form in getattr(self.objects, f"{kind}s").items():
                if name in parts[kind]:
                    self._machine(kind, name, form, found)
        return {key: value for key, value in found.items() if value}

    def _limits(
        self,
        kind: str,
        name: str,
        form: ShopForm,
        attributes: Mapping[str, str],
        limits: dict[str, dict[str, Any]],
        *,
        takes_part: bool,
    ) -> None:
        for quantity, attribute in attributes.items():
            if not takes_part:
                self.objects.ignore_stated(kind, name, attribute)
                continue
            steps = self._steps(kind, name, form, attribute)
            flags = self._steps(kind, name, form, f"{attribute}_flag")
            if steps is not None:
                limited = steps if flags is None else in_force(steps, flags)
                limits.setdefault(quantity, {})[name] = limited.to_document()

    def _machine(self, kind: str, name: str, form: Any, found: dict[str, Any]) -> None:
        if form.initial_state >= 0:
            found["machines"][name] = {"on": bool(form.initial_state)}
        plant = self.connections.below(kind, name, "plant")[0].name
        flags = [
            self._steps(kind, name, form, "maintenance_flag"),
            self._steps("plant", plant, self.objects.plants[plant], "maintenance_flag"),
        ]
        times = [span for steps in flags if steps is not None for span in self._spans(steps)]
        if times:
            found["maintenance"][name] = times

    def _spans(self, steps: Steps) -> list[dict[str, datetime]]:
        """Return the times during which a flag says 1."""
        until = [*steps.times[1:], max(self.end, steps.times[-1])]
        return [
            {"start": start, "end": end}
            for start, end, value in zip(steps.times, until, steps.values, strict=True)
            if value and end > start
        ]

    def _named(self, kind: str, name: str, form: ShopForm, attribute: str) -> dict[str, Any]:
        steps = self._steps(kind, name, form, attribute)
        return {} if steps is None else {name: steps.to_document()}

    def _steps(self, kind: str, name: str, form: ShopForm, attribute: str) -> Steps | None:
        series = getattr(form, attribute, None)
        if series is None:
            return None
        return steps_of(series, self.objects.at(kind, name, attribute))

    def market(self, name: str, form: MarketForm) -> tuple[Steps | None, dict[str, Any]]:
        """Return the prices at which is sold, and the trade as a document.

        load is an obligation beside what is traded; buying costs more than selling by a markup.
        """
        prices = self._steps("market", name, form, "sale_price")
        stated = {
            "obligation": self._steps("market", name, form, "load"),
            "sale_max": self._steps("market", name, form, "max_sale"),
            "purchase_max": self._steps("market", name, form, "max_buy"),
        }
        trade = {part: steps.to_document() for part, steps in stated.items() if steps is not None}
        buying = self._steps("market", name, form, "buy_price")
        if prices is not None and buying is not None:
            markup = difference(buying, prices)
            if any(value is not None and value < 0 for value in markup.values):
                place = self.objects.at("market", name, "buy_price")
                place.refuse("below sale_price", "at or above sale_price at all times")
            else:
                trade["purchase_markup"] = markup.to_document()
        return prices, trade
