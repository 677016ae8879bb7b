"""The language: what workflows compute, step by step, on a host that needs no network."""

from __future__ import annotations

import json

import pytest
from workflow_programs import ScriptedHost, failure, run, value

from emulators.workflows.effects import AwaitCallback
from emulators.workflows.errors import WorkflowError, system_error


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("7 / 2", 3.5),
        ("-7 // 2", -4),
        ("7 % 4", 3),
        ("1 + 0.5", 1.5),
        ("-x + 1", -2),
        ('"a" + \'b"\' + "\\n"', 'ab"\n'),
        ("not (1 == 2) and TRUE or missing", True),
        ("1 == 1.0 and 1 != true and null == null and null != 0", True),
        ('[1, {"a": [2]}] == [1, {"a": [2]}]', True),
        ('"b" > "a" and 2 >= 1.5', True),
        ("2 in [1, 2] and 3 not in [1, 2]", True),
        ('"a" in {"a": null} and not ("b" in {"a": 1})', True),
        ('m.list[len(m.list) - 1]["k" + "1"]', "deep"),
        ('if(x > 2, "big", "small")', "big"),
        ('default(map.get(m, "absent"), 5)', 5),
        ('map.get(m, ["inner", "k"], 1)', 7),
        ('map.get(m, ["inner", "k", "no"], 1)', 1),
        ('get_type(1.5) + get_type("") + get_type(null)', "doublestringnull"),
        ('int("42") + int(2.9) + int(-2.9)', 42),
        ('double("2.5")', 2.5),
        ("string(true) + string(1) + string(2.5)", "true12.5"),
        ('keys({"b": 1, "a": 2})', ["b", "a"]),
        ("list.concat([1], [2])", [1, [2]]),
        ("list.prepend([1], 0)", [0, 1]),
        ('map.merge({"a": 1, "b": 1}, {"b": 2})', {"a": 1, "b": 2}),
        ('map.merge_nested({"a": {"x": 1}}, {"a": {"y": 2}})', {"a": {"x": 1, "y": 2}}),
        ('map.delete({"a": 1, "b": 2}, "a")', {"b": 2}),
        ("[math.abs(-2), math.max(1, 2.5), math.min(1, 2), math.floor(-1.5)]", [2, 2.5, 1, -2]),
        ('json.decode(json.encode({"a": [1, null]}))', {"a": [1, None]}),
        ('json.encode_to_string({"a": [1, true]})', '{"a":[1,true]}'),
        ('base64.encode(text.encode("hydro"))', "aHlkcm8="),
        ('text.decode(base64.decode("aHlkcm8="))', "hydro"),
        ('base64.encode(hash.compute_checksum("a", "MD5"))', "DMF1ucDxtqgxw5niaXcmYQ=="),
        ('len(base64.encode(hash.compute_hmac("k", "d", "SHA256")))', 44),
        ('text.split("a,b", ",")', ["a", "b"]),
        ('text.substring("water", 1, 3)', "at"),
        ('text.to_upper("no") + text.to_lower("NO")', "NOno"),
        ('text.replace_all_regex("a1b22", "[0-9]+", "#")', "a#b#"),
        ('text.find_all_regex("a1b22", "[0-9]+")', [{"index": 1, "match": "1"}, {"index": 3, "match": "22"}]),
        ('text.match_regex("NO2", "^NO[1-5]$")', True),
        ('text.url_encode("a b&c") + text.url_decode("a%20b")', "a%20b%26ca b"),
        ('time.format(1792828800.5, "Europe/Oslo")', "2026-10-24T10:00:00.500000+02:00"),
        ('time.format(0) + string(time.parse("2026-10-24T10:00:00+02:00"))', "1970-01-01T00:00:00Z1792828800.0"),
        ("sys.now()", 1000.0),
        ('sys.get_env("GOOGLE_CLOUD_PROJECT_ID")', "hydro"),
    ],
)  # fmt: skip
def test_expression__gives(expression, expected):
    inner = {"list": [{"k1": "deep"}], "inner": {"k": 7}}
    found = value(expression, x=3, m=inner, missing=1)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "tag"),
    [
        ('"a" + 1', "TypeError"),
        ("1 + true", "TypeError"),
        ("null + 1", "TypeError"),
        ('1 < "2"', "TypeError"),
        ("not 1", "TypeError"),
        ("true and 1", "TypeError"),
        ('"a" in "abc"', "TypeError"),
        ("x.y", "TypeError"),
        ('[1]["0"]', "TypeError"),
        ('if("yes", 1, 2)', "TypeError"),
        ("len(5)", "TypeError"),
        ('json.encode(text.encode("a"))', "TypeError"),
        ('{"a": 1}.b', "KeyError"),
        ('sys.get_env("NO_SUCH")', "KeyError"),
        ("[1][1]", "IndexError"),
        ("[1][-1]", "IndexError"),
        ('text.substring("a", 0, 2)', "IndexError"),
        ("1 / 0", "ZeroDivisionError"),
        ("1 // 0", "ZeroDivisionError"),
        ("1.5 % 0", "ZeroDivisionError"),
        ('int("no")', "ValueError"),
        ('json.decode("{")', "ValueError"),
        ('time.parse("2026-10-24T10:00:00")', "ValueError"),
        ('time.format(0, "Nowhere/City")', "ValueError"),
        ('text.match_regex("a", "(")', "ValueError"),
        ('base64.decode("!")', "ValueError"),
        ("9223372036854775807 + 1", "ValueError"),
        ('text.split("a")', "TypeError"),
    ],
)  # fmt: skip
def test_expression__raises(expression, tag):
    with pytest.raises(WorkflowError) as raised:
        value(expression, x=3)
    payload = raised.value.payload
    assert payload["tags"][0] == tag
    assert payload["message"].startswith(f"{tag}: ")


def test_assign__paths_indices_and_copies():
    source = """
- given:
    assign:
      - m: {a: {b: 1}, list: [1, [2, 3]]}
      - copy: ${m}
      - i: 1
      - _: ${m.a}
      - m.a.b: 10
      - m.new.deep["key " + string(i)]: x
      - m.list[i][0]: ${m.list[0] + 1}
- done: {return: "${[m, copy, _]}"}
"""
    changed, copy, aside = run(source)
    assert changed == {
        "a": {"b": 10},
        "list": [1, [2, 3]],
        "new": {"deep": {"key 1": "x"}},
    }
    assert copy == {"a": {"b": 1}, "list": [1, [2, 3]]}
    assert aside == {"b": 1}


def test_assign__index_outside_of_the_list():
    source = "- given: {assign: [{l: [1]}, {'l[1]': 2}]}"
    assert failure(source)["tags"] == ["IndexError", "LookupError"]


def test_next__jumps_forward_back_out_and_to_the_end():
    source = """
main:
  steps:
    - begin: {assign: [{way: []}, {n: 0}], next: third}
    - second:
        assign: [{way: '${list.concat(way, "second")}'}]
        next: leave
    - third:
        steps:
          - inner:
              assign: [{way: '${list.concat(way, "third")}'}, {n: "${n + 1}"}]
          - again:
              switch:
                - condition: ${n < 2}
                  next: third
                - condition: ${n == 2}
                  next: second
    - never: {raise: "not reached"}
    - leave: {return: "${way}"}
"""
    assert run(source) == ["third", "third", "second"]
    assert run("- stop: {next: end}\n- never: {raise: no}") is None


def test_switch__first_true_condition_or_its_own_next():
    source = """
main:
  params: [n]
  steps:
    - choose:
        switch:
          - condition: ${n == 1}
            return: one
          - condition: ${n == 2}
            steps:
              - note: {assign: [{m: two}]}
              - leave: {return: "${m}"}
          - condition: ${n == 3}
            next: three
        next: other
    - three: {return: three}
    - other: {return: other}
"""
    assert [run(source, n) for n in (1, 2, 3, 4)] == ["one", "two", "three", "other"]
    assert failure("- c: {switch: [{condition: 1, next: end}]}")["tags"] == ["TypeError"]


def test_for__lists_ranges_index_break_and_continue():
    source = """
main:
  steps:
    - begin: {assign: [{seen: []}]}
    - items:
        for:
          value: v
          index: i
          in: [a, b, c, d]
          steps:
            - skip: {switch: [{condition: '${v == "b"}', next: continue}]}
            - stop: {switch: [{condition: '${v == "d"}', next: break}]}
            - note: {assign: [{seen: "${list.concat(seen, string(i) + v)}"}]}
    - numbers:
        for:
          value: n
          range: ${[2, 4]}
          steps:
            - note_number: {assign: [{seen: "${list.concat(seen, n)}"}]}
    - nothing: {for: {value: n, range: [1, 0], steps: [{never: {raise: no}}]}}
    - done: {return: "${seen}"}
"""
    assert run(source) == ["0a", "2c", 2, 3, 4]


def test_subworkflow__named_positional_defaults_and_own_variables():
    source = """
main:
  steps:
    - begin: {assign: [{x: outer}]}
    - named:
        call: add
        args: {b: 2, a: 1}
        result: named
    - done: {return: "${[named, add(1), x]}"}
add:
  params: [a, b: 10]
  steps:
    - own: {assign: [{x: inner}]}
    - sum: {return: "${a + b}"}
"""
    assert run(source) == [3, 11, "outer"]
    wrong = source.replace("{b: 2, a: 1}", "{b: 2}")
    assert "needs the argument 'a'" in failure(wrong)["message"]


def test_main__receives_the_whole_argument():
    source = "main:\n  params: [input]\n  steps:\n    - done: {return: '${input}'}"
    assert run(source, {"a": [1]}) == {"a": [1]}
    assert run(source) is None


def test_recursion__twenty_calls_deep():
    source = """
main:
  params: [n]
  steps:
    - go: {return: "${down(n)}"}
down:
  params: [n]
  steps:
    - bottom: {switch: [{condition: "${n == 1}", return: 1}]}
    - deeper: {call: down, args: {n: "${n - 1}"}, result: rest}
    - done: {return: "${rest + 1}"}
"""
    assert run(source, 20) == 20
    assert failure(source, 21)["tags"] == ["RecursionError"]


@pytest.mark.parametrize("error", ["plain", {"code": 55, "message": "own"}])
def test_raise__caught_as_it_was_raised(error):
    source = f"""
- guarded:
    try:
      steps:
        - fail: {{raise: {json.dumps(error)}}}
    except:
      as: e
      steps:
        - done: {{return: "${{e}}"}}
"""
    assert run(source) == error


def test_except__own_scope_and_raising_again():
    source = """
- begin: {assign: [{known: before}]}
- guarded:
    try:
      call: sys.get_env
      args: {name: ABSENT}
    except:
      as: block
      steps:
        - note: {assign: [{known: "${block.tags[0]}"}, {local: 1}]}
- again:
    try:
      raise: "${known}"
    except:
      as: block
      steps:
        - on: {raise: '${block + " again"}'}
"""
    assert failure(source) == "KeyError again"


RETRIED = """
main:
  steps:
    - begin: {{assign: [{{attempts: 0}}]}}
    - guarded:
        try:
          steps:
            - count: {{assign: [{{attempts: "${{attempts + 1}}"}}]}}
            - ask: {{call: http.get, args: {{url: "http://solver"}}, result: answer}}
        retry: {policy}
        except:
          as: e
          steps:
            - gave_up: {{return: "${{[attempts, e.tags[0]]}}"}}
    - done: {{return: "${{[attempts, answer]}}"}}
only_teapots:
  params: [e]
  steps:
    - done: {{return: "${{e.code == 418}}"}}
"""


def http_error(code: int) -> WorkflowError:
    return WorkflowError({"message": "no", "tags": ["HttpError"], "code": code})


BUSY, BROKEN, TEAPOT = http_error(503), http_error(500), http_error(418)
REFUSED = system_error("ConnectionFailedError", "refused")
LOST = system_error("ConnectionError", "reset")
OWN_BACKOFF = "{initial_delay: 2, max_delay: 5, multiplier: 2}"


@pytest.mark.parametrize(
    ("policy", "answers", "result", "waits"),
    [
        ("${http.default_retry}", [BUSY, LOST, "ok"], [3, "ok"], [1, 1.25]),
        ("${http.default_retry}", [BROKEN], [1, "HttpError"], []),
        ("${http.default_retry}", [BUSY] * 6, [6, "HttpError"], [1, 1.25, 1.5625, 1.953125, 2.44140625]),
        ("${http.default_retry_non_idempotent}", [BUSY, REFUSED, "ok"], [3, "ok"], [1, 1.25]),
        ("${http.default_retry_non_idempotent}", [LOST], [1, "ConnectionError"], []),
        (f"{{predicate: '${{only_teapots}}', max_retries: 3, backoff: {OWN_BACKOFF}}}",
         [TEAPOT, TEAPOT, TEAPOT, BUSY], [4, "HttpError"], [2, 4, 5]),
        ("{predicate: '${retry.always}', max_retries: 1, backoff: '${retry.default_backoff}'}",
         [BROKEN, "ok"], [2, "ok"], [1]),
        ("{predicate: '${retry.never}', max_retries: 9}", [BUSY], [1, "HttpError"], []),
    ],
)  # fmt: skip
def test_retry__policy(policy, answers, result, waits):
    host = ScriptedHost(*answers)
    assert run(RETRIED.format(policy=policy), host=host) == result
    assert host.waits() == waits


def test_await_callback__cut_off_computed_from_the_clock():
    source = """
- open: {call: events.create_callback_endpoint, result: callback}
- wait:
    try:
      call: events.await_callback
      args:
        callback: {url: "http://here"}
        timeout: ${time.parse("1970-01-01T01:00:00Z") - sys.now()}
    except:
      as: e
      steps:
        - late: {return: "${e.tags}"}
"""
    host = ScriptedHost()
    assert run(source, host=host) == ["TimeoutError"]
    assert host.effects[-1] == AwaitCallback("http://here", 3600.0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("- a: {next: a}", "more than 100000 steps"),
        (
            "- a: {assign: [{x: [1]}]}\n- b: {assign: [{x: '${[x, x, x, x]}'}], next: b}",
            "variables need",
        ),
    ],
)
def test_limits__end_the_execution(source, message):
    payload = failure(source)
    assert payload["tags"] == ["ResourceLimitError"]
    assert message in payload["message"]


def test_step_limit__cannot_be_caught():
    source = """
- forever:
    try: {steps: [{loop: {next: loop}}]}
    except: {steps: [{again: {next: forever}}]}
"""
    assert failure(source)["tags"] == ["ResourceLimitError"]
