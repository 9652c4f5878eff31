"""`viz.live` inside of a notebook: a picture below the cell that is drawn again while training runs.

It goes the way that all output of the kernel goes. So it arrives wherever the browser is, needs no port and no
permission, holds no address of the page, and the last one stays in the saved notebook.

There is one picture, in the cell that opened the page. It goes on with whatever trains in later cells, and can be shown
there by the page as the last line of a cell.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from eagerflow.base import notebook
from viz.livepage.server.hub import Hub
from viz.livepage.server.messages import PACE
from viz.livepage.still import still

__all__ = ["NotebookView"]

_EVERY = 5 * PACE  # seconds between two pictures, at least
_SHARE = 0.03  # of the time that drawing may take
_HINT = (
    "The whole page, with graph, histograms and the doctor's hints: <code>page = viz.live()</code>, then "
    "<code>page.open()</code>."
)


class NotebookView:
    """The picture of a live page, below the cell that runs.

    Args:
        name: a title.
        port: of the page.
        flush: called at the end of each cell: waits until all that is known has been told to this view.
        rest: called before that, with the error that ended the cell or None: nothing trains between two cells.
    """

    def __init__(
        self, name: str | None, port: int, flush: Callable[[], None], rest: Callable[[BaseException | None], None]
    ) -> None:
        self._name, self._port, self._flush, self._rest = name, port, flush, rest
        self._hub = Hub()
        self._place = notebook.Place()
        self._drawing = threading.Lock()
        self._drawn, self._next = -1, 0.0
        self._cell: Any = None
        self._events = getattr(notebook.kernel(), "events", None)
        if self._events is not None:
            self._events.register("post_run_cell", self._end_cell)
        self.show()

    def take(self, message: dict[str, Any]) -> None:
        """Something that the page is told."""
        self._hub.take(dict(message))

    def show(self) -> None:
        """Make the picture below the cell that runs, unless it is there already."""
        cell = getattr(notebook.kernel(), "execution_count", None)
        if cell is None or cell != self._cell:
            self._cell = cell
            notebook.with_curves[:] = [cell]
            self.draw(now=True, here=True)

    def draw(self, now: bool = False, here: bool = False) -> None:
        """Draw what is new, if there is any: when a while has gone by since the last time, or at once."""
        with self._drawing:
            if here:
                self._place.repeat()
            began = time.perf_counter()
            nothing_new = self._hub.version == self._drawn or (began < self._next and not now)
            if self._place.is_shown and nothing_new:
                return
            news = self._hub.news(-1, {})
            self._drawn = news["version"]
            self._place.fill(*still(news, self._name, "" if news.get("end") else _HINT))
            ended = time.perf_counter()
            self._next = ended + max(_EVERY, (ended - began) / _SHARE)

    def leave(self) -> None:
        """Draw for the last time."""
        self.draw(now=True)
        if self._events is not None:
            self._events.unregister("post_run_cell", self._end_cell)
            self._events = None

    def link(self, address: str) -> None:
        """Show a link to the page that works once, for a browser that may be on another machine."""
        tunnel = f"ssh -N -L {self._port}:127.0.0.1:{self._port} {socket.gethostname()}"
        plain = f"The page opens on this machine only. From another one, first: {tunnel}"
        notebook.show(
            plain,
            f'<a href="{address}" target="_blank" rel="noreferrer">Open the page</a> (the link works once, for a '
            f"minute). If this browser runs on another machine, first, over there: <code>{tunnel}</code>",
        )

    def _end_cell(self, result: Any = None) -> None:
        error = getattr(result, "error_in_exec", None)
        self._rest(error if isinstance(error, Exception) else None)
        self._flush()
        self.draw(now=True)
