"""The sys, http, events and uuid modules: functions that ask the host for an effect."""
# ruff: noqa: ASYNC109 - the parameters are the language's own: names, order, timeouts

from __future__ import annotations

from emulators.workflows import limits
from emulators.workflows.effects import (
    AwaitCallback,
    CreateCallback,
    GenerateUuid,
    ReadClock,
    SendRequest,
    SleepUntil,
    WriteLog,
)
from emulators.workflows.errors import key_error, type_error, value_error
from emulators.workflows.stdlib.moments import parse_moment
from emulators.workflows.stdlib.registry import (
    Kind,
    Surroundings,
    function,
    need_map,
    need_number,
    need_string,
)
from emulators.workflows.values import Value, type_name

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_SEVERITIES = (
    "DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY",
)  # fmt: skip
_MISSING = object()


@function("sys.now", Kind.INSTANT)
async def _now(surroundings: Surroundings) -> Value:
    return await surroundings.perform(ReadClock())


@function("sys.get_env", Kind.INSTANT)
async def _get_env(surroundings: Surroundings, name: Value, default: Value = _MISSING) -> Value:
    found = surroundings.environment.get(need_string(name, "name"), default)
    if found is _MISSING:
        raise key_error(name)
    return found


@function("uuid.generate", Kind.INSTANT)
async def _generate_uuid(surroundings: Surroundings) -> Value:
    return await surroundings.perform(GenerateUuid())


@function("sys.sleep", Kind.BLOCKING)
async def _sleep(surroundings: Surroundings, seconds: Value) -> Value:
    duration = need_number(seconds, "seconds")
    if duration < 0:
        raise value_error(f"seconds must not be negative, got {duration}")
    # Two effects, so that an execution that is resumed sleeps until the same instant.
    present = await surroundings.perform(ReadClock())
    return await surroundings.perform(SleepUntil(present + duration))


@function("sys.sleep_until", Kind.BLOCKING)
async def _sleep_until(surroundings: Surroundings, time: Value) -> Value:
    instant = parse_moment(time) if isinstance(time, str) else need_number(time, "time")
    return await surroundings.perform(SleepUntil(instant))


@function("sys.log", Kind.BLOCKING)
async def _log(
    surroundings: Surroundings,
    data: Value = None,
    severity: Value = "DEFAULT",
    text: Value = None,
    json: Value = None,
    timeout: Value = None,  # noqa: ARG001 - how long the log service may take
) -> Value:
    level = need_string(severity, "severity").upper()
    if level not in _SEVERITIES:
        raise value_error(f"unknown severity {severity!r}; known are {', '.join(_SEVERITIES)}")
    payload = next((given for given in (data, text, json) if given is not None), None)
    return await surroundings.perform(WriteLog(level, payload))


@function("http.request", Kind.BLOCKING)
async def _request(
    surroundings: Surroundings,
    method: Value,
    url: Value,
    timeout: Value = limits.HTTP_TIMEOUT_DEFAULT,
    body: Value = None,
    headers: Value = None,
    query: Value = None,
    auth: Value = None,
) -> Value:
    seconds = need_number(timeout, "timeout")
    if not 0 < seconds <= limits.HTTP_TIMEOUT_MAX:
        allowed = f"more than 0 and at most {limits.HTTP_TIMEOUT_MAX:g} seconds"
        raise value_error(f"timeout must be {allowed}, got {seconds:g}")
    verb = need_string(method, "method").upper()
    if verb not in _METHODS:
        raise value_error(f"unknown HTTP method {method!r}; known are {', '.join(_METHODS)}")
    address = need_string(url, "url")
    if not address.startswith(("http://", "https://")):
        raise value_error(f"url must begin with http:// or https://, got {address!r}")
    request = SendRequest(
        method=verb,
        url=address,
        headers=need_map({} if headers is None else headers, "headers"),
        query=need_map({} if query is None else query, "query"),
        body=body,
        auth=None if auth is None else _auth(auth),
        timeout=seconds,
    )
    return await surroundings.perform(request)


def _declare_shorthand(method: str) -> None:
    @function(f"http.{method.lower()}", Kind.BLOCKING)
    async def _shorthand(
        surroundings: Surroundings,
        url: Value,
        timeout: Value = limits.HTTP_TIMEOUT_DEFAULT,
        body: Value = None,
        headers: Value = None,
        query: Value = None,
        auth: Value = None,
    ) -> Value:
        return await _request(surroundings, method, url, timeout, body, headers, query, auth)


for _method in ("DELETE", "GET", "PATCH", "POST", "PUT"):
    _declare_shorthand(_method)


def _auth(auth: Value) -> Value:
    kind = need_map(auth, "auth").get("type")
    if kind not in ("OIDC", "OAuth2"):
        raise value_error(f"auth type must be OIDC or OAuth2, got {kind!r}")
    unknown = set(auth) - {"type", "audience", "scope", "scopes"}
    if unknown:
        raise value_error(f"auth has no field '{min(unknown)}'")
    return auth


@function("events.create_callback_endpoint", Kind.BLOCKING)
async def _create_callback(
    surroundings: Surroundings, http_callback_method: Value = "POST"
) -> Value:
    method = need_string(http_callback_method, "http_callback_method").upper()
    if method not in _METHODS:
        raise value_error(f"unknown HTTP method {method!r}; known are {', '.join(_METHODS)}")
    return await surroundings.perform(CreateCallback(method))


@function("events.await_callback", Kind.BLOCKING)
async def _await_callback(
    surroundings: Surroundings,
    callback: Value,
    timeout: Value = limits.CALLBACK_TIMEOUT_DEFAULT,
) -> Value:
    url = need_map(callback, "callback").get("url")
    if not isinstance(url, str):
        raise type_error(f"callback must have a url, got {type_name(url)}")
    seconds = need_number(timeout, "timeout")
    # A cut-off that has passed is waited for until now: what has arrived is still delivered.
    present = await surroundings.perform(ReadClock())
    return await surroundings.perform(AwaitCallback(url, present + seconds))
