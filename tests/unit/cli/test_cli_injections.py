"""What `demo --inject` breaks: faults that the local cloud takes, aimed at what there is."""

from __future__ import annotations

import json
import re

import pytest
from examples import DAY, ROOT, SINTEF

from emulators.faults.reading import read_rules
from emulators.faults.rules import Call, Rule
from hydrobid.cli.injections import (
    FLAKY_SHARE,
    FLAKY_STRIKES,
    INJECTIONS,
    Target,
    injection_named,
    target_of,
)
from hydrobid.schema import ClientInputs, configuration_of

SUBSCRIPTIONS = (
    "asset-settled-aggregator",
    "asset-bid-submission",
    "cutoff-reached-submission",
    "approval-decided-submission",
    "hold-changed-submission",
    "dry-run-asked-submission",
    "results-due-submission",
)
SHARED = ("exchange", "firestore")
NAMES = [injection.name for injection in INJECTIONS]


@pytest.fixture
def inputs(sintef_inputs, cascade_inputs) -> list[ClientInputs]:
    return [cascade_inputs, sintef_inputs]


@pytest.fixture
def targets(inputs) -> list[Target]:
    return [target_of(each, configuration_of(each.configuration), DAY) for each in inputs]


@pytest.fixture
def rules_of(targets, tmp_path):
    """Read a case's rules as the services of the local cloud read them."""

    def read(name: str):
        file = tmp_path / "faults.json"
        file.write_text(json.dumps(injection_named(name).faults(targets)))
        return read_rules(file)

    return read


def call(client: str, workflow: str, **body: str) -> Call:
    return {
        "workflow": (f"{client}-{workflow}",),
        "http": ("http://127.0.0.1:20000",),
        "body": ({"client": client, **body},),
    }


def struck(rules, call: Call) -> list[str]:
    return [rule.fault.kind.value for rule in rules if rule.concerns(call)]


@pytest.mark.parametrize("name", NAMES)
def test_faults__are_taken_by_the_local_cloud(rules_of, name):
    assert rules_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_faults__aim_at_both_clients_or_at_what_they_share(targets, name):
    rules = injection_named(name).faults(targets)["rules"]
    unshared = [json.dumps(rule) for rule in rules if rule["service"] not in SHARED]
    clients = {target.client for target in targets}
    aimed = {client for client in clients if any(client in rule for rule in unshared)}
    assert aimed == (clients if unshared else set())


def test_target_of__tasks_are_those_that_the_run_gets(sintef, sintef_inputs):
    plan = sintef.plan(SINTEF, DAY).plan
    target = target_of(sintef_inputs, configuration_of(sintef_inputs.configuration), DAY)

    assert target.tasks == {a.asset: tuple(t.id for t in a.tasks) for a in plan.assets}


def test_scenarios_hang__strikes_the_last_task_of_an_asset_alone(rules_of):
    rules = rules_of("scenarios-hang")
    tasks = [f"independent-00{number}" for number in (1, 2, 3, 4)]
    hit = [
        struck(rules, call("cascade-example", "solve-asset", asset="five-lakes", task=task))
        for task in tasks
    ]
    assert hit == [[], [], [], ["hang"]]


def test_asset_stuck__strikes_one_asset_of_each_client(rules_of):
    rules = rules_of("asset-stuck")
    hit = {
        asset: struck(rules, call(client, "solve-asset", asset=asset, task="independent-001"))
        for client, asset in (
            ("sintef-example", "shop-standard"),
            ("cascade-example", "five-lakes"),
            ("cascade-example", "pumped-pair"),
            ("cascade-example", "run-of-river"),
        )
    }
    assert hit == {
        "shop-standard": ["hang"],
        "five-lakes": ["hang"],
        "pumped-pair": [],
        "run-of-river": [],
    }


def test_solver_flaky__strikes_about_three_calls_in_ten_and_leaves_every_task_a_try(
    inputs, rules_of
):
    rules = rules_of("solver-flaky")
    struck_calls = [retries_of(rule) for rule in rules]
    share = sum(struck_calls) / (len(rules) + sum(struck_calls))

    tries = [configuration_of(each.configuration).stages.solve.attempts for each in inputs]
    assert {rule.count for rule in rules} == {FLAKY_STRIKES}
    assert min(tries) > FLAKY_STRIKES
    assert share == pytest.approx(FLAKY_SHARE, abs=0.05)


def retries_of(rule: Rule) -> int:
    """Return how many calls are struck before one is not."""
    return next(n for n in range(4) if n == rule.count or not rule.strikes(n + 1))


def test_dispatcher_down__leaves_the_solver_alone(rules_of):
    rules = rules_of("dispatcher-down")
    assert struck(rules, call("sintef-example", "daily-bid", execution="e-1")) == ["error"]
    assert struck(rules, call("sintef-example", "solve-asset", asset="shop-standard")) == []


@pytest.mark.parametrize(("cause", "faults"), [("solved", ["drop"]), ("cut-off", [])])
def test_message_lost__cut_offs_arrive(rules_of, cause, faults):
    delivery = {
        "delivery": ("sintef-example-asset-settled-aggregator",),
        "body": ({"client": "sintef-example", "cause": cause},),
    }
    assert struck(rules_of("message-lost"), delivery) == faults


def test_subscriptions__are_those_that_are_deployed():
    target = Target(SINTEF, {})
    assert target.subscriptions() == [f"{SINTEF}-{name}" for name in SUBSCRIPTIONS]


def test_list__tells_of_every_case(command):
    result = command("demo", "--inject", "list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == NAMES


def test_inject__an_unknown_case_is_refused_with_those_that_there_are(command, tmp_path):
    result = command("demo", "--inject", "sabotage", "--data-dir", tmp_path / "cloud")
    assert result.exit_code == 2
    assert "'sabotage'" in result.stderr
    assert all(name in result.stderr for name in NAMES)
    assert not (tmp_path / "cloud").exists()


def test_docs__show_every_case():
    page = (ROOT / "docs" / "failures.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == NAMES
