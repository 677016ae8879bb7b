"""Resources out of Terraform's JSON, by address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Values = dict[str, Any]


def resources_of(state: dict[str, Any]) -> dict[str, Values]:
    """Return the values of every managed resource of a state, by address."""
    return dict(_within(state["values"]["root_module"]))


def _within(module: dict[str, Any]) -> Iterator[tuple[str, Values]]:
    for resource in module.get("resources", []):
        if resource["mode"] == "managed":
            yield resource["address"], resource["values"]
    for child in module.get("child_modules", []):
        yield from _within(child)


def of_client(resources: dict[str, Values], client: str) -> dict[str, Values]:
    """Return one client's resources by their address within its module."""
    prefix = f'module.client["{client}"].'
    return {
        address.removeprefix(prefix): values
        for address, values in resources.items()
        if address.startswith(prefix)
    }


def changes_of(plan: dict[str, Any]) -> dict[str, list[str]]:
    """Return the actions of every resource that a plan changes, by address."""
    return {
        change["address"]: change["change"]["actions"]
        for change in plan["resource_changes"]
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    }
