"""Traces: the context that comes with a call and goes on with the next, and spans in between.

Only OpenTelemetry's API is loaded until `export_spans` loads its SDK. Without an SDK spans record
nothing, and the context that came in goes on unchanged, so that log lines still name their trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hydrobid.adapters.structured_logs import StructuredLog, label
from hydrobid.domain.errors import HydrobidError
from hydrobid.domain.identifiers import ScenarioId
from hydrobid.hydro.schedule import SolveFailure
from hydrobid.pipeline.ports import SolveResult

if TYPE_CHECKING:
    import httpx  # not every function that imports this module sends requests

TRACEPARENT = "traceparent"
LONGEST_TRACEPARENT = 512
# Where Google's client library for Pub/Sub puts the trace that a message belongs to.
TRACEPARENT_ATTRIBUTE = "googclient_traceparent"

_W3C = TraceContextTextMapPropagator()


def context_from(*traceparents: Any) -> Context:
    """Return the context of the first `traceparent` that is one; whatever else came is ignored.

    Format: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    for given in traceparents:
        if isinstance(given, str) and len(given) <= LONGEST_TRACEPARENT:
            context = _W3C.extract({TRACEPARENT: given}, Context())
            if trace.get_current_span(context).get_span_context().is_valid:
                return context
    return Context()


def pushed_traceparent(data: Any) -> Any:
    """Return what a pushed CloudEvent's data has for the trace, whatever it is; None for nothing."""
    try:
        return data["message"]["attributes"][TRACEPARENT_ATTRIBUTE]
    except (KeyError, TypeError):
        return None


def trace_headers() -> dict[str, str]:
    """Return the header that hands the current trace on, none where there is no trace."""
    headers: dict[str, str] = {}
    _W3C.inject(headers)
    return headers


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, context: Context | None = None
) -> Iterator[Span]:
    """Be in a span of its own, in the current trace or that of `context`.

    An exception marks it as failed with the error's code, not with its words: they may hold what
    is not to leave the process.
    """
    with trace.get_tracer("hydrobid").start_as_current_span(
        name, context, kind, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            mark_failed(current, error)
            raise


def mark_failed(current: Span, error: Exception) -> None:
    """Note on a span that what it stands for failed, and why."""
    code = error.code if isinstance(error, HydrobidError) else type(error).__name__
    current.set_attribute("error.type", code)
    current.set_status(Status(StatusCode.ERROR, code))


def send_traced(
    send: Callable[..., httpx.Response],
    name: str,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    **parts: Any,
) -> httpx.Response:
    """Send an HTTP request by httpx's `request` under a span, whose context goes with it."""
    with span(name, SpanKind.CLIENT) as current:
        current.set_attribute("http.request.method", method)
        response = send(method, url, headers={**headers, **trace_headers()}, **parts)
        current.set_attribute("http.response.status_code", response.status_code)
        if response.is_error:
            current.set_status(Status(StatusCode.ERROR))
        return response


class ScenarioTelemetry:
    """Sees scenarios being solved: a span and a log line each."""

    def __init__(self, log: StructuredLog) -> None:
        self._log = log

    def __call__(
        self, results: Iterator[SolveResult], pending: Sequence[ScenarioId], attempt: int
    ) -> Iterator[SolveResult]:
        """Return the same results, as they come."""
        label({"attempt": attempt})
        for scenario in pending:
            with span("solve scenario") as current:
                current.set_attributes({"hydrobid.scenario": scenario, "hydrobid.attempt": attempt})
                try:
                    found = next(results, None)
                except HydrobidError as error:
                    self._log.failure(error, scenario=scenario)
                    raise
                if found is None:
                    return
                self._tell(current, *found)
            yield found
        # A solver is free again only when it has been asked for a result that it has not.
        yield from results

    def _tell(self, current: Span, scenario: ScenarioId, result: Any) -> None:
        failed = isinstance(result, SolveFailure)
        termination = result.code if failed else result.termination
        current.set_attribute("hydrobid.termination", termination)
        if failed:
            current.set_status(Status(StatusCode.ERROR, termination))
        self._log.write(
            "WARNING" if failed else "INFO",
            f"{scenario} {'failed' if failed else 'solved'}: {termination}",
            scenario=scenario,
            termination=termination,
        )


def export_spans(service: str, project: str, client: str) -> None:
    """Send spans from now on to where the OTEL_* variables say, from a thread of its own.

    What the receiver does, or that there is none, holds nothing up: spans that it does not take in
    time are lost.
    """
    # Loaded only here: the SDK and its exporter take a fifth of a second.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create(
        {
            "service.name": service,
            "service.namespace": "hydrobid",
            # Google's endpoint takes spans only with the project that they are for.
            "gcp.project_id": project,
            "hydrobid.client": client,
        }
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
