"""Runs a script as `python` would, while it is recorded."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TypeVar

from eagerflow import compat
from viz.shell.in_the_way import own_modules
from viz.shell.input_files import check_script
from viz.shell.script_errors import without_ours
from viz.shell.terminal import paint

__all__ = ["check_script_file", "module_hint", "note_own_modules", "run_script", "wants_json"]

R = TypeVar("R")


def check_script_file(script: str) -> None:
    """Refuse what isn't there or isn't Python, and note files beside it with the names of our packages.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script.
    """
    check_script(script)
    note_own_modules(script)


def note_own_modules(script: str) -> None:
    """Say on stderr that files beside the script have the names of our packages, where it seems to import them."""
    for words in own_modules(script):
        print(f"{paint('note:', '33', sys.stderr)} {words}", file=sys.stderr)


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
    if not as_module:
        check_script(script, module_hint(script))
    kept = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.getcwd() if as_module else os.path.dirname(os.path.abspath(script)))
    status = 0
    try:
        if as_module:
            _check_module(script)
        with compat.on_demand(), listening as recording:
            status = _run(script, as_module, failed, quiet)
    finally:
        sys.argv, sys.path[:] = kept
    return recording, status


def module_hint(name: str) -> str:
    """What to add where there is no such script: how a module is run, if it may be the name of one."""
    may_be = name.replace(".", "").isidentifier() and not name.endswith(".py")
    return f"; for a module use: viz run -m {name}" if may_be else ""


def _check_module(name: str) -> None:
    """Refuse a name of which nothing is there, as `python -m` does."""
    package = name.partition(".")[0]
    if not package or find_spec(package) is None:
        raise FileNotFoundError(f"there is no module {name!r} here, nor among installed packages")


def _run(
    script: str, as_module: bool, failed: Callable[[BaseException], None] | None, quiet: tuple[type[BaseException], ...]
) -> int:
    try:
        if as_module:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(os.path.abspath(script), run_name="__main__")
    except SystemExit as leaving:
        return _status(leaving)
    except BaseException as error:  # noqa: BLE001  (the script's, whatever it is; what ran before is kept)
        if not isinstance(error, quiet):
            traceback.print_exception(without_ours(error, __file__))
        if failed is not None:
            failed(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _status(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    print(leaving.code, file=sys.stderr)
    return 1


def wants_json(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether `--json` stands behind a script's name too, and the arguments that remain for the script.

    What follows `--` is the script's in any case: `viz doctor train.py -- --json`.
    """
    given = list(arguments)
    at = given.index("--") if "--" in given else len(given)
    ours, theirs = given[:at], given[at + 1 :]
    return "--json" in ours, [each for each in ours if each != "--json"] + theirs
