"""How the tab of an earlier page that had this port finds this one, without saying a secret.

Each page tells its tabs a key, and nobody else. Whoever has the port later may be another program: so a tab sends
nothing that it knows, and asks for a number that is drawn anew by each page. From that and its key it works out
whether the page knows the key, too, and an address that leads there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from viz.livepage.server import guard

__all__ = ["FormerTabs"]


class FormerTabs:
    """Those who may come to this page because they know an earlier one."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        self._salt = secrets.token_urlsafe(24)

    def greeting(self) -> dict[str, Any]:
        """What anyone may read, and only a tab with one of the keys can make use of."""
        return {"salt": self._salt, "known": [self._proof(key, "known") for key in self._keys]}

    def admits(self, ticket: str) -> bool:
        """Whether only someone with one of the keys can have worked out this."""
        return any([guard.matches(ticket, self._proof(key, "open")) for key in self._keys])

    def _proof(self, key: str, of: str) -> str:
        return hmac.new(key.encode(), f"{of} {self._salt}".encode(), hashlib.sha256).hexdigest()
