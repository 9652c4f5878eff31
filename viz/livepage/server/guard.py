"""Who may read the page: a browser of this machine that knows the token, from the page itself."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from email.message import Message

__all__ = ["HEADERS", "LOOPBACK", "foreign", "matches"]

Headers = Mapping[str, str] | Message

LOOPBACK = "127.0.0.1"

# With a tunnel (ssh -L 9000:127.0.0.1:8000) the browser's port is another one than ours: any port will do, for a page
# of another site can have any address but not these names.
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def foreign(headers: Headers) -> str | None:
    """Why a request is refused before anything else is looked at; None when it may go on.

    A page of another site can send the browser here, by its own name for this machine (DNS rebinding: the Host header
    says which) or across sites (the Origin header says from where).
    """
    host = headers.get("Host", "")
    if not _HOST.fullmatch(host):
        return "This page is served to this machine only: open it as http://127.0.0.1:<port>/..."
    origin = headers.get("Origin", "")
    if origin and origin.lower() != f"http://{host}".lower():
        return "Pages of other sites may not read this one."
    if headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site") and not _navigates(headers):
        return "Pages of other sites may not read this one."
    return None


def _navigates(headers: Headers) -> bool:
    """A click on a link, which shows the page and tells the other site nothing of it."""
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest", "") == "document"


def matches(given: str, token: str) -> bool:
    """Is it the token? Takes equally long whatever was given."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
