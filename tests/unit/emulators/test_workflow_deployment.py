"""What refuses a deployment, and on which line; what looks odd and is deployed all the same."""

from __future__ import annotations

import pytest

from emulators.workflows.checks import deployable
from emulators.workflows.errors import DeploymentError
from emulators.workflows.parser import parse_program

PARALLEL = """
main:
  steps:
    - begin: {assign: [{total: 0}, {other: 0}]}
    - work:
        parallel:
          shared: [total]
          for:
            value: n
            range: [1, 3]
            steps:
              - add: {assign: [{%s}]}
    - after: {assign: [{later: 1}]}
"""


def assignments(count: int) -> str:
    return "- many:\n    assign:\n" + "".join(f"      - v{n}: {n}\n" for n in range(count))


def branches(count: int) -> str:
    names = "".join(f"        - b{n}: {{steps: [{{x: {{next: x}}}}]}}\n" for n in range(count))
    return f"- all:\n    parallel:\n      branches:\n{names}"


def conditions(count: int) -> str:
    return "- pick:\n    switch:\n" + "      - {condition: true, next: end}\n" * count


# Each list repeats the one before ten times: a million values in seven lines.
ALIASES = "- a: &x0 [1]\n" + "".join(
    f"- a{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 8)
)
LOOP_VARIABLE = """
- loop:
    for: {value: v, in: [1], steps: [{inside: {assign: [{x: 1}]}}]}
- outside: {return: "${x}"}
"""


@pytest.mark.parametrize(
    ("source", "problem", "line"),
    [
        ("", "source is empty", 1),
        ("- a: }", "parse error", 1),
        ("just text", "a list of steps or a map of routines", 1),
        ("sub:\n  steps: [{a: {next: end}}]", "main workflow not found", 1),
        ("main:\n  params: [a, b]\n  steps: [{a: {next: end}}]", "main takes at most one", 1),
        ("main: {steps: []}", "at least one step", 1),
        ("- a: {next: end}\n- a: {next: end}", "duplicate step name 'a'", 2),
        ("- a:\n    call: sys.log\n    call: sys.log", "duplicate key 'call'", 3),
        ("- a:\n    assign: []\n    agrs: {}", "unknown key 'agrs'", 3),
        ("- a:\n    assign: []\n    result: x", "'result' cannot stand beside 'assign'", 3),
        ("- a:\n    assign: []\n    call: sys.log", "not both 'assign' and 'call'", 3),
        ("- a: {}", "does nothing", 1),
        ("- a:\n    return: 1\n    next: end", "'next' cannot stand beside 'return'", 3),
        ("- a: {next: end}\n- b:\n    next: nowhere", "next step 'nowhere' is not defined", 2),
        ("- a: {next: break}", "'next: break' is not possible here", 1),
        ("- end: {next: end}", "'end' is reserved", 1),
        ("- a:\n    call: nothing.at.all", "'nothing.at.all' is neither", 1),
        ("- a:\n    call: googleapis.storage", "'googleapis.storage' is neither", 1),
        ("- a:\n    return: ${missing}", "symbol 'missing' is neither a variable", 1),
        ("- a:\n    assign:\n      - x: 1\n      - y: ${x +}", "parse error", 4),
        ("- a:\n    assign:\n      - x+1: 1", "no variable that could be assigned", 3),
        ("- a:\n    return: ${unknown(1)}", "'unknown' is neither", 1),
        ("- a:\n    return: '${http.get(\"http://x\")}'", "'http.get' blocks", 1),
        ("- a:\n    return: ${" + "1+" * 200 + "1}", "401 characters, the limit is 400", 2),
        ("# " + "x" * 131_072 + "\n- a: {next: end}", "the limit is 131072", 1),
        (assignments(51), "51 assignments, the limit is 50", 2),
        (conditions(51), "51 conditions, the limit is 50", 2),
        (branches(11), "11 branches, the limit is 10", 3),
        ("- a: {for: {value: v, steps: [{b: {next: b}}]}}", "either 'in' or 'range'", 1),
        ("- a:\n    try: {call: sys.now}", "try needs 'retry' or 'except'", 1),
        ("- a:\n    parallel:\n      exception_policy: stop\n      branches: []", "continueAll", 3),
        (PARALLEL % "other: 1", "variable 'other' is written in a parallel branch", 12),
        (PARALLEL.replace("[total]", "[absent]") % "x: 1", "'absent' is not defined", 5),
        (LOOP_VARIABLE, "symbol 'x'", 4),
        (PARALLEL.replace("add: {assign: [{%s}]}", "add: {return: 1}"), "cannot return", 12),
        (PARALLEL.replace("add: {assign: [{%s}]}", "add: {next: after}"), "'after' is not", 12),
        ("- a: " + "[" * 120 + "]" * 120, "nests deeper", 1),
        (ALIASES, "has more than 100000 values", None),
    ],
)  # fmt: skip
def test_deployment__refused(source, problem, line):
    with pytest.raises(DeploymentError) as raised:
        deployable(source)
    assert problem in str(raised.value)
    if line is not None:
        assert raised.value.line == line


@pytest.mark.parametrize(
    "source",
    [
        assignments(50),
        branches(10),
        conditions(50),
        PARALLEL % "total: '${total + n}'",
        PARALLEL % "later: 1",
        "main: [{a: {return: yes}}]",
        '{"main": {"steps": [{"a": {"return": "${1 + 1}"}}]}}',
        "- a:\n    assign:\n      - x: ${y}\n      - y: 1",
    ],
)
def test_deployment__accepted(source):
    assert deployable(source).main.name == "main"


def test_scalars__follow_yaml_1_2():
    source = "- a: {return: [yes, on, True, 0o17, 0x1F, 1e3, null, ~, 12:30, 2026-10-24]}"
    returned = parse_program(source).main.body.steps[0].action.value.value
    assert returned == ["yes", "on", True, 15, 31, 1000.0, None, None, "12:30", "2026-10-24"]


def test_expression__over_several_lines():
    source = "- a:\n    return: >\n      ${1 +\n        2}\n"
    assert deployable(source).main.body.steps[0].name == "a"
