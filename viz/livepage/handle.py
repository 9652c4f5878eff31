"""`viz.live`: a page on this machine that shows training while it runs."""

from __future__ import annotations

import atexit
import hashlib
import math
import os
import shlex
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from eagerflow.base import notebook
from eagerflow.base.output import write
from viz.boundary import boundary
from viz.frameworks import observing
from viz.livepage.child import Child
from viz.livepage.collector import Collector
from viz.livepage.document import document
from viz.livepage.failures import describe
from viz.livepage.in_notebook import NotebookView
from viz.livepage.mailbox import Mailbox
from viz.livepage.pace import Pace
from viz.livepage.sender import Sender
from viz.livepage.told_errors import ToldErrors
from viz.livepage.visits import Visits
from viz.recording import Recording
from viz.shell.signals import Ended

__all__ = ["LivePage", "live"]

_LAST_WORDS = 5.0  # seconds that the end of the program, or of a notebook's cell, waits for what is still to be sent
_LINGER_IN_NOTEBOOK = _LAST_WORDS  # a browser that is loading the page again is back by then
_TICKET = 60.0  # seconds that an address which leads to the page once is good for
_LINGER = 10 * _TICKET  # and that the page stays for a browser that may still come


@boundary
def live(
    model: Any = None,
    port: int = 0,
    open_browser: bool | None = None,
    every: float = 2.0,
    every_steps: int = 1,
    overhead: float = 0.03,
    linger: float | None = None,
    name: str | None = None,
    doctor: bool = True,
) -> LivePage:
    """Shows training on a web page that updates while it runs: curves, the graph with times and gradients, histograms.

    It works with `fit` and with custom loops in the same thread; call it before them, or use it in a `with` statement.
    A separate process serves the page, to this machine only and under an address that can't be guessed. So a slow
    browser never delays training, and the page stays when the program ends or crashes.

    In a notebook, curves, values and findings also appear below the cell, even if the browser runs on another machine.
    Training in later cells updates them, and they are saved with the notebook. To show them below another cell, too,
    end that cell with the returned `LivePage`; its `open()` leads to the whole page. A new page replaces the one before
    it.

    Args:
        model: the model whose weights and gradients are shown; default: all.
        port: the port of the page; 0 for any free one.
        open_browser: whether to open the page in a browser. Default: if there is a screen and the program runs in a
            terminal.
        every: the least number of seconds between two steps that are recorded for the graph and the histograms.
        every_steps: record only steps whose number is a multiple of this. A step with fewer rows than the one before
            it, as at the end of an epoch, is skipped for the next one.
        overhead: the largest fraction of the time that recording may take, and as much again for the doctor after the
            first steps. Slow models are recorded less often.
        linger: how many seconds the page stays after the program has ended, while no browser shows it. Default: 600; 5
            in a notebook, whose cell keeps the last state.
        name: the title of the page.
        doctor: whether to look for problems of the training (see `viz.doctor`) and list them on the page.

    Returns:
        A `LivePage`, whose `url` is the address.

    Raises:
        ValueError: for a number out of range.
        OSError: when the port is taken.
        RuntimeError: when no process can be started.

    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> model.compile("sgd", "mse")
    >>> with viz.live(open_browser=False, linger=0) as page:
    ...     history = model.fit(ef.ops.ones((8, 3)), ef.ops.ones((8, 2)), verbose=0)
    >>> page.url
    'http://127.0.0.1:...'
    """
    _check("port", port, isinstance(port, int) and 0 <= port <= 65535, "a number from 0 to 65535")
    _check("every", every, 0 <= every < math.inf, "seconds, 0 or more")
    _check(
        "every_steps", every_steps, isinstance(every_steps, int) and every_steps >= 1, "a number of steps, 1 or more"
    )
    _check("overhead", overhead, 0 < overhead <= 1, "a share of the time, above 0 and at most 1")
    if linger is None:
        linger = _LINGER if notebook.kernel() is None else _LINGER_IN_NOTEBOOK
    _check("linger", linger, 0 <= linger < math.inf, "seconds, 0 or more")
    child = Child(document(name), port, float(linger))
    opened = LivePage(child, Pace(every, overhead), every_steps, model, doctor)
    if script := getattr(sys.modules["__main__"], "__file__", None):
        opened.belongs_to(script)
    if notebook.kernel() is not None:
        opened._show_in_notebook(name)
    else:
        write(f"viz.live: {opened.url}\n", sys.stderr)
    is_attended = sys.stderr is not None and sys.stderr.isatty()
    if is_attended and _has_screen() if open_browser is None else open_browser:
        _open(child.ticket_url)
    return opened


def _open(address: str) -> None:
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _check(name: str, value: Any, holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"viz.live({name}={value!r}): expected {expected}")


class LivePage:
    """The page that `viz.live` opened.

    Use it in a `with` statement, or leave it open until the end of the program.

    >>> import eagerflow as ef
    >>> import viz
    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> with viz.live(open_browser=False, linger=0) as page:
    ...     history = model.fit(ef.ops.ones((8, 3)), ef.ops.ones((8, 1)), verbose=0)
    ...     page.log(temperature=0.5)  # a custom curve
    >>> page.url
    'http://127.0.0.1:...'
    """

    def __init__(self, child: Child, pace: Pace, every_steps: int, model: Any, doctor: bool) -> None:
        self._child, self._model = child, model
        self._visits = Visits(pace.share) if doctor else None
        self._told = ToldErrors()
        self._script = ""  # as one would write it in a command
        box = Mailbox()
        self._box = box
        self._view: NotebookView | None = None
        self._collector = Collector(box, pace, every_steps, model, self._visits)
        self._sender = Sender(box, child, pace, self._findings, self._paths, self._draw)
        self._observing: AbstractContextManager[Any] | None = None
        self._hook: Callable[..., Any] | None = None
        self._closed = False
        self._sender.start()
        self.resume()
        self._previous = sys.excepthook
        self._hook = sys.excepthook = self._uncaught
        atexit.register(self._exit)

    @property
    def url(self) -> str:
        """The address of the page. Anyone on this machine who knows it can read the page."""
        return self._child.url

    def open(self) -> None:
        """Opens the page in a browser; in a notebook on a machine without a screen, shows a link that works once.

        >>> import viz
        >>> page = viz.live(open_browser=False, linger=0)
        >>> page.open()  # doctest: +SKIP
        >>> page.close()
        """
        address = self._child.new_ticket(_TICKET)
        if self._view is not None and not _has_screen():
            self._view.link(address)
        else:
            _open(address)

    def _show_in_notebook(self, name: str | None = None) -> None:
        """Show the curves, numbers and findings below the cell that runs; the page that did so before is closed."""
        former, _in_notebook[:] = _in_notebook[:], [self]
        for page in former:
            page.close()
        self._view = NotebookView(name, self._child.port, self._flush, self._collector.rest)
        self._child.mirror = self._view.take

    def _flush(self) -> None:
        """Wait until the page knows what has happened so far."""
        if not self._box.is_empty:
            self._sender.flush(_LAST_WORDS)

    @property
    def is_served(self) -> bool:
        """Whether the process that serves the page is still running."""
        return self._child.is_running

    @property
    def recording(self) -> Recording | None:
        """The last recorded step; None before there is one."""
        return self._sender.recording

    def log(self, values: dict[str, Any] | None = None, /, step: int | None = None, **more: Any) -> None:
        """Adds custom values to the curves.

        Args:
            values: a dict of numbers by name. A name that begins with `val_` is drawn in the chart of the name without
                it; the name of a value that training reports, too, is drawn in that chart as another line.
            step: the position on the x axis; default: the number of the running training step.
            **more: further numbers by name.

        >>> page.log(accuracy=0.5, val_accuracy=0.4)                                           # doctest: +SKIP
        """
        given = {**(values or {}), **more}
        self._collector.curves("own", {n: v for n, v in given.items() if not n.startswith("val_")}, step)
        self._collector.curves("validation", {n[4:]: v for n, v in given.items() if n.startswith("val_")}, step)

    def pause(self) -> None:
        """Stops recording until `resume` is called.

        >>> import viz
        >>> with viz.live(open_browser=False, linger=0) as page:
        ...     page.pause()
        ...     y = ef.ops.tanh(1.0)  # isn't recorded
        ...     page.resume()
        """
        if self._observing is not None:
            self._observing.__exit__(None, None, None)
            self._observing = None
            if self._visits is not None:
                self._visits.finish()
            if self._view is not None and not self._closed:
                self._flush()
                self._view.draw(now=True)

    def resume(self) -> None:
        """Records again after `pause`."""
        if self._observing is None and not self._closed:
            self._observing = observing(self._collector)
            self._observing.__enter__()
            if self._visits is not None:
                self._visits.begin()

    def within_fit(self, model: Any = None) -> None:
        """Says which model a `fit` trains that had begun before the page was opened.

        Args:
            model: the model; None when that `fit` has ended.
        """
        if not self._closed and model is None:
            self._collector.fit_ends()
        elif not self._closed:
            self._collector.fit_begins(model)

    def close(self, error: BaseException | None = None, quit: bool = False) -> None:
        """Stops recording and shows that the program has ended; the page stays while a browser shows it.

        Args:
            error: the exception that ended the program, if there was one.
            quit: whether to end the process that serves the page, too. Browsers that show the page keep its last state.
        """
        if not self._closed:
            self._closed = True
            self.pause()
            atexit.unregister(self._exit)
            if sys.excepthook is self._hook:
                sys.excepthook = self._previous
            self._collector.close(error)
            if self._visits is not None:
                self._visits.close()  # the collector may just have begun a step that will never run
            if error is not None and not isinstance(error, (SystemExit, KeyboardInterrupt)):
                self.report(error)
            self._sender.stop(_LAST_WORDS)
            self._child.send({"is": "end", **_ending(error)})
            if self in _in_notebook:
                _in_notebook.remove(self)
            if self._view is not None:
                self._view.leave()
        if quit:
            self._child.send({"is": "quit"})
        if quit or not self._child.alive:
            self._child.close()

    def belongs_to(self, script: str) -> None:
        """Says which script runs: the page can show the curves of its last runs beside those of this one.

        Args:
            script: its path, or the name of a module.
        """
        self._script = _in_a_command(script)
        digest = hashlib.sha256(os.path.realpath(script).encode("utf-8", "replace")).hexdigest()
        self._child.send({"is": "script", "script": digest[:32]})

    def report(self, error: BaseException, trail: TracebackType | None = None) -> None:
        """Shows an exception on the page.

        Args:
            error: the exception.
            trail: the traceback; default: that of the exception.
        """
        self._box.put("failure", describe(error, self._collector.blame, trail))

    def __enter__(self) -> LivePage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trail: TracebackType | None
    ) -> None:
        self.close(error)

    def __repr__(self) -> str:
        """Without the address, which is a secret: a notebook keeps what it shows."""
        return f"<LivePage at port {self._child.port}{' (ended)' if self._closed else ''}; try .open(), .url>"

    def _ipython_display_(self) -> None:
        if self._view is None:
            write(f"{self!r}\n")
        else:
            self._view.show()

    # ------------------------------------------------------------------ inside

    def _exit(self) -> None:
        """The program ends, and with it whatever could draw."""
        self._view = None
        self.close()

    def _draw(self) -> None:
        if self._view is not None:
            self._view.draw()

    def _uncaught(self, kind: Any, error: BaseException, trail: Any) -> None:
        self._previous(kind, error, trail)
        self.close(error)

    def _findings(self) -> list[dict[str, Any]]:
        if self._visits is None:
            return []
        found = self._visits.watcher.findings
        if notebook.kernel() is None:  # whose cell shows them
            self._told.hear(found)
        told = [{**f.to_dict(), "message": f.sentence, "code": f.code} for f in found]
        for each in told:
            each["fix"] = each["fix"].replace("SCRIPT", self._script or "SCRIPT")
        return told

    def _paths(self) -> frozenset[str] | None:
        if self._model is None:
            return None
        return frozenset([variable.path for variable in self._model.variables])


def _ending(error: BaseException | None) -> dict[str, Any]:
    if isinstance(error, Ended):
        name = type(error).__name__
        return {"how": "killed", "by": name, "words": f"The program was ended by {name}."}
    if isinstance(error, KeyboardInterrupt):
        return {"how": "interrupted", "words": "The program was stopped with Ctrl-C."}
    if isinstance(error, SystemExit):
        return {"how": "finished", "words": f"The program ended with status {error.code!s:.80}."}
    if error is not None:
        return {"how": "crashed", "words": f"The program ended by {type(error).__name__}."}
    return {"how": "finished", "words": "The program has ended."}


def _in_a_command(script: str) -> str:
    """How one would write a script, or a module behind `-m`, in the current folder."""
    if script.startswith("-m "):
        return script
    try:
        near = os.path.relpath(script)
    except (OSError, ValueError):  # another drive, or no current folder
        near = os.pardir
    return shlex.quote(script if near.startswith(os.pardir) else near)


def _has_screen() -> bool:
    desktop = sys.platform in ("win32", "darwin") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return desktop and not os.environ.get("CI")


_in_notebook: list[LivePage] = []  # the page that is shown in the notebook, if there is one
