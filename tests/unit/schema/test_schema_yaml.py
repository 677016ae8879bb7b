"""YAML is read by the core schema of YAML 1.2 and within limits."""

import pytest

from hydrobid.domain.errors import InvalidInput
from hydrobid.schema.yaml_document import MAX_BYTES, read_yaml


def laughs():
    lines = ["a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for former, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{former}'] * 9)}]")
    return "\n".join(lines)


def test_read_yaml__scalars():
    text = "{NO: NO, at: 12:00, day: 2026-03-29, n: 1e3, i: -4, t: true, q: '1', z: ~, v: 1.2.3}"

    assert read_yaml(text.encode(), "x") == {
        "NO": "NO",
        "at": "12:00",
        "day": "2026-03-29",
        "n": 1000.0,
        "i": -4,
        "t": True,
        "q": "1",
        "z": None,
        "v": "1.2.3",
    }


def test_read_yaml__aliases_repeat_what_they_name():
    assert read_yaml(b"{a: &x {b: [1]}, c: *x}", "x") == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        (laughs(), "f[", "aliases expanded"),
        ("[" * 500_000, "[0][0]", "at most 20 levels"),
        ("{a: " * 500_000, "a.a", "at most 20 levels"),
        ("a: " + "&x [" * 15 + "]" * 15 + "\nb: " + "[" * 10 + "*x", "b[0]", "at most 20 levels"),
        ("a: [" + "1," * 1_000_000 + "1]", "a[199", "at most 200000"),
        ("a: &a [*a]", "a[0]", "an anchor &a before it"),
        ("a: !!python/object/apply:os.system [ls]", "a", "without a tag"),
        ("a: 1\nb: 2\na: 3", "a", "each field once"),
        ("a: 1\n---\nb: 2", "content", "one document"),
        ("a: [1\nb: 2", "line 2", "well-formed"),
        ("? [a]\n: 1", "content", "text before each colon"),
        ("a: \x00", "content", "well-formed"),
        ("x" * (MAX_BYTES + 1), "size", f"at most {MAX_BYTES} bytes"),
        (b"a: \xff", "byte 3", "UTF-8"),
    ],
)
def test_read_yaml__refused(text, field, expected):
    with pytest.raises(InvalidInput) as caught:
        read_yaml(text if isinstance(text, bytes) else text.encode(), "x.yaml")

    (problem,) = caught.value.problems
    assert problem.document == "x.yaml"
    assert problem.field.startswith(field)
    assert expected in problem.expected


def test_read_yaml__number_of_many_digits_stays_text():
    assert read_yaml(f"n: {'9' * 5000}".encode(), "x") == {"n": "9" * 5000}
