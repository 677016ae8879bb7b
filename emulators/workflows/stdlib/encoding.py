"""The text, json, base64 and hash modules."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

import re2

from emulators.workflows.errors import index_error, type_error, value_error
from emulators.workflows.stdlib.registry import (
    function,
    need_bytes,
    need_string,
)
from emulators.workflows.values import Value, from_json, to_json, type_name, whole_text

_DIGESTS = {"MD5", "SHA1", "SHA256", "SHA384", "SHA512"}


@function("text.encode")
def _text_encode(data: Value, charset: Value = "UTF-8") -> Value:
    try:
        return need_string(data, "data").encode(need_string(charset, "charset"))
    except (LookupError, UnicodeError) as error:
        raise value_error(f"cannot encode to {charset}: {error}") from error


@function("text.decode")
def _text_decode(data: Value, charset: Value = "UTF-8") -> Value:
    try:
        return whole_text(need_bytes(data, "data").decode(need_string(charset, "charset")))
    except (LookupError, UnicodeError) as error:
        raise value_error(f"cannot decode from {charset}: {error}") from error


@function("text.find_all")
def _find_all(source: Value, substr: Value) -> Value:
    return _matches(source, re2.escape(need_string(substr, "substr")))


@function("text.find_all_regex")
def _find_all_regex(source: Value, regexp: Value) -> Value:
    return _matches(source, need_string(regexp, "regexp"))


@function("text.match_regex")
def _match_regex(source: Value, regexp: Value) -> Value:
    return _compiled(regexp).search(need_string(source, "source")) is not None


@function("text.replace_all")
def _replace_all(source: Value, substr: Value, repl: Value) -> Value:
    found = need_string(substr, "substr")
    return need_string(source, "source").replace(found, need_string(repl, "repl"))


@function("text.replace_all_regex")
def _replace_all_regex(source: Value, regexp: Value, repl: Value) -> Value:
    replacement = need_string(repl, "repl")
    # Google's page: of the matches that start at one place, the longest is replaced.
    pattern = _compiled(regexp, longest=True)
    return pattern.sub(lambda _: replacement, need_string(source, "source"))


@function("text.split")
def _split(source: Value, separator: Value) -> Value:
    text = need_string(source, "source")
    return text.split(need_string(separator, "separator")) if separator else list(text)


@function("text.substring")
def _substring(source: Value, start: Value, end: Value) -> Value:
    text = need_string(source, "source")
    for bound in (start, end):
        if type(bound) is not int:
            raise type_error(f"the bounds of a substring are integers, not {type_name(bound)}")
        if not 0 <= bound <= len(text):
            raise index_error(bound, len(text))
    return text[start:end]


@function("text.to_lower")
def _to_lower(source: Value) -> Value:
    return need_string(source, "source").lower()


@function("text.to_upper")
def _to_upper(source: Value) -> Value:
    return need_string(source, "source").upper()


@function("text.url_encode")
def _url_encode(source: Value) -> Value:
    return quote(need_string(source, "source"), safe="")


@function("text.url_encode_plus")
def _url_encode_plus(source: Value) -> Value:
    return quote_plus(need_string(source, "source"))


@function("text.url_decode")
def _url_decode(source: Value) -> Value:
    return unquote_plus(need_string(source, "source"))


@function("json.decode")
def _json_decode(data: Value) -> Value:
    if not isinstance(data, str | bytes):
        raise type_error(f"data must be a string or bytes, not {type_name(data)}")
    return from_json(data)


@function("json.encode")
def _json_encode(data: Value, indent: Value = None) -> Value:
    return to_json(data, indent).encode()


@function("json.encode_to_string")
def _json_encode_to_string(data: Value, indent: Value = None) -> Value:
    return to_json(data, indent)


@function("base64.encode")
def _base64_encode(data: Value, padding: Value = True) -> Value:
    text = base64.b64encode(need_bytes(data, "data")).decode()
    return text if padding else text.rstrip("=")


@function("base64.decode")
def _base64_decode(data: Value, padding: Value = True) -> Value:
    text = need_string(data, "data")
    if not padding:
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise value_error(f"cannot decode base64: {error}") from error


@function("hash.compute_checksum")
def _compute_checksum(data: Value, algorithm: Value) -> Value:
    return hashlib.new(_digest(algorithm), _data(data)).digest()


@function("hash.compute_hmac")
def _compute_hmac(key: Value, data: Value, algorithm: Value) -> Value:
    return hmac.new(_data(key), _data(data), _digest(algorithm)).digest()


def _compiled(regexp: Value, *, longest: bool = False) -> Any:
    pattern = need_string(regexp, "regexp")
    options = re2.Options()
    options.longest_match = longest
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0].decode() if isinstance(error, re2.error) else error
        raise value_error(f"invalid regular expression {pattern!r}: {reason}") from error


def _matches(source: Value, pattern: str) -> Value:
    found = _compiled(pattern).finditer(need_string(source, "source"))
    return [{"index": match.start(), "match": match.group()} for match in found]


def _digest(algorithm: Value) -> str:
    name = need_string(algorithm, "algorithm")
    if name.upper() not in _DIGESTS:
        raise value_error(f"unknown algorithm {name!r}; known are {', '.join(sorted(_DIGESTS))}")
    return name.lower()


def _data(value: Value) -> bytes:
    return value.encode() if isinstance(value, str) else need_bytes(value, "data")
