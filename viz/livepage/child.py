"""The other side of the page's process: starting it, and sending it messages."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from viz.livepage.server import messages

__all__ = ["Child"]

# How the process begins, given the folder of viz, which may lie in a zip file. The packages above the server stand
# empty, so that neither eagerflow nor NumPy is loaded.
_START = """
import importlib, os, sys, types
for name, folder in (("viz", sys.argv[1]), ("viz.livepage", os.path.join(sys.argv[1], "livepage"))):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
importlib.import_module("viz.livepage.server.process").main()
"""
_VIZ = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(messages.__file__))))


class Child:
    """The process that serves the page. It outlives this one, and goes when nobody has looked for a while.

    Attributes:
        alive: whether messages still reach it.
        pid: its number.
        port: of the page.
        mirror: is told what the process is told; None for nobody.
        url: the address of the page, which nobody can guess.
        ticket_url: an address that leads there once; to be given to a browser, since commands can be seen by others.
    """

    def __init__(self, html: str, port: int, linger: float) -> None:
        token, ticket = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.alive = True
        self.mirror: Callable[[dict[str, Any]], None] | None = None
        self._lock = threading.Lock()
        process = _started()
        self.pid = process.pid
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._pipe: IO[bytes] = process.stdin
        about = {"token": token, "ticket": ticket, "port": port, "linger": linger, "policy": "frame-ancestors 'none'"}
        about["program"] = os.getpid()
        self.send(about, html.encode("utf-8", "replace"))
        with process.stdout as answers:
            reply = messages.read(answers)
        if reply is None or "error" in reply[0]:
            self.close()
            process.wait()
        if reply is None:
            raise RuntimeError("viz.live: the page's process ended as soon as it began")
        if "error" in reply[0]:
            raise OSError(f"viz.live(port={port}): {reply[0]['error']}; use port=0 for any free one")
        self.port: int = reply[0]["port"]
        self._origin = f"http://127.0.0.1:{self.port}"
        self.url, self.ticket_url = f"{self._origin}/{token}/", f"{self._origin}/open/{ticket}"

    def new_ticket(self, seconds: float) -> str:
        """Another address that leads to the page once, within so many seconds."""
        ticket = secrets.token_urlsafe(24)
        self.send({"is": "ticket", "ticket": ticket, "seconds": seconds})
        return f"{self._origin}/open/{ticket}"

    @property
    def is_running(self) -> bool:
        """Whether it hasn't ended."""
        return self._process.poll() is None

    def send(self, message: dict[str, Any], payload: bytes = b"") -> None:
        """Send a message; does nothing when the process has gone."""
        if self.mirror is not None:
            self.mirror(message)
        with self._lock:
            if not self.alive:
                return
            try:
                messages.write(self._pipe, message, payload)
            except OSError:
                self.alive = False

    def close(self) -> None:
        """Say no more."""
        with self._lock:
            self.alive = False
            try:
                self._pipe.close()
            except OSError:  # it has gone, and what was buffered with it
                return

    def __del__(self) -> None:
        if hasattr(self, "_pipe"):  # it was started
            self.close()


def _started() -> subprocess.Popen[bytes]:
    """A process of its own: Ctrl-C in the terminal isn't for it, and it holds no file or folder of the program's."""
    if not sys.executable:
        raise RuntimeError("viz.live needs the Python interpreter as a program, and sys.executable names none")
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return _Detached(
        [sys.executable, "-I", "-c", _START, _VIZ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=os.path.abspath(os.sep),
        **options,
    )


class _Detached(subprocess.Popen[bytes]):
    """A process that is meant to go on: Python shouldn't warn of it."""

    def __del__(self) -> None:
        if self.returncode is None:
            self.returncode = 0
        super().__del__()
