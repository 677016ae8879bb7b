"""OpenID Connect tokens for requests, signed with a key that lives as long as the process."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from functools import cached_property
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_ISSUER: Final = "https://accounts.google.com"
_LIFETIME: Final = 3_600
_RENEWAL: Final = 600


class TokenMint:
    """Tokens by e-mail and audience, made when first needed and renewed before they expire."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}
        self._lock = asyncio.Lock()

    async def token(self, email: str, audience: str) -> str:
        """Return a JWT with Google's claims; its times are real ones, never the market's."""
        async with self._lock:
            now = time.time()
            token, expiry = self._tokens.get((email, audience), ("", 0.0))
            if expiry - now < _RENEWAL:
                # The first one makes the key: a tenth of a second that the event loop can't spare.
                token = await asyncio.to_thread(self._sign, email, audience, int(now))
                self._tokens[email, audience] = token, now + _LIFETIME
            return token

    def _sign(self, email: str, audience: str, now: int) -> str:
        subject = str(int.from_bytes(hashlib.sha256(email.encode()).digest()[:8]))
        claims = {
            "iss": _ISSUER,
            "aud": audience,
            "azp": subject,
            "sub": subject,
            "email": email,
            "email_verified": True,
            "iat": now,
            "exp": now + _LIFETIME,
        }
        header = {"alg": "RS256", "kid": self._key_id, "typ": "JWT"}
        signed = f"{_segment(json.dumps(header))}.{_segment(json.dumps(claims))}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_segment(signature)}"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    @cached_property
    def _key_id(self) -> str:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(public).hexdigest()[:40]


def _segment(content: str | bytes) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
