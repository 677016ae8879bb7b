"""What an independent test suite of another emulator asserts of the language, in words of our own.

The suite is lemonberrylabs/gcp-cloud-workflows-emulator's `test/integration`; its topics are here one
by one. Where it and Google's documentation differ, the documentation decides: those cases stand at
the end, each with the page that it follows.
"""

from __future__ import annotations

import json

import pytest
from workflow_programs import ScriptedHost, failure, run, value

from emulators.workflows.checks import deployable
from emulators.workflows.errors import DeploymentError, WorkflowError, system_error

FACTORIAL = """
main:
  params: [n]
  steps:
    - begin: {call: factorial, args: {n: "${n}"}, result: product}
    - done: {return: "${product}"}
factorial:
  params: [n]
  steps:
    - bottom: {switch: [{condition: "${n <= 1}", return: 1}]}
    - below: {call: factorial, args: {n: "${n - 1}"}, result: rest}
    - done: {return: "${n * rest}"}
"""
GREETING = """
main:
  params: [args]
  steps:
    - given: {call: greet, args: "${args}", result: text}
    - done: {return: "${text}"}
greet:
  params: [name, greeting: "Hello"]
  steps:
    - done: {return: '${greeting + ", " + name}'}
"""
SORTED = """
main:
  params: [n]
  steps:
    - sort:
        switch:
          - condition: ${n < 0}
            assign: [{kind: negative}]
          - condition: ${n == 0}
            steps: [{note: {assign: [{kind: zero}]}}]
          - condition: ${n < 1000}
            next: small
          - condition: true
            return: large
    - done: {return: "${kind}"}
    - small: {return: small}
"""


def assignments(count: int) -> str:
    return "{assign: [" + ", ".join(f"{{v{n}: {n}}}" for n in range(count)) + "]}"


def steps(*lines: str) -> str:
    return "\n".join(f"- s{number}:\n    {line}" for number, line in enumerate(lines))


@pytest.mark.parametrize(
    ("source", "result"),
    [
        # Assignments
        (steps("{assign: [{a: 1}, {b: 2.5}, {c: text}, {d: true}, {e: null}]}",
               'return: "${[a, b, c, d, e]}"'), [1, 2.5, "text", True, None]),
        (steps("{assign: [{l: [1, 2, 3]}, {'l[1]': 20}]}", 'return: "${l}"'), [1, 20, 3]),
        (steps("{assign: [{m: {}}, {m.key: v}]}", 'return: "${m}"'), {"key": "v"}),
        (steps("{assign: [{m: {a: {b: {c: 1}}}}, {m.a.b.c: 2}, {m.a.b.d: 3}]}", 'return: "${m}"'),
         {"a": {"b": {"c": 2, "d": 3}}}),
        (steps("{assign: [{x: 10}, {y: '${x * 2}'}, {z: '${y + x}'}]}", 'return: "${z}"'), 30),
        (steps("{assign: [{x: 1}]}", "{assign: [{x: '${x + 1}'}]}", 'return: "${x}"'), 2),
        (steps("{assign: [{l: []}, {m: {}}]}", 'return: "${[l, m, len(l), len(m)]}"'), [[], {}, 0, 0]),
        (steps(assignments(50), 'return: "${v49}"'), 49),
        # What a workflow gives
        (steps("return: hello"), "hello"),
        (steps("{assign: [{x: 1}]}"), None),
        (steps("{return: {a: [1, {b: null}], c: '${1 + 1}'}}"), {"a": [1, {"b": None}], "c": 2}),
        # Jumps
        (steps("{assign: [{x: early}], next: end}", "return: late"), None),
        (steps("{assign: [{way: a}], next: s2}", "{assign: [{way: b}]}", 'return: "${way}"'), "a"),
        # Loops
        (steps("{assign: [{sum: 0}]}",
               "{for: {value: v, in: [1, 2, 3], steps: [{add: {assign: [{sum: '${sum + v}'}]}}]}}",
               'return: "${sum}"'), 6),
        (steps("{assign: [{sum: 0}, {m: {a: 1, b: 2, c: 3}}]}",
               "{for: {value: k, in: '${keys(m)}', steps: [{add: {assign: [{sum: '${sum + m[k]}'}]}}]}}",
               'return: "${sum}"'), 6),
        (steps("{assign: [{n: 0}]}",
               "{for: {value: v, range: [5, 1], steps: [{add: {assign: [{n: '${n + 1}'}]}}]}}",
               "{for: {value: v, in: [], steps: [{add: {assign: [{n: '${n + 1}'}]}}]}}",
               'return: "${n}"'), 0),
        (steps("{assign: [{seen: []}]}",
               "{for: {value: a, in: [1, 2], steps: [{inner: {for: {value: b, in: [1, 2, 3], steps: ["
               "{stop: {switch: [{condition: '${b == 3}', next: break}]}},"
               "{note: {assign: [{seen: '${list.concat(seen, a * 10 + b)}'}]}}]}}}]}}",
               'return: "${seen}"'), [11, 12, 21, 22]),
        (steps("{assign: [{odd: []}]}",
               "{for: {value: v, range: [1, 5], steps: ["
               "{skip: {switch: [{condition: '${v % 2 == 0}', next: continue}]}},"
               "{note: {assign: [{odd: '${list.concat(odd, v)}'}]}}]}}",
               'return: "${odd}"'), [1, 3, 5]),
        # Errors
        (steps("{try: {raise: {code: 99, message: own}}, except: {as: e, steps: [{a: {return: '${[e.code, e.message]}'}}]}}"),
         [99, "own"]),
        (steps("{try: {raise: {code: 404, tags: [HttpError, NotFound]}}, except: {as: e, steps: ["
               "{a: {return: '${[\"NotFound\" in e.tags, \"TimeoutError\" in e.tags]}'}}]}}"), [True, False]),
        (steps("{try: {steps: [{a: {try: {raise: one}, except: {as: e, steps: [{b: {raise: '${e + \" two\"}'}}]}}}]},"
               " except: {as: e, steps: [{c: {return: '${e}'}}]}}"), "one two"),
        (steps("{try: {raise: x}, except: {steps: [{a: {return: caught}}]}}"), "caught"),
        (steps("{assign: [{bad: 0}]}",
               "{for: {value: v, in: [1, 0, 2], steps: [{a: {try: {assign: [{x: '${1 / v}'}]},"
               " except: {as: e, steps: [{b: {assign: [{bad: '${bad + 1}'}]}}]}}}]}}",
               'return: "${bad}"'), 1),
    ],
)  # fmt: skip
def test_program__gives(source, result):
    assert run(source) == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("[10 + 3, 10 - 3, 10 * 3, 10 // 3, 10 % 3, 10 / 4]", [13, 7, 30, 3, 1, 2.5]),
        ("[-5 + 3, -x, 3 - -2]", [-2, -4, 5]),
        ('["Hello" + " " + "World", "n: " + string(42)]', ["Hello World", "n: 42"]),
        ("[1 < 2, 2 <= 2, 3 > 4, 4 >= 4, 1 == 1, 1 != 1]", [True, True, False, True, True, False]),
        ("[true and false, true or false, not true, not false and true]", [False, True, False, True]),
        ('[2 in [1, 2], 4 in [1, 2], "a" in {"a": 1}, "c" in {"a": 1}]', [True, False, True, False]),
        ('[m.a.b, m["a"]["b"], m.list[1], m.a["b"]]', [1, 1, 20, 1]),
        ('[int("7"), double("7.5"), string(7), int(7.9)]', [7, 7.5, "7", 7]),
        ("[null == null, null != 1, default(null, 3), default(0, 3)]", [True, True, 3, 0]),
        ('[len("abc"), len([1, 2]), len({"a": 1}), len("")]', [3, 2, 1, 0]),
        ('keys({"x": 1, "y": 2})', ["x", "y"]),
        ('string(len(text.split("a-b-c", "-")) * 2) + "!"', "6!"),
        ('[1, "two", true, null]', [1, "two", True, None]),
        ('{"key": "value", "num": 42}', {"key": "value", "num": 42}),
        (r'"tab\t quote\" back\\ line\n"', 'tab\t quote" back\\ line\n'),
        ('text.substring("Hello World", 6, 11)', "World"),
        ('text.replace_all("hello world hello", "hello", "hi")', "hi world hi"),
        ('[text.match_regex("h1", "[a-z]+[0-9]+"), text.match_regex("h", "^[0-9]+$")]', [True, False]),
        ('text.url_encode("a b&c=d")', "a%20b%26c%3Dd"),
        ("[math.abs(-42), math.floor(3.7), math.max(10, 20), math.min(10, 20)]", [42, 3, 20, 10]),
        ('[map.get(m, "none"), map.get(m, ["a", "b"])]', [None, 1]),
        ('map.merge(map.delete({"a": 1, "b": 2}, "a"), {"c": 3})', {"b": 2, "c": 3}),
        ("list.prepend([2, 3], 1)", [1, 2, 3]),
    ],
)  # fmt: skip
def test_expression__gives(expression, result):
    assert value(expression, x=4, m={"a": {"b": 1}, "list": [10, 20]}) == result


@pytest.mark.parametrize(
    ("source", "tag"),
    [
        (steps('return: "${[1].no}"'), "TypeError"),
        (steps("{assign: [{m: {}}]}", 'return: "${m.absent}"'), "KeyError"),
        (steps('return: "${[1][5]}"'), "IndexError"),
        (steps("""return: '${"a" + 1}'"""), "TypeError"),
        (steps("""return: '${int("x")}'"""), "ValueError"),
        (steps('return: "${1 / 0}"'), "ZeroDivisionError"),
        (steps('return: "${1 % 0}"'), "ZeroDivisionError"),
        ("main: {steps: [{a: {call: down}}]}\ndown: {steps: [{a: {call: down}}]}", "RecursionError"),
    ],
)  # fmt: skip
def test_error__has_the_tag(source, tag):
    assert failure(source)["tags"][0] == tag


def test_subworkflow__recursion_defaults_and_isolation():
    assert run(FACTORIAL, 5) == 120
    assert run(FACTORIAL, 19) == 121_645_100_408_832_000
    assert run(GREETING, {"name": "Ada"}) == "Hello, Ada"
    assert run(GREETING, {"name": "Ada", "greeting": "Hi"}) == "Hi, Ada"
    own = "main: {steps: [{a: {assign: [{x: 1}]}}, {b: {call: sub}}, {c: {return: '${x}'}}]}\n"
    assert run(own + "sub: {steps: [{a: {assign: [{x: 2}]}}]}") == 1
    in_loop = """
main:
  steps:
    - begin: {assign: [{l: []}]}
    - each: {for: {value: v, range: [1, 3], steps: [{a: {assign: [{l: "${list.concat(l, square(v))}"}]}}]}}
    - done: {return: "${l}"}
square: {params: [x], steps: [{a: {return: "${x * x}"}}]}
"""
    assert run(in_loop) == [1, 4, 9]


@pytest.mark.parametrize(
    ("n", "kind"), [(-1, "negative"), (0, "zero"), (5, "small"), (5000, "large")]
)
def test_switch__takes_the_first_that_holds(n, kind):
    assert run(SORTED, n) == kind


def test_retry__runs_the_whole_block_again_and_only_what_the_predicate_takes():
    source = """
main:
  steps:
    - begin: {assign: [{tries: 0}]}
    - guarded:
        try:
          steps:
            - count: {assign: [{tries: "${tries + 1}"}]}
            - ask: {call: http.get, args: {url: "http://here"}, result: answer}
        retry: {predicate: "${%s}", max_retries: 3, backoff: {initial_delay: 0.1, max_delay: 1, multiplier: 2}}
        except: {as: e, steps: [{gave_up: {return: "${[tries, e.code]}"}}]}
    - done: {return: "${[tries, answer]}"}
"""

    def refused(code: int) -> WorkflowError:
        return WorkflowError({"tags": ["HttpError"], "message": "no", "code": code})

    default = source % "http.default_retry_predicate"
    assert run(default, host=ScriptedHost(refused(503), refused(503), "ok")) == [3, "ok"]
    assert run(default, host=ScriptedHost(refused(500))) == [1, 500]
    assert run(default, host=ScriptedHost(*[refused(503)] * 4)) == [4, 503]
    assert run(source % "retry.never", host=ScriptedHost(refused(503))) == [1, 503]
    broken = ScriptedHost(system_error("ConnectionFailedError", "refused"), "ok")
    assert run(default, host=broken) == [2, "ok"]


# Where Google's documentation says otherwise.


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        # reference/stdlib/list/concat: "a new element concatenated at the end", whatever it is.
        ("list.concat([1, 2], [3, 4])", [1, 2, [3, 4]]),
        # reference/stdlib/expression-helpers: the function is get_type, there is no type().
        ('[get_type(1), get_type("a"), get_type([]), get_type({}), get_type(null), get_type(true)]',
         ["integer", "string", "list", "map", "null", "boolean"]),
    ],
)  # fmt: skip
def test_documentation__decides_over_the_suite(expression, result):
    assert value(expression) == result


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        # reference/stdlib/base64/encode: data is bytes; text.encode makes them of a string.
        ('base64.encode("Hello")', "data must be bytes"),
        ("type(1)", "'type' is neither a standard function nor a subworkflow"),
    ],
)
def test_documentation__refuses_what_the_suite_takes(expression, problem):
    with pytest.raises((WorkflowError, DeploymentError), match=problem):
        value(expression)


def test_text_functions__have_the_documented_arguments():
    """reference/stdlib/text: `repl` and `regexp`, not `replacement` and `regex`."""
    call = "{call: text.replace_all, args: {source: aba, substr: a, %s: c}, result: x}"
    assert run(steps(call % "repl", 'return: "${x}"')) == "cbc"
    assert "no argument 'replacement'" in failure(steps(call % "replacement"))["message"]
    call = "{call: text.match_regex, args: {source: aba, %s: b}, result: x}"
    assert run(steps(call % "regexp", 'return: "${x}"')) is True
    assert "no argument 'regex'" in failure(steps(call % "regex"))["message"]


def test_regular_expressions__are_re2s():
    """reference/stdlib/text/replace_all_regex: RE2 without backreferences, the longest match goes."""
    assert value('text.replace_all_regex("abc", "a|ab", "-")') == "-c"
    assert value(r'text.replace_all_regex("ab", "(a)", "\\1")') == r"\1b"
    for pattern in ("(a)\\\\1", "a(?=b)", "("):
        with pytest.raises(WorkflowError, match="invalid regular expression"):
            value(f'text.match_regex("ab", "{pattern}")')
    # What a backtracking engine would take hours for.
    assert value(f'text.match_regex("{"a" * 60}!", "^(a+)+$")') is False


def test_raised_string__is_a_string():
    """reference/syntax/raising-errors: errors are a string or a map; no `message` is made of it."""
    source = steps("{try: {raise: oops}, except: {as: e, steps: [{a: {return: '${e}'}}]}}")
    assert run(source) == "oops"
    assert failure(source.replace("${e}", "${e.message}"))["tags"] == ["TypeError"]


def test_retry_predicate__is_a_function_not_a_policy():
    """reference/syntax/retrying: default_retry is a policy, default_retry_predicate a predicate."""
    policy = "retry: {predicate: '${http.default_retry}', max_retries: 1}"
    source = steps("{try: {raise: x}, " + policy + "}")
    assert "predicate must be a function" in failure(source)["message"]


@pytest.mark.parametrize(
    "source",
    [
        # reference/syntax/variables: a deployment error, for loops and for except blocks.
        steps("{for: {value: v, in: [1], steps: [{a: {assign: [{inner: 1}]}}]}}", 'return: "${inner}"'),
        steps("{try: {raise: x}, except: {as: e, steps: [{a: {assign: [{inner: 1}]}}]}}", 'return: "${inner}"'),
        # quotas: the limits of a source are checked when it is deployed.
        steps(assignments(51)),
        # reference/syntax/parallel-steps: continueAll is the only exception policy.
        steps("{parallel: {exception_policy: unhandled, branches: [{a: {steps: [{b: {call: sys.now}}]}}]}}"),
        # reference/syntax/expressions: an expression with a colon has to be quoted in YAML.
        '- a:\n    return: ${{"key": "value"}}',
    ],
)  # fmt: skip
def test_deployment__refuses_what_the_suite_deploys(source):
    with pytest.raises(DeploymentError):
        deployable(source)


def test_json_source__is_the_same_program():
    source = json.dumps({"main": {"steps": [{"a": {"return": "${1 + 1}"}}]}})
    assert run(source) == 2
