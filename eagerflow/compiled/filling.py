"""`python -m eagerflow compile`: makes the machine code of all kernels, and lets this user's programs use it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from eagerflow.base.output import program
from eagerflow.cli.statuses import CANNOT, failed
from eagerflow.compiled import beaten, choice, store
from eagerflow.compiled.building import CannotCompile
from eagerflow.compiled.kernel import KERNELS
from eagerflow.compiled.provider import FILES
from eagerflow.kernels.machine import speeds

__all__ = ["complete", "fill", "fill_in_background", "wanted"]

_LOCK = "filling"
_OLD = 600  # seconds after which the one who holds the lock is taken for dead
_NO_ROOM = "{} can't be written to, or isn't this user's alone"
_PAUSE = 0.2  # seconds between two looks at the lock


def wanted() -> list[tuple[str, str]]:
    """All kernels, each with the float types that it is for."""
    for name in FILES:
        import_module(f"eagerflow.compiled.twins.{name}")
    return [(name, dtype) for name, kernel in KERNELS.items() for dtype in kernel.dtypes]


def fill(use: bool | None, quiet: bool = False) -> int:
    """Make what isn't there yet; the exit code.

    Args:
        use: whether programs of this user are to use compiled kernels from now on; None: as before.
        quiet: print nothing but faults.
    """
    say: Callable[[str], object] = (lambda text: None) if quiet else print
    if use is False:
        choice.mark(False)
        say("Programs use the plain kernels again.")
        return 0
    if choice.missing():
        needed = " and ".join(choice.missing())
        return failed("compile", f"needs {needed}; 'eagerflow[fast]' brings both. Fix: {choice.INSTALL}", CANNOT)
    if not store.takes_files():  # minutes of work would be lost
        return failed("compile", _NO_ROOM.format(store.folder()))
    began = time.perf_counter()
    for name, error in complete(say, waits=use is not None):
        print(
            f"{program()} compile: {name} can't be compiled here, and the plain kernel runs instead: {error}",
            file=sys.stderr,
        )
    if use is None:
        return 0
    if not choice.mark(True):
        return failed("compile", _NO_ROOM.format(store.folder()))
    _measure_once()
    say(f"Programs use compiled kernels from now on ({time.perf_counter() - began:.0f} s; {store.folder()}).")
    say("To stop that: python -m eagerflow compile --off; for one program: EAGERFLOW_KERNELS=plain")
    return 0


def complete(say: Callable[[str], object], waits: bool = True) -> list[tuple[str, str]]:
    """Make all kernels that are missing; those that can't be made, with the reason.

    Args:
        say: is told what happens.
        waits: whether to wait for another process that makes them now. Else they are left to it.
    """
    if waits and _is_held():
        say("Another process is compiling kernels: waiting for it.")
        while _is_held():
            time.sleep(_PAUSE)
    with _alone() as first:
        return _fill(say) if first else []


def _is_held() -> bool:
    """Whether another process fills the folder now."""
    with contextlib.suppress(OSError):
        return time.time() - (store.folder() / _LOCK).stat().st_mtime <= _OLD
    return False


def _measure_once() -> None:
    """Let another process, which uses compiled kernels, look how fast they are here, if that isn't known."""
    if speeds.path().exists() and beaten.is_known():
        return
    subprocess.run(
        [sys.executable, "-m", "eagerflow", "measure", "--quiet"], check=False, cwd=Path(__file__).parents[2]
    )


def _fill(say: Callable[[str], object]) -> list[tuple[str, str]]:
    """Make all missing files, in several processes; those that can't be made, with the reason."""
    todo = [(name, dtype) for name, dtype in wanted() if store.read(KERNELS[name].file(dtype)) is None]
    failed: list[tuple[str, str]] = []
    if not todo:
        return failed
    workers = min(4, os.cpu_count() or 1, len(todo))
    some = "1 kernel" if len(todo) == 1 else f"{len(todo)} kernels"
    say(f"Compiling {some} for this processor, once: all of them take about a minute on two cores.")
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        running = {pool.submit(_made, name, dtype): f"{name} for {dtype}" for name, dtype in todo}
        for i, done in enumerate(as_completed(running), 1):
            error = done.result()
            if error:
                failed.append((running[done], error))
            else:
                say(f"  {i:>{len(str(len(todo)))}}/{len(todo)}  {running[done]}")
    return failed


def _made(name: str, dtype: str) -> str:
    """Make one file; why not, or nothing."""
    wanted()
    kernel = KERNELS[name]
    try:
        store.write(kernel.file(dtype), kernel.build(dtype))
    except CannotCompile as error:
        return str(error)
    return ""


@contextlib.contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process of this user fills the folder now; until the end, others see that this one does."""
    path = store.folder() / _LOCK
    try:
        store.make_folder()
        if not _is_held():
            path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except OSError as error:
        yield not isinstance(error, FileExistsError)
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)


@cache
def fill_in_background() -> None:
    """Let another process make what is missing; this one goes on with plain kernels, and says so."""
    if not store.takes_files():
        print(
            "eagerflow: compiled kernels can't be kept, so this program uses plain ones: "
            f"{_NO_ROOM.format(store.folder())}. Fix: set EAGERFLOW_HOME to a folder of your own.",
            file=sys.stderr,
        )
        return
    if _is_held():
        return
    print(
        "eagerflow: its kernels are being compiled for this processor (once, in the background); this program uses "
        "plain ones instead. To wait for them: python -m eagerflow compile",
        file=sys.stderr,
    )
    with contextlib.suppress(OSError):
        process = subprocess.Popen(
            [sys.executable, "-c", "from eagerflow.compiled.filling import fill; fill(None, quiet=True)"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        # It may end after this program. Until then somebody waits for it: no zombie, and no warning about one.
        threading.Thread(target=process.wait, daemon=True, name="eagerflow-compile").start()
