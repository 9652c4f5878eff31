"""A progress bar. That of `fit` is redrawn on terminals, and drawn once, at its end, elsewhere.

In a notebook the running bar has a place of its own, which is empty in the end, and each finished bar is a line of
text: a notebook that is saved, or run by a program, keeps these lines and nothing of what was drawn over.

`config.disable_interactive_logging()` sends that line to the log "eagerflow" instead of the standard output.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy

from eagerflow.base import notebook
from eagerflow.base.config import is_interactive_logging_enabled
from eagerflow.base.output import write
from eagerflow.cli.wrapping import in_parts

__all__ = ["Progbar"]

_NOTEBOOK_INTERVAL = 0.25  # seconds: a notebook may be far away
_NOTEBOOK_WIDTH = 10  # characters: a longer bar would make most lines too long for the page
_PATIENCE = 0.4  # seconds; a bar that is full by then is seen as a line only


class Progbar:
    """A progress bar for loops: shows the number of steps, the remaining time, and metrics.

    Args:
        target: the number of steps, None when unknown.
        width: the width of the bar in characters.
        verbose: 0: silent; 1: a bar; 2: one line at the end, without a bar.
        interval: the least number of seconds between two updates of the bar.
        stateful_metrics: names of values that are shown as they are; others are averaged over the steps, except in the
            last update.
        stateless_metrics: names of values that are averaged; others are shown as they are.
        unit_name: the word for a step.

    Attributes:
        redrawn: whether the bar is drawn before the last step, too.
        prefix: a text at the beginning of the line, where lines aren't redrawn and in notebooks.
        place: in a notebook, the place where the running bar is drawn; None elsewhere.

    Raises:
        ValueError: when both kinds of names are given.

    >>> bar = ef.utils.Progbar(2, verbose=2)
    >>> bar.update(1, [("loss", 0.5)])
    >>> bar.update(2, [("loss", 0.25)])
    2/2 - ...step - loss: 0.2500
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Progbar: pass stateful_metrics (others are averaged) or stateless_metrics (others are not), not both."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self.prefix = ""
        self.finalized = False
        self._start = time.perf_counter()
        self._stopped: float | None = None
        self._drawn = float("-inf")
        self._seen = 0
        self._sums: dict[str, list[float]] = {}
        self._length = 0
        self._last_line = ""  # that was drawn in a notebook
        self.redrawn = verbose == 1
        self.place: notebook.Place | None = None
        self._shares_place = False
        if self.redrawn and notebook.prints_here():
            self.draw_at(notebook.Place())
            self._shares_place = False

    def draw_at(self, place: notebook.Place) -> None:
        """In a notebook, draws the bar at a place that others use, too, once the loop has turned out to take a while.

        Args:
            place: the place in the notebook.
        """
        self.place, self._shares_place = place, True
        self.width, self.interval = min(self.width, _NOTEBOOK_WIDTH), max(self.interval, _NOTEBOOK_INTERVAL)
        self._drawn = time.perf_counter() + _PATIENCE - self.interval

    def due(self) -> bool:
        """Whether enough time has gone by to draw the bar again."""
        return self.redrawn and time.perf_counter() - self._drawn >= self.interval

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Sets the number of finished steps and draws the bar if it is due.

        Args:
            current: the number of finished steps.
            values: pairs of a name and a number.
            finalize: whether this is the last update; default: when `current` reaches the target.

        >>> bar = ef.utils.Progbar(2, verbose=2)
        >>> bar.update(1, [("loss", 0.5)])
        >>> bar.update(2, [("loss", 0.25)])
        2/2 - ...step - loss: 0.2500
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._remember(current, values or (), last=finalize)
        if self.verbose == 0 or self.finalized:
            return
        if finalize:
            self._finish(current)
        elif self.due():
            self._draw(self._line(current, finished=False))

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Advances the bar.

        Args:
            n: how many more steps are done.
            values: pairs of a name and a number.

        >>> bar = ef.utils.Progbar(4, verbose=2, stateful_metrics=["loss"])
        >>> bar.add(1, [("loss", 0.5)])
        >>> bar.add(3, [("loss", 0.25)])
        4/4 - ...step - loss: 0.2500
        """
        self.update(self._seen + n, values)

    def stop_clock(self) -> None:
        """Stops measuring the time of the steps."""
        self._stopped = time.perf_counter()

    def abandon(self) -> None:
        """Ends the line without finishing the bar, for loops that were interrupted."""
        if self.redrawn and self._length and not self.finalized:
            _write("\n" if self.place is None else self._last_line + "\n")
        if self.place is not None:
            self.place.clear()
        self.finalized = True

    def _remember(self, current: int, values: Iterable[tuple[str, Any]], last: bool) -> None:
        steps = max(1, current - self._seen)
        for name, given in values:
            value = _mean(given)
            if last or self._is_stateful(name) or not isinstance(value, float):
                self._sums[name] = [value, 1]
            elif name not in self._sums:
                self._sums[name] = [value * steps, steps]
            else:
                self._sums[name][0] += value * steps
                self._sums[name][1] += steps
        self._seen = current

    def _is_stateful(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name not in self.stateless_metrics
        return name in self.stateful_metrics

    def _finish(self, current: int) -> None:
        self.finalized = True
        if self.verbose == 1 and is_interactive_logging_enabled():
            line = self._line(current, finished=True)
            if self.place is not None:
                if not self._shares_place:
                    self.place.clear()
                _write(self._with_prefix(line) + "\n")
            elif self.redrawn:
                self._draw(in_parts(line), whole=True)
                _write("\n")
            else:
                _write(line + "\n")
        else:
            parts = [
                self.prefix,
                self._count(current),
                self._time(current, finished=True, joint=" - "),
                *self._values(),
            ]
            _write(in_parts(" - ".join(part for part in parts if part)) + "\n")

    def _line(self, current: int, finished: bool) -> str:
        bar = self._bar(current, finished)
        head = " ".join(part for part in (self._count(current), bar, self._time(current, finished)) if part)
        return " - ".join([head, *self._values()])

    def _with_prefix(self, line: str) -> str:
        return f"{self.prefix} {line}" if self.prefix else line

    def _count(self, current: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown" if not self.finalized else f"{current}/{current}"
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _bar(self, current: int, finished: bool) -> str:
        if self.target is None and not finished:
            return ""
        if finished and self.place is not None:
            return ""  # the line is text by now, and one that is broken at the page's edge is hard to read
        full, rest = _characters()
        done = self.width if finished else int(self.width * current / max(1, self.target or 1))
        return full * done + rest * (self.width - done)

    def _time(self, current: int, finished: bool, joint: str = " ") -> str:
        elapsed = (self._stopped or time.perf_counter()) - self._start
        per_step = elapsed / max(1, current)
        ahead = not finished and self.target is not None
        shown = per_step * ((self.target or 0) - current) if ahead else elapsed
        return f"{_clock(shown) if ahead else f'{shown:.0f}s'}{joint}{_per_step(per_step)}/{self.unit_name}"

    def _values(self) -> list[str]:
        found = []
        for name, (total, count) in self._sums.items():
            shown = total / count if isinstance(total, float) else total
            found.append(f"{name}: {_number(shown, signed=self.verbose == 2)}")
        return found

    def _draw(self, line: str, whole: bool = False) -> None:
        if self.place is not None:
            self._last_line = self._with_prefix(line)
            self.place.fill(self._last_line, notebook.pre(self._last_line))
            self._length, self._drawn = len(line), time.perf_counter()
            return
        width = shutil.get_terminal_size().columns - 1
        shown = line if whole or len(line) <= width else line[:width]  # a wrapped line can't be redrawn
        _write("\r" + shown.ljust(self._length))
        self._length = len(shown)
        self._drawn = time.perf_counter()


def redraws() -> bool:
    """True where a bar can be redrawn: terminals and notebooks."""
    if not is_interactive_logging_enabled():
        return False
    return notebook.prints_here() or bool(getattr(sys.stdout, "isatty", lambda: False)())


def _write(text: str) -> None:
    if not is_interactive_logging_enabled():
        logging.getLogger("eagerflow").info("%s", text.rstrip("\n"))
    else:
        write(text, sys.stdout)


def _characters() -> tuple[str, str]:
    """The bar's two characters, such as the output can show."""
    try:
        "━─".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "=", "-"
    return "━", "─"


def _mean(value: Any) -> Any:
    """A value as a float: lists and arrays by their mean; what is no number stays."""
    with contextlib.suppress(TypeError, ValueError):
        return float(value)
    try:
        return float(numpy.mean(value))
    except (TypeError, ValueError):
        return value


def _number(value: Any, signed: bool) -> str:
    """As Keras writes it, which doesn't look at the size of negative numbers on plain lines."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if (value if signed else abs(value)) > 1e-3 else f"{value:.4e}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _per_step(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"
