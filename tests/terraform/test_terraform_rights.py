"""Who may do what, of everything that terraform/ makes: as it was agreed, and never across clients."""

from __future__ import annotations

import re
from typing import Any

import pytest
from terraform.resources import of_client, resources_of
from terraform.stack import Stack, agreed
from terraform.test_terraform import CLIENTS

pytestmark = [pytest.mark.xdist_group("terraform")]

PRIMITIVE = {"roles/owner", "roles/editor", "roles/viewer"}
EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
# Rights on the project reach every client's parts: each needs a condition that names its own, or
# is of a kind that shows and changes nothing of anybody's.
HARMLESS = {"roles/logging.logWriter", "roles/telemetry.tracesWriter"}


def _rights(resources: dict[str, Any]) -> dict[str, Any]:
    return {address: values for address, values in resources.items() if "_iam_member." in address}


def test_rights__are_of_no_primitive_role_and_nobodys_in_general(applied: Stack) -> None:
    rights = _rights(resources_of(applied.state))
    assert rights
    for address, values in rights.items():
        assert values["role"] not in PRIMITIVE, address
        assert values["member"] not in EVERYBODY, address
        assert "*" not in values["member"], address


def test_deployer__is_the_repositorys_environment_on_its_main_branch_and_nobody_else(
    applied: Stack,
) -> None:
    resources = resources_of(applied.state)
    may_be = resources["module.platform.google_service_account_iam_member.deployer[0]"]
    provider = resources["module.platform.google_iam_workload_identity_pool_provider.github[0]"]
    identity = "repo:example/hydrobid:environment:production"
    assert may_be["member"].startswith("principal://iam.googleapis.com/")
    assert may_be["member"].endswith(f"/subject/{identity}")
    assert provider["attribute_condition"] == (
        f'assertion.sub == "{identity}" && assertion.ref == "refs/heads/main"'
    )


def test_accounts__have_no_keys(applied: Stack) -> None:
    assert not [a for a in resources_of(applied.state) if "service_account_key" in a]


@pytest.mark.parametrize("client", CLIENTS)
def test_rights__of_a_client_reach_no_other(applied: Stack, client: str) -> None:
    resources = resources_of(applied.state)
    accounts = {
        values["email"]: address
        for address, values in resources.items()
        if ".google_service_account." in address
    }
    for address, values in _rights(of_client(resources, client)).items():
        member = values["member"].removeprefix("serviceAccount:")
        if member in accounts:
            assert accounts[member].startswith(f'module.client["{client}"]'), address
        else:
            assert re.fullmatch(
                r"service-.+@(gcp-sa-pubsub|gcp-sa-iap|gs-project-accounts)\.iam\.gserviceaccount\.com",
                member,
            )
        if address.startswith("google_project_iam_member.") and values["role"] not in HARMLESS:
            (condition,) = values["condition"]
            assert client in condition["expression"], address
            assert not [c for c in CLIENTS if c != client and c in condition["expression"]]


@pytest.mark.parametrize("client", CLIENTS)
def test_rights__are_as_they_were_agreed(applied: Stack, client: str) -> None:
    made = of_client(resources_of(applied.state), client)
    lines = [
        f"{values['role']}  {address}  {_on(values)}" for address, values in _rights(made).items()
    ]
    agreed("client-rights", [line.replace(client, "CLIENT") for line in lines])


def _on(values: dict[str, Any]) -> str:
    """Return what a right is on: a resource, or the project under a condition."""
    for key in ("topic", "subscription", "secret_id", "service_account_id", "bucket", "name"):
        if values.get(key):
            return f"{key} {values[key]}"
    conditions = values.get("condition") or []
    return "project" + "".join(f" if {condition['expression']}" for condition in conditions)
