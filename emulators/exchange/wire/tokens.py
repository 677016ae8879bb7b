"""The token endpoint's form and answer, in OAuth's own spelling."""

from pydantic import BaseModel

BEARER = "Bearer"


class TokenForm(BaseModel):
    """What the token endpoint reads; what is missing is OAuth's to complain of."""

    grant_type: str | None = None
    scope: str | None = None
    username: str | None = None
    password: str | None = None


class TokenDocument(BaseModel):
    access_token: str
    expires_in: int
    token_type: str
