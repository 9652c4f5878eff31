"""Runs an unmodified script until its first training step, and ends it there."""

from __future__ import annotations

import contextlib
import os
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from eagerflow.core.observe import Observer, observing
from viz import frameworks
from viz.dry_run.first_step import FirstStep, FirstStepWatch, Stop
from viz.dry_run.writes_apart import WritesApart
from viz.recorder.listening import Listening
from viz.recorder.source_lines import is_internal
from viz.shell.program import Script
from viz.shell.script_runner import run_script

__all__ = ["Stopped", "run_until_first_step", "run_watched"]

_INSTALLED = tuple([sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")])


class Stopped:
    """How a script ended."""

    def __init__(self) -> None:
        self.reached = False  # did it come to the step (or whatever raised `Stop`)?
        self.error: BaseException | None = None  # what ended it before, or None
        self.status = 0  # its exit status
        self.written: list[str] = []  # files that it wrote, which are gone

    def hear(self, error: BaseException) -> None:
        """The script raised this."""
        if isinstance(error, KeyboardInterrupt):  # which ends the command, too
            raise error
        self.reached = isinstance(error, Stop)
        self.error = None if self.reached else error

    def __str__(self) -> str:
        """In words that follow on "it": what a script raised and on which line of the user's, or how it left."""
        if self.error is None or isinstance(self.error, SystemExit):
            said = getattr(self.error, "code", None)
            return f"left with status {self.status}{f': {said}' if isinstance(said, str) else ''}"
        trail = traceback.extract_tb(self.error.__traceback__)
        lines = [each for each in trail if not is_internal(each.filename) and not each.filename.startswith(_INSTALLED)]
        at = f" at {os.path.basename(lines[-1].filename)}:{lines[-1].lineno}" if lines else ""
        said = "\n".join([str(self.error).strip(), *getattr(self.error, "__notes__", ())])
        message = "\n".join(said.strip().splitlines()[:3])  # what was wrong, and where it was called
        return f"raised {type(self.error).__name__}{at}{f': {message}' if message else ''}"

    @property
    def why_no_step(self) -> str:
        """Why a script that should have been stopped at its first training step wasn't."""
        if not self.status:
            return "no training step of eagerflow or PyTorch ran; is the model trained by this script?"
        left = self.error is None or isinstance(self.error, SystemExit)
        how = f"it left with status {self.status}" if left else type(self.error).__name__
        return f"the script failed before it trained: {how}"


def run_until_first_step(
    script: Script,
    reached: Callable[[FirstStep], bool | None],
    others: Iterable[Any] = (),
    elsewhere: Callable[[], Observer] | None = None,
) -> Stopped:
    """Run a script as `python SCRIPT` would, until its first training step is about to begin; `others` listen, too.

    `elsewhere` makes what listens to another framework, and ends the script itself.
    """

    def stop(step: FirstStep) -> None:
        if not reached(step):
            raise Stop

    return run_watched(script, [*others, FirstStepWatch(stop)], elsewhere)


def run_watched(script: Script, hearers: Iterable[Any], elsewhere: Callable[[], Observer] | None = None) -> Stopped:
    """Run a script while these listen, until it ends or one of them raises `Stop`.

    Nothing it writes stays; see `WritesApart`.
    """
    stopped = Stopped()
    with _without_windows(), WritesApart() as apart:
        quiet = (Stop, SystemExit, KeyboardInterrupt)
        _, stopped.status = run_script(script, _observed_by(hearers, elsewhere), stopped.hear, quiet)
    stopped.status = 0 if stopped.reached else stopped.status
    stopped.written = apart.written
    return stopped


@contextlib.contextmanager
def _observed_by(hearers: Iterable[Any], elsewhere: Callable[[], Observer] | None) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        if elsewhere is not None:
            stack.enter_context(frameworks.observing(Listening(elsewhere=elsewhere)))
        for hearer in hearers:
            stack.enter_context(observing(Listening.to(hearer)))
        yield


@contextlib.contextmanager
def _without_windows() -> Iterator[None]:
    """Within, Matplotlib opens no window, which would wait for somebody to close it."""
    if "MPLBACKEND" in os.environ:
        yield
        return
    os.environ["MPLBACKEND"] = "Agg"
    try:
        yield
    finally:
        os.environ.pop("MPLBACKEND", None)
