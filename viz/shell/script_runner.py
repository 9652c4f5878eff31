"""Runs a script as `python` would, while something listens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from eagerflow import compat
from viz.shell.program import Script, print_error
from viz.shell.signals import status_of

__all__ = ["run_script"]

R = TypeVar("R")


def run_script(
    script: Script,
    listening: AbstractContextManager[R],
    failed: Callable[[BaseException], None] | None = None,
    quiet: tuple[type[BaseException], ...] = (),
) -> tuple[R, int]:
    """Run a script; in it `import keras` and `import tensorflow` give eagerflow.

    Args:
        script: what to run.
        listening: what records, such as a `viz.Tracer`.
        failed: called with the exception that ended the script, after it was printed (`SystemExit` where it is quiet).
        quiet: exceptions that aren't printed, as the caller reports them.

    Returns:
        What `listening` gave, such as the recording, and the script's exit status.
    """
    status = 0
    with script.in_place(), compat.on_demand(), listening as heard:
        try:
            script.run()
        except BaseException as error:  # noqa: BLE001  (the script's, whatever it is; what ran before is kept)
            status = _status(error)
            if not isinstance(error, (SystemExit, *quiet)):
                print_error(error, script.path, __file__)
            if failed is not None and (not isinstance(error, SystemExit) or SystemExit in quiet):
                failed(error)
    return heard, status


def _status(error: BaseException) -> int:
    """The exit status of a script that raised this; what it left with instead of a number is printed."""
    if not isinstance(error, SystemExit):
        return status_of(error)
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1
