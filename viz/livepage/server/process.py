"""The life of the page's process: it listens to the program, serves the page, and goes when nobody needs it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import IO, Any

from viz.livepage.server import messages
from viz.livepage.server.hub import Hub
from viz.livepage.server.web import Page, Server

__all__ = ["main"]

_GONE = (
    "The program ended without saying so: it was killed (kill -9, or too little memory), or it crashed in code that "
    "isn't Python's. Its exit status, which its terminal or job has, tells which."
)
_TELLING = 1.0  # seconds for browsers to hear that this process ends


def main() -> None:
    """Serve the page that the first message describes; answer with the port, or why there is none."""
    for name in ("SIGINT", "SIGHUP"):  # meant for the program: the page outlives it
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    first = messages.read(sys.stdin.buffer)
    if first is None:
        return
    about, html = first
    try:
        server = _server(about, html)
    except OSError as error:
        _reply({"error": str(error)})
        return
    _reply({"port": server.server_port})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if _listen(sys.stdin.buffer, server.hub, server.page):
        _stay(server, float(about["linger"]))
    server.hub.close()
    if server.watching:
        server.shutdown()
        server.server_close()  # the port is free while they are told
        time.sleep(_TELLING)


def _server(about: dict[str, Any], html: bytes) -> Server:
    page = Page(about["token"], about["ticket"], html, about["policy"])
    return Server(Hub(), page, about["port"])


def _reply(message: dict[str, Any]) -> None:
    messages.write(sys.stdout.buffer, message)
    sys.stdout.close()


def _listen(stream: IO[bytes], hub: Hub, page: Page) -> bool:
    """Take what the program tells until it ends; False when it said that the page should end too."""
    while True:
        found = messages.read(stream)
        if found is None:
            hub.end(_GONE)
            return True
        if found[0].get("is") == "quit":
            return False
        if found[0].get("is") == "ticket":
            page.issue(found[0]["ticket"], float(found[0]["seconds"]))
        else:
            hub.take(*found)


def _stay(server: Server, linger: float) -> None:
    """Until no browser has looked for `linger` seconds."""
    server.idle_since = max(server.idle_since, time.monotonic())
    while server.watching or time.monotonic() - server.idle_since < linger:
        time.sleep(0.5)
