"""Malformed sources, expressions and arguments: an error of the language's, never one of ours."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st
from workflow_programs import run, value

from emulators.workflows.checks import deployable
from emulators.workflows.errors import DeploymentError, WorkflowError
from emulators.workflows.values import dump, from_json, load, to_json

PIECES = st.sampled_from(
    [
        "main:", "steps:", "params: [a]", "- a:", "- b:", "assign:", "- x: 1", "- x.y[0]: ${x}", "call:",
        "sys.log", "args: {text: a}", "result: x", "switch:", "- condition: ${x}", "next: a", "next: end",
        "for: {value: v, in: [1], steps: []}", "parallel:", "branches:", "shared: [x]", "try:", "retry:",
        "except:", "as: e", "raise: x", "return: ${x}", "${", "}", "{", "[", "]", ":", "&a", "*a", "!!", "|",
        "? x", "<<: *a", "'", '"', "\t", "---", "...", "%YAML 9", "\x00", "\ufeff", "\U0001f30a",
    ]
)  # fmt: skip
LINES = st.builds(lambda indent, pieces: "  " * indent + " ".join(pieces),
                  st.integers(0, 6), st.lists(PIECES, max_size=4))  # fmt: skip
TOKENS = st.sampled_from(
    [
        "x", "m", "1", "2.5", "-", "+", "*", "/", "//", "%", "==", "<", "in", "not", "and", "or", "(", ")",
        "[", "]", "{", "}", ",", ":", ".", "null", "true", '"a"', "'b'", '"\\ud800"', "len(", "map.get(",
        "default(", "sys.now()", "text.find_all_regex(", "json.decode(", "9223372036854775807", "1e308",
        "if(", "keys(", "time.format(", "int(", "base64.decode(", "list.concat(", "m.a", "m[0]", "\\", "$",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    # Half of a pair: JSON can spell it, no encoding can hold it.
    | st.sampled_from(["\ud800", "a\udfffb"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)
EXAMPLES = settings(max_examples=300, derandomize=True, deadline=None)


@EXAMPLES
@given(st.text() | st.lists(LINES, max_size=14).map("\n".join))
@example("- a: {assign: [{x: 0x}]}")
@example("- a: {return: '\\ud800'}")
@example('- a: {return: "\\ud800"}')
@example("- a:\n    return: 99999999999999999999")
@example("- a:\n    return: 1e999")
@example("? [a]\n: b")
@example("- &a [*a]")
@example("- a: {assign: [{1: 2}]}")
@example("- a: {return: 2001-01-01}")
@example("- a: {return: !!binary aGk=}")
@example("main: {params: [a: {b: ${a}}], steps: [{a: {next: end}}]}")
def test_source__deploys_or_is_refused(source):
    try:
        deployable(source)
    except DeploymentError as error:
        assert error.line >= 1  # noqa: PT017 - what it says when it is refused


@EXAMPLES
@given(st.text(max_size=60) | st.lists(TOKENS, max_size=14).map(" ".join), VALUES)
@example("x[x]", [[]])
@example("-x", -(2**63))
@example("x // 1", 1e308)
@example("time.format(1e18)", 0)
@example('time.parse("9999-12-31T23:59:59-23:00")', 0)
@example("int(1e400)", 0)
@example('json.encode_to_string({"a": "\\ud800"})', 0)
@example('text.encode("\\ud800")', 0)
@example('text.split("a", "")', 0)
@example("(" * 190 + "1" + ")" * 190, 0)
@example("not " * 90 + "true", 0)
@example('math.floor(double("nan"))', 0)
@example('x["a"]', {"a": "\ud800"})
@example('json.encode("a", x)', [1])
@example('json.encode("a", x)', -1)
@example('json.encode("a", x)', 10**9)
@example('base64.encode("a", x)', [])
@example('text.decode(text.encode("a"), "rot13")', 0)
@example('text.encode("a", "idna")', 0)
@example("map.get(m, x)", [[]])
def test_expression__gives_or_raises(expression, x):
    with suppress(DeploymentError, WorkflowError):
        json.loads(to_json(value(expression, x=x, m={"a": [1]})).encode())


@EXAMPLES
@given(VALUES)
def test_argument__comes_back_as_it_was_or_is_refused(given_value):
    text = json.dumps(given_value)
    try:
        argument = from_json(text)
    except WorkflowError:
        return
    source = "main:\n  params: [a]\n  steps:\n    - b: {assign: [{c: '${[a, a]}'}]}\n    - d: {return: '${c[1]}'}"
    with suppress(WorkflowError):
        result = run(source, argument)
        assert load(dump(result)) == argument
        to_json(result).encode()
