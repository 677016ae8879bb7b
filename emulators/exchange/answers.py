"""What goes wrong, turned into the exchange's own answers: never a stack trace, always one form."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from emulators.exchange.auth import TokenRefused
from emulators.exchange.prices import PricesFileError
from emulators.exchange.problems import (
    MEDIA_TYPE,
    Finding,
    Problem,
    ProblemType,
    problem_body,
    summary,
)


def answer_problems(app: FastAPI) -> None:
    """Make the application answer every error as a problem, and OAuth's as OAuth wants them."""

    @app.exception_handler(Problem)
    def refused(_: Request, problem: Problem) -> JSONResponse:
        return _answer(problem)

    @app.exception_handler(TokenRefused)
    def token_refused(_: Request, refusal: TokenRefused) -> JSONResponse:
        body = {"error": refusal.error, "error_description": refusal.description}
        headers = {"Cache-Control": "no-store"}
        if refusal.status == ProblemType.UNAUTHORIZED.status:
            headers["WWW-Authenticate"] = "Basic"
        return JSONResponse(body, refusal.status, headers)

    @app.exception_handler(RequestValidationError)
    def unreadable(_: Request, error: RequestValidationError) -> JSONResponse:
        findings = [_finding(item) for item in error.errors()]
        return _answer(Problem(ProblemType.INVALID_REQUEST, summary(findings), findings=findings))

    @app.exception_handler(HTTPException)
    def http_error(_: Request, error: HTTPException) -> JSONResponse:
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        body = problem_body(slug, error.status_code, error.detail)
        return JSONResponse(body, error.status_code, error.headers, media_type=MEDIA_TYPE)

    @app.exception_handler(PricesFileError)
    def unusable_prices(_: Request, error: PricesFileError) -> JSONResponse:
        return _answer(Problem(ProblemType.INTERNAL, str(error)))

    @app.exception_handler(Exception)
    def fault(_: Request, __: Exception) -> JSONResponse:
        return _answer(Problem(ProblemType.INTERNAL, "The exchange failed; its log says why"))


def _answer(problem: Problem) -> JSONResponse:
    return JSONResponse(problem.body(), problem.kind.status, problem.headers, media_type=MEDIA_TYPE)


def _finding(item: dict[str, Any]) -> Finding:
    if item["type"] == "json_invalid":
        place = item["loc"][-1]
        return Finding("", f"malformed JSON at character {place}: {item['ctx']['error']}")
    return Finding(_path(item["loc"]), item["msg"])


def _path(steps: tuple[str | int, ...]) -> str:
    """Return `curves[3].curvePoints[0].price` for ("body", "curves", 3, "curvePoints", 0, "price")."""
    text = "".join(
        f"[{step}]" if isinstance(step, int) else f".{to_camel(step)}" for step in steps[1:]
    )
    return text.removeprefix(".")
