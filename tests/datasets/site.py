"""A web site on this machine that stands in for the real ones."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Site:
    """Serves bytes by path, and remembers what was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []  # the paths
        self.break_off_after: int | None = None  # so many bytes of the next answer
        self.lengths = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site._answer(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Silent."""

        return Handler

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(request.path)
        content = self.files.get(request.path.lstrip("/"))
        if content is None:
            request.send_error(404)
            return
        request.send_response(200)
        if self.lengths:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        until, self.break_off_after = self.break_off_after, None
        request.wfile.write(content[:until])
