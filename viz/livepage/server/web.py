"""The server of the live page: a handful of fixed addresses below the token, to be read and never to be written."""

from __future__ import annotations

import contextlib
import http.server
import json
import math
import os
import socket
import socketserver
import threading
import time
from typing import Any

from viz.livepage.server import guard
from viz.livepage.server.former_runs import FormerRuns
from viz.livepage.server.former_tabs import FormerTabs
from viz.livepage.server.hub import Hub
from viz.livepage.server.messages import PACE

__all__ = ["Page", "Server"]

MOST_CONNECTIONS = 64
PATIENCE = 20.0  # seconds that a browser may take for a request, or to take in what it is sent
HEARTBEAT = PATIENCE / 2


class Page:
    """What the server needs to know of the page.

    Attributes:
        token: the secret part of its address.
        ticket: an address that works once and leads to the page, so that the token isn't seen in lists of processes.
        html: the page.
        policy: its Content-Security-Policy.
        key: by which its tabs will know a later page; nobody sends it, but this page to them.
        former: the tabs of earlier pages.
        former_runs: of the same script.
    """

    def __init__(self, token: str, ticket: str, html: bytes, policy: str, key: str) -> None:
        self.token, self.html, self.policy, self.key = token, html, policy, key
        self.former = FormerTabs([])
        self.former_runs = FormerRuns()
        self._ticket, self._lock = ticket, threading.Lock()
        self._until = math.inf

    def issue(self, ticket: str, seconds: float) -> None:
        """From now on, for so long, this is the ticket."""
        with self._lock:
            self._ticket, self._until = ticket, time.monotonic() + seconds

    def redeem(self, ticket: str) -> bool:
        """Whether this is the ticket, the first time."""
        with self._lock:
            if not self._ticket or time.monotonic() > self._until or not guard.matches(ticket, self._ticket):
                return False
            self._ticket = ""
            return True


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves a hub on the loopback interface.

    Attributes:
        watching: how many browsers are listening to news.
        idle_since: when the last one left (or the server began), by `time.monotonic`.
    """

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS
    allow_reuse_address = os.name == "posix"  # elsewhere it would let two programs share a port

    def __init__(self, hub: Hub, page: Page, port: int = 0) -> None:
        self.hub, self.page = hub, page
        self.watching = 0
        self.idle_since = time.monotonic()
        self._slots = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._counting = threading.Lock()
        self._strangers: dict[Any, None] = {}  # connections that haven't shown the token yet, the oldest first
        super().__init__((guard.LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Bind, without the look-up of the machine's name that HTTPServer makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread. If there are too many already, the oldest that hasn't shown the token makes room."""
        if not self._slots.acquire(blocking=False):
            with self._counting, contextlib.suppress(OSError, StopIteration):
                oldest = next(iter(self._strangers))
                del self._strangers[oldest]
                oldest.shutdown(socket.SHUT_RDWR)
            if not self._slots.acquire(timeout=1.0):
                self.shutdown_request(request)
                return
        with self._counting:
            self._strangers[request] = None
        super().process_request(request, client_address)

    def trust(self, request: Any) -> None:
        """A connection has shown the token, or is over."""
        with self._counting:
            self._strangers.pop(request, None)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.trust(request)
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes in the middle of an answer is nothing to report."""

    def count(self, change: int) -> None:
        """One listener more or less."""
        with self._counting:
            self.watching += change
            self.idle_since = time.monotonic()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    timeout = PATIENCE
    server_version, sys_version = "viz", ""
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def do_GET(self) -> None:
        refusal = guard.foreign(self.headers)
        if refusal is not None:
            self._answer(403, refusal.encode())
            return
        page, path = self.server.page, self.path.partition("?")[0]
        first, _, rest = path[1:].partition("/")
        if first == "open" and (page.redeem(rest) or page.former.admits(rest)):
            self._answer(303, b"", {"Location": f"/{page.token}/"})
        elif path == "/greeting":
            self._json(page.former.greeting())
        elif not guard.matches(first, page.token) or path != f"/{page.token}/{rest}":
            self._answer(404, b"There is nothing here. The page's address has a secret part: see where it was printed.")
        else:
            self.server.trust(self.connection)
            self._serve(rest)

    do_HEAD = do_GET

    def _refuse(self) -> None:
        self._answer(405, b"This page can only be read.", {"Allow": "GET, HEAD"})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refuse

    def _serve(self, rest: str) -> None:
        hub = self.server.hub
        if rest == "":
            policy = {"Content-Security-Policy": self.server.page.policy}
            self._answer(200, self.server.page.html, {"Content-Type": "text/html; charset=utf-8", **policy})
        elif rest == "key":
            self._json(self.server.page.key)
        elif rest == "graph":
            self._json(hub.graph() or None)
        elif rest == "histograms":
            self._json(hub.histograms())
        elif rest == "runs":
            self._json(self.server.page.former_runs.facts())
        elif rest.startswith("runs/"):
            self._json(self.server.page.former_runs.curves(rest.removeprefix("runs/")) or None)
        elif rest == "events" and self.command == "GET":
            self._listen()
        else:
            self._answer(404, b"There is nothing here.")

    def _json(self, data: Any) -> None:
        """Answer with data; bytes are compressed JSON already."""
        packed = isinstance(data, bytes)
        headers = {"Content-Type": "application/json", **({"Content-Encoding": "gzip"} if packed else {})}
        self._answer(200, data if packed else json.dumps(data).encode(), headers)

    def _answer(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        given = {"Content-Type": "text/plain; charset=utf-8", **guard.HEADERS, **(headers or {})}
        given.setdefault("Content-Security-Policy", "default-src 'none'")
        self.send_response(code)
        for name, value in given.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # ------------------------------------------------------------------ news

    def _listen(self) -> None:
        """Send news until the browser goes. It is given what changed since the last time, however long that is ago."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        self.send_response(200)
        for name, value in {**guard.HEADERS, "Content-Type": "text/event-stream"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.server.count(1)
        try:
            self._tell()
        except OSError:  # it went, or didn't take in anything for too long
            self.close_connection = True
        finally:
            self.server.count(-1)

    def _tell(self) -> None:
        hub, seen, generations = self.server.hub, -1, dict[str, int]()
        closing = False
        while not closing:
            closing = hub.closing  # asked first, so that the last news hold all that the program told
            news = hub.news(seen, generations)
            seen = news["version"]
            self._event("news", json.dumps(news, separators=(",", ":")))
            if not closing:
                time.sleep(PACE)
            while not self._is_news(seen):
                self._event("beat", "{}")
        self._event("bye", "{}")

    def _is_news(self, seen: int) -> bool:
        hub = self.server.hub
        with hub.changed:
            return hub.changed.wait_for(lambda: hub.version > seen or hub.closing, HEARTBEAT)

    def _event(self, kind: str, data: str) -> None:
        self.wfile.write(f"event: {kind}\ndata: {data}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests are nobody's business."""
