"""Secrets kept out of whatever is told: an answer may repeat what was sent with the request."""

from __future__ import annotations

from typing import Any

HIDDEN = "[secret]"
SHORTEST = 4
"""Shorter secrets are no secrets, and hiding them would tear words apart."""


class Redactor:
    """Knows what must not be told, and takes it out of texts and documents."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def hide(self, *secrets: str) -> None:
        """Keep these out of everything from now on."""
        known = {*self._secrets, *(secret for secret in secrets if len(secret) >= SHORTEST)}
        # The longest first, so that none is hidden in part by one that it holds.
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def clean(self, content: Any) -> Any:
        """Return JSON-ready content without the secrets, in values and in names."""
        if isinstance(content, str):
            for secret in self._secrets:
                content = content.replace(secret, HIDDEN)
            return content
        if isinstance(content, dict):
            return {self.clean(name): self.clean(value) for name, value in content.items()}
        return [self.clean(value) for value in content] if isinstance(content, list) else content
