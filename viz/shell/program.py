"""What a command runs, a script or (behind `-m`) a module, as `python` would."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import pathlib
import runpy
import shlex
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module

from viz.shell.script_errors import without_ours
from viz.shell.signals import Ended, in_its_words
from viz.shell.terminal import paint

__all__ = ["check_kept", "check_program", "in_place", "name_of", "print_error", "rerun", "run"]

_OTHER_FRAMEWORKS = ("torch", "jax", "mxnet", "paddle")


def name_of(program: str, as_module: bool = False) -> str:
    """What recordings and other files of a program are named after.

    Args:
        program: a file, or the name of a module.
        as_module: is it a module?

    >>> name_of("runs/train.py"), name_of("pkg.train", True), name_of("pkg.__main__", True)
    ('train', 'train', 'pkg')
    """
    if not as_module:
        return pathlib.Path(program).stem
    return program.removesuffix(".__main__").rpartition(".")[2]


def rerun(command: str, options: argparse.Namespace) -> str:
    """Another command for the script that this one ran, with its arguments, as one that can be copied.

    Args:
        command: its name, with options of its own if it needs any.
        options: those of this command; see `Parser.add_script`.

    >>> rerun("nonfinite", argparse.Namespace(script="my train.py", module=False, arguments=["--lr", "0.1"]))
    "viz nonfinite 'my train.py' --lr 0.1"
    """
    return shlex.join(["viz", *command.split(), *["-m"] * bool(options.module), options.script, *options.arguments])


def check_program(program: str, as_module: bool = False) -> None:
    """Refuse what Python couldn't run, before anything is written.

    Args:
        program: a file, or the name of a module.
        as_module: is it a module?

    Raises:
        FileNotFoundError: when there is no such file or module.
        ValueError: when it isn't a script.
    """
    scripts = import_module("eagerflow.cli.scripts")
    if as_module:
        wrong = scripts.not_a_module(program)
        if wrong:
            raise FileNotFoundError(wrong)
        return
    if not os.path.exists(program):
        cure = "; a script is read from a file, not from the input" if program == "-" else scripts.meant_script(program)
        raise FileNotFoundError(f"there is no script {program!r}{cure}")
    wrong = scripts.not_a_script(program)
    if wrong and not program.lower().endswith((".pyc", ".pyz", ".zip")):  # which Python runs, too
        raise ValueError(wrong)


def check_kept(read: str, written: str | os.PathLike[str]) -> None:
    """Refuse to write over the file that is read.

    Raises:
        ValueError: when both are the same.
    """
    if os.path.realpath(written) == os.path.realpath(read):
        raise ValueError(f"{os.fspath(written)!r} would be written over what is read; give another name for the output")


@contextlib.contextmanager
def in_place(program: str, arguments: Sequence[str], as_module: bool = False) -> Iterator[None]:
    """Within, arguments and the first folder of the path are where `python` puts them.

    Args:
        program: a file, or the name of a module.
        arguments: what it finds in `sys.argv`.
        as_module: is it a module?

    Raises:
        FileNotFoundError: when there is no such file or module.
        ValueError: when it isn't a script.
    """
    check_program(program, as_module)
    kept = sys.argv, sys.path[:]
    sys.argv = [program, *arguments]
    sys.path.insert(0, os.getcwd() if as_module else os.path.dirname(os.path.abspath(program)))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = kept


def run(program: str, as_module: bool = False) -> None:
    """Run it as `__main__`, which must be `in_place`; what it raises is raised.

    Afterwards the current folder is the one from before: names of files that a command was given count from there. The
    functions that the program registered by `atexit` find the folder that it had gone to.
    """
    try:
        with _same_folder():
            if as_module:
                runpy.run_module(program, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(os.path.abspath(program), run_name="__main__")
    except KeyboardInterrupt as error:
        raise in_its_words(error) from None


@contextlib.contextmanager
def _same_folder() -> Iterator[None]:
    before = _folder()
    try:
        yield
    finally:
        after = _folder()
        if before != after:
            _go_to(before)
            atexit.register(_go_to, after)  # what is registered last is called first: before the program's functions


def _folder() -> str | None:
    """The current folder; None where it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _go_to(folder: str | None) -> None:
    if folder is not None:
        with contextlib.suppress(OSError):  # the program may have removed it
            os.chdir(folder)


def print_error(error: BaseException, program: str, ours: str) -> None:
    """Print what ended a program as Python does, and what to do about it where the command line can tell.

    Args:
        error: what it raised.
        program: the file or module.
        ours: the file that ran it, which the traceback leaves out.
    """
    if isinstance(error, Ended):  # where it was just then says nothing
        return
    traceback.print_exception(without_ours(error, ours, __file__))
    if isinstance(error, ImportError) and "attempted relative import with no known parent" in str(error):
        hints = [import_module("eagerflow.cli.scripts").as_module(program)]
    else:
        hints = _of_other_frameworks(error)
    for hint in hints:
        print(f"{paint('note:', '33', sys.stderr)} {hint}", file=sys.stderr)


def _of_other_frameworks(error: BaseException) -> list[str]:
    """What to say where a script needs a framework that isn't installed, and whose programs viz can't watch.

    >>> _of_other_frameworks(ModuleNotFoundError("No module named 'json2'", name="json2"))
    []
    """
    name = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
    if name not in _OTHER_FRAMEWORKS:
        return []
    return [f"viz watches what Keras or eagerflow computes in a script; it doesn't see what {name} computes"]
