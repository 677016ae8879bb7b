"""What every request is about: the exchange, and the user whose token it carries."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from emulators.exchange.auth import TokenDesk, User
from emulators.exchange.exchange import Exchange
from emulators.exchange.problems import Problem, ProblemType

_bearer = HTTPBearer(auto_error=False)


def _exchange(request: Request) -> Exchange:
    exchange: Exchange = request.app.state.exchange
    return exchange


def _user(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> User:
    desk: TokenDesk = request.app.state.token_desk
    user = desk.user_of(given.credentials) if given else None
    if user is None:
        detail = "The request needs a bearer token that is known and has not expired"
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem(ProblemType.UNAUTHORIZED, detail, headers=headers)
    return user


TheExchange = Annotated[Exchange, Depends(_exchange)]
TheUser = Annotated[User, Depends(_user)]
