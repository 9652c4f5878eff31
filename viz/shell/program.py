"""`Script`: what a command runs, a file or (after `-m`) a module, as `python` would."""

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
from types import TracebackType
from typing import NamedTuple

from viz.shell.signals import Ended, in_its_words
from viz.shell.terminal import paint

__all__ = ["Script", "check_kept", "print_error"]

_OTHER_FRAMEWORKS = ("jax", "mxnet", "paddle")


class Script(NamedTuple):
    """What a command runs.

    >>> Script("runs/train.py").name, Script("pkg.train", (), True).name, Script("pkg.__main__", (), True).name
    ('train', 'train', 'pkg')
    >>> Script("my train.py", ["--lr", "0.1"]).rerun("nonfinite")
    "viz nonfinite 'my train.py' --lr 0.1"
    """

    path: str
    arguments: Sequence[str] = ()  # what it finds in `sys.argv`
    as_module: bool = False  # is it a module?

    @classmethod
    def of(cls, options: argparse.Namespace) -> Script:
        """The script of a command's options (see `Parser.add_script`), which Python can run."""
        script = cls(options.script, options.arguments, options.module)
        script.check()
        return script

    @property
    def name(self) -> str:
        """What recordings and other files of it are named after."""
        if not self.as_module:
            return pathlib.Path(self.path).stem
        return self.path.removesuffix(".__main__").rpartition(".")[2]

    def rerun(self, command: str) -> str:
        """Another command for it, with its arguments, as one that can be copied."""
        return shlex.join(["viz", *command.split(), *["-m"] * self.as_module, self.path, *self.arguments])

    def check(self) -> None:
        """Refuse what Python couldn't run, before anything is written; raises as `of` does."""
        scripts = import_module("eagerflow.cli.scripts")
        if self.as_module:
            wrong = scripts.not_a_module(self.path)
            if wrong:
                raise FileNotFoundError(wrong)
            return
        if not os.path.exists(self.path):
            advice = scripts.meant_script(self.path)
            cure = "; a script is read from a file, not from the input" if self.path == "-" else advice
            raise FileNotFoundError(f"there is no script {self.path!r}{cure}")
        wrong = scripts.not_a_script(self.path)
        if wrong and not self.path.lower().endswith((".pyc", ".pyz", ".zip")):  # which Python runs, too
            raise ValueError(wrong)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Within, arguments and the first folder of the path are where `python` puts them; raises as `of` does."""
        self.check()
        kept = sys.argv, sys.path[:]
        sys.argv = [self.path, *self.arguments]
        sys.path.insert(0, os.getcwd() if self.as_module else os.path.dirname(os.path.abspath(self.path)))
        try:
            yield
        finally:
            sys.argv, sys.path[:] = kept

    def run(self) -> None:
        """Run it as `__main__`, which must be `in_place`; what it raises is raised.

        Afterwards the current folder is the one from before: names of files that a command was given count from there.
        The functions that the program registered by `atexit` find the folder that it had gone to.
        """
        try:
            with _same_folder():
                if self.as_module:
                    runpy.run_module(self.path, run_name="__main__", alter_sys=True)
                else:
                    runpy.run_path(os.path.abspath(self.path), run_name="__main__")
        except KeyboardInterrupt as error:
            raise in_its_words(error) from None


def check_kept(read: str, written: str | os.PathLike[str]) -> None:
    """Refuse to write over the file that is read."""
    if os.path.realpath(written) == os.path.realpath(read):
        raise ValueError(f"{os.fspath(written)!r} would be written over what is read; give another name for the output")


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


# ---------------------------------------------------------------------- errors


def print_error(error: BaseException, program: str, ours: str) -> None:
    """Print what ended a program as Python does, and what to do about it where the command line can tell."""
    if isinstance(error, Ended):  # where it was just then says nothing
        return
    traceback.print_exception(_from_script_on(error, ours))
    if isinstance(error, ImportError) and "attempted relative import with no known parent" in str(error):
        hints = [import_module("eagerflow.cli.scripts").as_module(program)]
    else:
        hints = _of_other_frameworks(error)
    for hint in hints:
        print(f"{paint('note:', '33', sys.stderr)} {hint}", file=sys.stderr)


def _of_other_frameworks(error: BaseException) -> list[str]:
    """What to say where a script needs another framework that isn't installed."""
    name = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
    if name == "torch":
        return ["install PyTorch into the environment that runs viz: pip install torch"]
    if name not in _OTHER_FRAMEWORKS:
        return []
    return [f"viz watches what Keras or eagerflow computes in a script; it doesn't see what {name} computes"]


def _from_script_on(error: BaseException, ours: str) -> BaseException:
    """The error, its traceback without what ran the script, and what stands behind its `import keras`."""
    trail: TracebackType | None = error.__traceback__
    while trail is not None and trail.tb_next is not None and _ran_script(trail, ours):
        trail = trail.tb_next
    if isinstance(error, SyntaxError) and trail is not None and _ran_script(trail, ours):
        trail = None  # its own words name the script's line
    importer = sys.modules.get("eagerflow.compat.importer")
    return error.with_traceback(trail if importer is None else importer.without_ours(trail))


def _ran_script(trail: TracebackType, ours: str) -> bool:
    file = trail.tb_frame.f_code.co_filename
    return file in (ours, __file__) or "runpy" in file
