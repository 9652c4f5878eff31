"""Running a script as `python SCRIPT` would, with `import keras` and `import tensorflow` meaning eagerflow."""

from __future__ import annotations

import importlib.util
import io
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from eagerflow import _viz
from eagerflow.cli import scripts
from eagerflow.cli.statuses import ended, failed
from eagerflow.compat.importer import install, without_ours

__all__ = ["run_module", "run_script"]


def run_script(script: str, arguments: Sequence[str] = (), as_keras: bool = True) -> int:
    """Run a file as the program: its name is `__main__`, its folder is first on the path.

    Args:
        script: the file.
        arguments: what it finds in `sys.argv[1:]`.
        as_keras: `import keras` and `import tensorflow` mean eagerflow.

    Returns:
        The exit code: 0, 1 after an exception (whose traceback was printed), 2 when the file can't be read,
        130 after Ctrl-C.

    Raises:
        SystemExit: when the script does.
    """
    try:
        wrong = scripts.not_a_script(script)
        if wrong and os.path.exists(script):
            return failed("run", wrong)
        source = _read(script)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            return failed("run", f"there is no script {script!r}{scripts.meant_script(script)}")
        return ended("run", error)
    if as_keras:
        install()
    _put_first_on_path(Path(script).resolve().parent)
    sys.argv[:] = [script, *arguments]
    path = os.path.abspath(script)  # as Python does, or the script finds no files of its folder after os.chdir
    main = _main_module(path)
    return _status(lambda: exec(compile(source, path, "exec", dont_inherit=True), main.__dict__), script)


def run_module(module: str, arguments: Sequence[str] = (), as_keras: bool = True) -> int:
    """Run a module as `python -m` would.

    Args:
        module: its name; of a package, its `__main__` is run.
        arguments: what it finds in `sys.argv[1:]`.
        as_keras: `import keras` and `import tensorflow` mean eagerflow.

    Returns:
        The exit code, as of `run_script`.
    """
    _put_first_on_path(Path.cwd())
    wrong = scripts.not_a_module(module)
    if wrong:
        return failed("run", wrong)
    if as_keras:
        install()
    sys.argv[:] = [module, *arguments]
    return _status(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))


def _status(run: Callable[[], Any], script: str = "") -> int:
    """The exit code of a program, whose exception is printed as Python does; `script` is its file, if it is one."""
    try:
        run()
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - it is the script's, and printed as Python does
        error.__traceback__ = without_ours(_of_the_script(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        if script and isinstance(error, ImportError) and scripts.NO_PARENT in str(error):
            print(f"note: {scripts.as_module(script)}", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _read(script: str) -> bytes:
    with io.open_code(str(Path(script).absolute())) as file:
        return file.read()


def _put_first_on_path(folder: Path) -> None:
    """`python -m` put the current folder there, `python SCRIPT` puts the script's."""
    ours = str(Path(__file__).parents[2])
    if sys.path:
        sys.path[0] = str(folder)
    else:
        sys.path.append(str(folder))
    _viz.note_own_file()
    if ours not in sys.path and importlib.util.find_spec(_viz.NAME) is None:
        sys.path.append(ours)  # a checkout that was found through the current folder


def _main_module(script: str) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__ = script
    module.__loader__ = SourceFileLoader("__main__", script)
    module.__dict__["__cached__"] = None
    sys.modules["__main__"] = module
    return module


def _of_the_script(trace: TracebackType | None) -> TracebackType | None:
    """Without the frames of this file, which the user didn't write; all of them where nothing else is left."""
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename in (__file__, "<frozen runpy>", runpy.__file__):
        inner = inner.tb_next
    return inner
