"""Runs an unmodified script until its first training step, and ends it there."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Sequence

from eagerflow import compat
from eagerflow.core.observe import Observer, observing
from viz.recorder.source_lines import is_internal
from viz.shell import program
from viz.trial.first_step import FirstStep, FirstStepWatch, Stop
from viz.trial.held_titles import without_last_title
from viz.trial.writes_apart import WritesApart

__all__ = ["Stopped", "how_it_failed", "run_until_first_step", "run_watched", "why_no_step"]

_LINES = 3  # of a message: what was wrong, and where it was called
_INSTALLED = tuple([sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")])


class Stopped:
    """How a script ended.

    Attributes:
        reached: did it come to the step (or whatever raised `Stop`)?
        error: what ended it before, or None.
        status: its exit status, where it left by `sys.exit`.
        said: what it left with instead of a number, which Python prints.
        written: files that it wrote, which are gone.
    """

    def __init__(self) -> None:
        self.reached = False
        self.error: BaseException | None = None
        self.status = 0
        self.said = ""
        self.written: list[str] = []


def run_until_first_step(
    script: str,
    arguments: Sequence[str],
    reached: Callable[[FirstStep], bool | None],
    others: Iterable[Observer] = (),
    as_module: bool = False,
) -> Stopped:
    """Run a script as `python SCRIPT` would, until its first training step is about to begin.

    Nothing it writes until then stays; see `WritesApart`. In it `import keras` and `import tensorflow` give eagerflow.

    Args:
        script: a Python file, or the name of a module.
        arguments: what it finds in `sys.argv`.
        reached: called with the step; then the script ends, unless this is True.
        others: who else listens.
        as_module: is it a module?

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script.
    """

    def stop(step: FirstStep) -> None:
        if not reached(step):
            raise Stop

    with without_last_title() as held:
        stopped = run_watched(script, arguments, [*others, FirstStepWatch(stop)], as_module)
        if not stopped.reached:
            held.release()
    return stopped


def run_watched(
    script: str, arguments: Sequence[str], observers: Iterable[Observer], as_module: bool = False
) -> Stopped:
    """Run a script while these listen, until it ends or one of them raises `Stop`; nothing it writes stays.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script.
    """
    stopped = Stopped()
    with program.in_place(script, arguments, as_module), contextlib.ExitStack() as stack:
        stack.enter_context(compat.on_demand())
        if "MPLBACKEND" not in os.environ:  # a window would wait for somebody to close it
            os.environ["MPLBACKEND"] = "Agg"
            stack.callback(os.environ.pop, "MPLBACKEND", None)
        apart = stack.enter_context(WritesApart())
        for observer in observers:
            stack.enter_context(observing(observer))
        _run(script, as_module, stopped)
    stopped.written = apart.written
    return stopped


def _run(script: str, as_module: bool, stopped: Stopped) -> None:
    try:
        program.run(script, as_module)
    except Stop:
        stopped.reached = True
    except SystemExit as leaving:
        if leaving.code is not None and not isinstance(leaving.code, int):
            stopped.said = str(leaving.code)
            print(stopped.said, file=sys.stderr)
        stopped.status = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    except KeyboardInterrupt:  # which ends the command, too
        raise
    except BaseException as error:  # noqa: BLE001  (the script's, whatever it is)
        stopped.error, stopped.status = error, 1
        program.print_error(error, script, __file__)


def how_it_failed(stopped: Stopped) -> str:
    """In words that follow on "it": what a script raised and on which line of the user's, or how it left."""
    if stopped.error is None:
        return f"left with status {stopped.status}{f': {stopped.said}' if stopped.said else ''}"
    trail = traceback.extract_tb(stopped.error.__traceback__)
    lines = [each for each in trail if not is_internal(each.filename) and not each.filename.startswith(_INSTALLED)]
    at = f" at {os.path.basename(lines[-1].filename)}:{lines[-1].lineno}" if lines else ""
    said = "\n".join([str(stopped.error).strip(), *getattr(stopped.error, "__notes__", ())])
    message = "\n".join(said.strip().splitlines()[:_LINES])
    return f"raised {type(stopped.error).__name__}{at}{f': {message}' if message else ''}"


def why_no_step(stopped: Stopped) -> str:
    """In words, why a script that should have been stopped at its first training step wasn't."""
    if stopped.error is not None:
        return f"the script failed before it trained: {type(stopped.error).__name__}"
    if stopped.status:
        return f"the script failed before it trained: it left with status {stopped.status}"
    return "no training step of eagerflow ran; is the model trained by this script?"
