"""The life of the page's process: it listens to the program, serves the page, and goes when nobody needs it."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import sys
import threading
import time
from typing import IO, Any

from viz.livepage.server import handover, messages
from viz.livepage.server.former_tabs import FormerTabs
from viz.livepage.server.hub import Hub
from viz.livepage.server.web import Page, Server

__all__ = ["main"]

_GONE = (
    "The program ended without saying so: it was killed (kill -9, or too little memory), or it crashed in code that "
    "isn't Python's. Its exit status, which its terminal or job has, tells which."
)
_TELLING = 5 * messages.PACE  # seconds for browsers to hear that this process ends
_YIELDING = 3 * _TELLING  # and for another page's process to leave its port, if its program has ended


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
    claim = handover.Claim(server.server_port, about["program"], server.page.key) if about["port"] else None
    if claim is not None:
        server.page.former = FormerTabs(claim.keys)
    _reply({"port": server.server_port})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if claim is not None:
        threading.Thread(target=_yield, args=(server, claim), daemon=True).start()
    if _listen(sys.stdin.buffer, server.hub, server.page):
        _stay(server, float(about["linger"]))
    _leave(server, claim)


def _leave(server: Server, claim: handover.Claim | None) -> None:
    """Free the port, and tell the browsers."""
    server.hub.close()
    server.shutdown()
    server.server_close()  # the port is free while they are told
    if claim is not None:
        claim.release()  # not before: who comes in between has to know that the port will be free
    if server.watching:
        time.sleep(_TELLING)


def _yield(server: Server, claim: handover.Claim) -> None:
    """Once the program has ended, end this process as soon as another page wants the port."""
    while not (server.hub.ended and claim.is_wanted):
        time.sleep(messages.PACE)
    server.page.former_runs.kept.wait(_TELLING)
    _leave(server, claim)
    os._exit(0)  # another thread waits for what its program may still say


def _server(about: dict[str, Any], html: bytes) -> Server:
    """The server, on a port that the page of an ended program may have to leave first."""
    page = Page(about["token"], about["ticket"], html, about["policy"], secrets.token_urlsafe(24))
    port = about["port"]
    until, program = time.monotonic() + _YIELDING, None
    try:
        while True:
            try:
                return Server(Hub(), page, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not port:
                    raise
                program = handover.ask(port) if program is None else program
                if program is None or time.monotonic() > until:
                    whose = (
                        "another program"
                        if program is None
                        else f"the live page of process {program}, which is still running"
                    )
                    raise OSError(f"the port is taken by {whose}") from error
            time.sleep(messages.PACE)
    finally:
        if program is not None:
            handover.stop_asking(port)


def _reply(message: dict[str, Any]) -> None:
    messages.write(sys.stdout.buffer, message)
    sys.stdout.close()


def _listen(stream: IO[bytes], hub: Hub, page: Page) -> bool:
    """Take what the program tells until it ends; False when it said that the page should end too."""
    while True:
        found = messages.read(stream)
        if found is None:
            if not hub.ended:
                hub.end(_GONE)
                page.former_runs.keep(hub)
            return True
        if found[0].get("is") == "quit":
            return False
        if found[0].get("is") == "script":
            page.former_runs.script = str(found[0]["script"])
        elif found[0].get("is") == "ticket":
            page.issue(found[0]["ticket"], float(found[0]["seconds"]))
        else:
            is_end = found[0].get("is") == "end"
            hub.take(*found)
            if is_end:
                page.former_runs.keep(hub)


def _stay(server: Server, linger: float) -> None:
    """Until no browser has looked for `linger` seconds."""
    server.idle_since = max(server.idle_since, time.monotonic())
    while server.watching or time.monotonic() - server.idle_since < linger:
        time.sleep(0.5)
