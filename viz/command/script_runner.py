"""Runs a script as `python` would, while it is recorded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from eagerflow import compat
from viz.shell import program
from viz.shell.in_the_way import own_modules
from viz.shell.input_files import check_script
from viz.shell.signals import status_of
from viz.shell.terminal import paint

__all__ = ["check_given", "check_script_file", "module_hint", "run_script"]

R = TypeVar("R")


def check_given(options: argparse.Namespace) -> None:
    """The same as `check_script_file`, of what a command was given (see `Parser.add_script`); modules are welcome.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script.
    """
    if options.module:
        program.check_module(options.script)
        note_own_modules(program.file_of(options.script, True))
        return
    check_script_file(options.script, module_hint(options))


def module_hint(options: argparse.Namespace) -> str:
    """What to add where there is no such script: how a module is run, if it is the name of one, or its folder."""
    name = program.module_at(options.script)
    return f"; for a module use: {options.prog} -m {name}" if name else ""


def check_script_file(script: str, without: str = "") -> None:
    """Refuse what isn't there or isn't Python, and note files beside it with the names of our packages.

    Args:
        script: its name.
        without: what to add where there is no such file.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script.
    """
    check_script(script, without)
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
