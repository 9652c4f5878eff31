"""Runs an unmodified script under the doctor's eyes, in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eagerflow import compat
from viz.doctor.between_ranks import compare
from viz.doctor.crash import explain_crash
from viz.doctor.diagnosis import Diagnosis
from viz.doctor.finding import Finding
from viz.doctor.watcher import Watcher
from viz.shell.float_warnings import without_float_warnings
from viz.shell.program import Script, print_error
from viz.shell.signals import status_of
from viz.shell.statuses import ended

__all__ = ["Examination", "examine"]


class Examination(NamedTuple):
    """What running a script gave.

    Attributes:
        diagnosis: the findings.
        steps: how many training steps it made, as recordings count them.
        trainings: in how many trainings.
        failures: the doctor's own checks that failed.
        status: the script's exit status: 1 where it raised, 130 where Ctrl-C ended it, 143 where SIGTERM did.
        ended: how it ended, in words: "the script failed"; empty where it came to its end.
    """

    diagnosis: Diagnosis
    steps: int
    failures: list[tuple[str, Exception]]
    status: int = 0
    ended: str = ""
    trainings: int = 1

    @property
    def crashed(self) -> bool:
        """Did an exception, or an exit status other than 0, end it?"""
        return bool(self.status)


def examine(
    script: str,
    arguments: Sequence[str] = (),
    found: Callable[[Finding], None] | None = None,
    ranks: Any = None,
    ignored: Sequence[str] = (),
    as_module: bool = False,
) -> Examination:
    """Run a script as `python SCRIPT` would, and watch it; scripts that import Keras mean eagerflow by it.

    An exception of the script's is printed as Python prints it, and ends only the script.

    Args:
        script: a Python file, or the name of a module.
        arguments: what it finds in `sys.argv`.
        found: called with each finding as soon as it is made.
        ranks: the communicator of several ranks that run this script together; they find together, unless it crashes.
        ignored: kinds of findings that nobody wants to hear of.
        as_module: is it a module?

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script, or for an unknown kind.
    """
    watcher, program = Watcher(found, ignored), Script(script, arguments, as_module)
    with program.in_place(), compat.on_demand(), without_float_warnings(), watcher:
        status, ended = _run(program, watcher)
    if ranks is not None and not status:
        compare(watcher, ranks)
    count = sum(training.step > 0 for training in watcher.trainings)
    return Examination(
        Diagnosis(watcher.findings), watcher.steps.trained, watcher.failures, status, ended, max(1, count)
    )


def _run(script: Script, watcher: Watcher) -> tuple[int, str]:
    """Run it; its exit status, and how it ended in words, where that wasn't at its end."""
    try:
        script.run()
    except SystemExit as leaving:
        if leaving.code is not None and not isinstance(leaving.code, int):
            print(leaving.code, file=sys.stderr)
        status = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
        return status, f"the script left with status {status}" if status else ""
    except BaseException as error:  # noqa: BLE001  (the script's, whatever it is; what was found is told all the same)
        if isinstance(error, KeyboardInterrupt):
            watcher.interrupted = True
            return status_of(error), ended(status_of(error))
        explain_crash(error, watcher)
        print_error(error, script.path, __file__)
        return 1, "the script failed"
    return 0, ""
