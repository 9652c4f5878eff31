"""Runs an unmodified script under the doctor's eyes, in this process."""

from __future__ import annotations

import ast
import os
import pathlib
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from eagerflow import compat
from viz.doctor.between_ranks import compare
from viz.doctor.crash import explain_crash
from viz.doctor.diagnosis import Diagnosis
from viz.doctor.finding import Finding
from viz.doctor.watcher import Watcher
from viz.shell.input_files import check_script
from viz.shell.script_errors import without_ours
from viz.shell.statuses import INTERRUPTED

__all__ = ["Examination", "examine"]

_KERAS = ("keras", "tensorflow")


class Examination(NamedTuple):
    """What running a script gave.

    Attributes:
        diagnosis: the findings.
        steps: how many training steps it made.
        failures: the doctor's own checks that failed.
        status: the script's exit status: 1 where it raised, 130 where Ctrl-C ended it.
        ended: how it ended, in words: "the script failed"; empty where it came to its end.
    """

    diagnosis: Diagnosis
    steps: int
    failures: list[tuple[str, Exception]]
    status: int = 0
    ended: str = ""

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
) -> Examination:
    """Run a script as `python SCRIPT` would, and watch it; scripts that import Keras mean eagerflow by it.

    An exception of the script's is printed as Python prints it, and ends only the script.

    Args:
        script: a Python file.
        arguments: what it finds in `sys.argv`.
        found: called with each finding as soon as it is made.
        ranks: the communicator of several ranks that run this script together; they find together, unless it crashes.
        ignored: kinds of findings that nobody wants to hear of.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it isn't a script, or for an unknown kind.
    """
    check_script(script)
    watcher = Watcher(found, ignored)
    kept = sys.argv, sys.path[:], compat.is_installed()
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    if not kept[2] and _imports_keras(pathlib.Path(script)):
        compat.install()
    try:
        with watcher:
            status, ended = _run(script, watcher)
    finally:
        sys.argv, sys.path[:] = kept[:2]
        if compat.is_installed() and not kept[2]:
            compat.uninstall()
    if ranks is not None and not status:
        compare(watcher, ranks)
    return Examination(Diagnosis(watcher.findings), watcher.step, watcher.failures, status, ended)


def _run(script: str, watcher: Watcher) -> tuple[int, str]:
    """Run it; its exit status, and how it ended in words, where that wasn't at its end."""
    try:
        runpy.run_path(os.path.abspath(script), run_name="__main__")
    except SystemExit as leaving:
        if leaving.code is not None and not isinstance(leaving.code, int):
            print(leaving.code, file=sys.stderr)
        status = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
        return status, f"the script left with status {status}" if status else ""
    except BaseException as error:  # noqa: BLE001  (the script's, whatever it is; what was found is told all the same)
        if isinstance(error, KeyboardInterrupt):
            watcher.interrupted = True
            return INTERRUPTED, "Ctrl-C ended the script"
        explain_crash(error, watcher)
        traceback.print_exception(without_ours(error, __file__))
        return 1, "the script failed"
    return 0, ""


def _imports_keras(script: pathlib.Path, depth: int = 1) -> bool:
    """Does the script, or a module beside it that it imports, import Keras or TensorFlow?"""
    try:
        roots = set(_imported(ast.parse(script.read_bytes())))
    except (SyntaxError, OSError, ValueError):  # running it will say so
        return False
    if roots & set(_KERAS):
        return True
    beside = [script.parent / f"{root}.py" for root in roots]
    return depth > 0 and any(path.is_file() and _imports_keras(path, depth - 1) for path in beside)


def _imported(tree: ast.Module) -> Iterator[str]:
    """The first parts of the names that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
