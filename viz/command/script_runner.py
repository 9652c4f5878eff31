"""Runs a script as `python` would, while it is recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from eagerflow import compat
from viz.shell import program
from viz.shell.signals import status_of

__all__ = ["run_script"]

R = TypeVar("R")


def run_script(
    script: str,
    arguments: Sequence[str],
    as_module: bool,
    listening: AbstractContextManager[R],
    failed: Callable[[BaseException], None] | None = None,
    quiet: tuple[type[BaseException], ...] = (),
) -> tuple[R, int]:
    """Run a script and record it, also when it fails. In it `import keras` and `import tensorflow` give eagerflow.

    Args:
        script: a file, or the name of a module.
        arguments: what it finds in `sys.argv`.
        as_module: is it a module?
        listening: what records, such as a `viz.Tracer`.
        failed: called with the exception that ended the script, after it was printed.
        quiet: exceptions that aren't printed, as the caller tells of them.

    Returns:
        What `listening` gave, such as the recording, and the script's exit status.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script.
    """
    with program.in_place(script, arguments, as_module), compat.on_demand(), listening as recording:
        status = _run(script, as_module, failed, quiet)
    return recording, status


def _run(
    script: str, as_module: bool, failed: Callable[[BaseException], None] | None, quiet: tuple[type[BaseException], ...]
) -> int:
    try:
        program.run(script, as_module)
    except SystemExit as leaving:
        return _status(leaving)
    except BaseException as error:  # noqa: BLE001  (the script's, whatever it is; what ran before is kept)
        if not isinstance(error, quiet):
            program.print_error(error, script, __file__)
        if failed is not None:
            failed(error)
        return status_of(error)
    return 0


def _status(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    print(leaving.code, file=sys.stderr)
    return 1
