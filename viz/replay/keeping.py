"""Keeping the last steps of a program: where they are written, when, and what is said of it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from eagerflow.base.output import write as write_text
from eagerflow.core.observe import observing
from viz.boundary import boundary
from viz.facts.formatting import nbytes as as_bytes
from viz.replay.encode import encoded
from viz.replay.file import write
from viz.replay.ring import Ring

__all__ = ["Keeping", "keep_step"]

_CAUSES = {
    "nan": "its loss is NaN or infinite",
    "raised": "it raised",
    "spike": "its loss is far beyond those before",
    "ended": "the program raised after it",
    "asked": "it was asked for",
}
_SIGNAL = getattr(signal, "SIGUSR1", None)  # Windows has none
_open: list[Keeping] = []


class Keeping:
    """Within `with Keeping(3, "train.efr"):` the last steps are held, and written when something goes wrong.

    Args:
        keep: how many steps, at least 1.
        path: the file. Where a second thing goes wrong, its name stands in that of its file: `train.spike.efr`.
        script: the name of the program.
        say: is given lines about what happens; default: prints them to stderr.
    """

    def __init__(
        self, keep: int, path: str | os.PathLike[str], script: str = "", say: Callable[[str], None] | None = None
    ) -> None:
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ValueError(f"keep={keep!r:.60}: expected a number of steps of at least 1")
        self.path, self.script = pathlib.Path(path), script
        self._place = pathlib.Path(os.path.abspath(path))  # the program may go to another folder while they are held
        self.say = say or (lambda line: write_text(f"{line}\n", sys.stderr))
        self.ring = Ring(keep, self._write, self._tell)
        self.written: list[tuple[pathlib.Path, str]] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Keeping:
        self._stack.enter_context(observing(self.ring))
        self._stack.enter_context(_asked_by_signal(self.ring))
        _open.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()
        _open.remove(self)
        if error is not None:
            self.ring.fail(error)
        self.ring.write_asked()

    def _tell(self, ring: Ring) -> None:
        """Say what it takes, once sizes are known."""
        most = ring.most_steps * ring.step_bytes
        held, file = ring.most_states * ring.state_bytes + most, 2 * ring.state_bytes + most + ring.text_bytes
        steps = f"last {ring.keep} steps are" if ring.keep > 1 else "last step is"
        by_signal = f", or on kill -USR1 {os.getpid()}" if _SIGNAL is not None else ""
        self.say(
            f"viz: the {steps} held (at most {as_bytes(held)} of memory) and written to {self.path} (at most "
            f"{as_bytes(file)}) when a step makes NaN or raises, its loss spikes or the program raises, on "
            f"viz.keep_step(){by_signal}"
        )

    def _write(self, ring: Ring, cause: str) -> None:
        step = ring.segments[-1].steps[-1]
        meta = {"script": os.path.basename(self.script)[:200], "message": _CAUSES[cause], "step": step.number}
        path = self._path_for(cause, step.number)
        try:
            write(encoded(ring, cause, meta), self._place.with_name(path.name))
        except Exception as error:  # noqa: BLE001  (a full disk, an array that can't be written: the training goes on)
            self.say(f"viz: the steps could not be kept: {error}")
            return
        self.written.append((path, cause))
        self.say(
            f"viz: step {step.number} was kept in {path} because {_CAUSES[cause]}; "
            f"next: viz replay {shlex.quote(str(path))}"
        )

    def _path_for(self, cause: str, number: int) -> pathlib.Path:
        if not self.written:
            return self.path
        return self.path.with_name(
            f"{self.path.stem}.{f'step{number}' if cause == 'asked' else cause}{self.path.suffix}"
        )


@contextlib.contextmanager
def _asked_by_signal(ring: Ring) -> Any:
    """Within, a signal asks for the steps, where the program has no use of its own for it."""
    free = threading.current_thread() is threading.main_thread()
    if _SIGNAL is None or not free or signal.getsignal(_SIGNAL) is not signal.SIG_DFL:
        yield
        return

    def asked(number: int, frame: FrameType | None) -> None:
        ring.ask()

    signal.signal(_SIGNAL, asked)
    try:
        yield
    finally:
        if signal.getsignal(_SIGNAL) is asked:
            signal.signal(_SIGNAL, signal.SIG_DFL)


@boundary
def keep_step() -> None:
    """Saves the last training steps to files, in a program that is run by `viz run --keep 3 train.py`.

    They are written when the running step ends, so that it is one of them; if it is called between two steps, at the
    end of the next one; if no step follows, at the end of the program. In a program that is run in another way, it does
    nothing, so the call may stay in a script.

    >>> import viz
    >>> viz.keep_step()
    """
    for keeping in _open:
        keeping.ring.ask()
