"""How a rank fails: all ranks end at once, and the last line names the rank, the cause and the line of the script.

`install` sees to it for exceptions that nobody catches. `wait` is around everything that ranks wait for in each other:
after the timeout it ends the job, and names the ranks that did not come.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NoReturn

from eagerflow.base.tracebacks import is_ours
from eagerflow.distribution.runtime.agreement import ranks_named
from eagerflow.distribution.runtime.current import world

__all__ = ["fail", "install", "place", "place_of", "set_timeout", "status", "tell", "wait"]

_LONGEST = 3000  # bytes that one write to a pipe hands over whole, on any system of ours, less what is around them
_TIMEOUT = "EAGERFLOW_TIMEOUT"
_FORWARDED = 0.3  # seconds in which MPI shows what a rank wrote; what it still holds when it aborts is lost
_NAP, _LONG_NAP = 50e-6, 1e-3  # seconds between two looks, at first and in long waits
_LONG = 0.2  # seconds after which a wait is a long one
_ANSWERS = 1.0  # seconds in which ranks that wait as well answer
_TAG = 7
_yield: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))


class Status:
    """What this rank does now.

    Attributes:
        doing: a loop and its step, such as `("fit", 120)`; None outside of loops.
        timeout: seconds that ranks wait for each other.
        channel: the pipe on which the agent of `python -m eagerflow launch` listens; None under other launchers.
        control: a communicator of mpi4py on which ranks ask who else waits; None until they have joined.
        threads: those that have waited for other ranks.
    """

    def __init__(self) -> None:
        self.doing: tuple[str, int] | None = None
        self.timeout = 600.0
        self.channel: int | None = None
        self.control: Any = None
        self.threads: set[int] = set()
        self.process = os.getpid()


status = Status()


def wait(done: Callable[[], bool], what: str, spin: float = 0.0) -> None:
    """Wait until something is done, without keeping a processor busy for long, as MPI's own calls do.

    Args:
        done: tells whether it is.
        what: is waited for, such as `"barrier"`; for the message after the timeout.
        spin: seconds in which the processor is only lent to others between two looks.
    """
    status.threads.add(threading.get_ident())
    if done():
        return
    began = time.monotonic()
    while not done():
        waited = time.monotonic() - began
        if waited < spin:
            _yield()
        elif waited < _LONG:
            time.sleep(_NAP)
        else:
            _answer(what)
            if waited > status.timeout:
                _late(what)
            time.sleep(_LONG_NAP)


def _answer(what: str) -> dict[int, tuple[str, str]]:
    """Tell ranks that ask that this one waits; returns what other ranks wait for, and where, as far as they say now."""
    found = {}
    while status.control is not None and (message := status.control.improbe(tag=_TAG)) is not None:
        rank, words, line, asks = message.recv()
        found[rank] = (words, line)
        if asks:
            status.control.isend((status.control.rank, _named(what), place(sys._getframe()), False), rank, _TAG)
    return found


def _late(what: str) -> NoReturn:
    """Ask which ranks wait as well, and end the job because of the others."""
    control, asked, here = status.control, _named(what), place(sys._getframe())
    own, size = (0, 1) if control is None else (control.rank, control.size)
    waiting = {own: (asked, here)}
    for rank in range(size):
        if rank != own:
            control.isend((own, asked, here, True), rank, _TAG)
    began = time.monotonic()
    # The first of those that wait says who is missing; the others answer it meanwhile.
    while time.monotonic() - began < _ANSWERS * (1 if own == min(waiting) else 3):
        waiting |= _answer(what)
        if len(waiting) == size and own == min(waiting):
            break
        time.sleep(_LONG_NAP)
    if own != min(waiting):
        fail("echo", f"waited {status.timeout:g} s in {asked}", here)
    missing = [rank for rank in range(size) if rank not in waiting]
    if not missing:
        places = "; ".join(f"rank {rank} in {words}, at {line}" for rank, (words, line) in sorted(waiting.items()))
        fail("late", f"all ranks wait for each other in different calls: {places}", subject="all ranks")
    cause = f"did not come to {asked}, in which {ranks_named(sorted(waiting))} waited {status.timeout:g} s"
    fail("silent", cause + f", at {here}" * bool(here), subject=_who(missing), guilty=missing[0])


def _named(what: str) -> str:
    doing = status.doing
    return f"the {what}" if doing is None else f"the {what} of step {doing[1]} of {doing[0]}"


_LIBRARIES = tuple(
    {os.path.realpath(sysconfig.get_paths()[name]) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


@functools.cache
def _is_users(file: str) -> bool:
    return not (is_ours(file) or file.startswith("<") or os.path.realpath(file).startswith(_LIBRARIES))


def place(frame: FrameType | None) -> str:
    """The innermost line of the user's program in a stack: `train.py:57 in load_image`; empty where there is none."""
    while frame is not None and not _is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return "" if frame is None else _line(frame, frame.f_lineno)


def place_of(trace: TracebackType | None) -> str:
    """The same of an exception."""
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    users = [(frame, line) for frame, line in frames if _is_users(frame.f_code.co_filename)] or frames
    return _line(*users[-1]) if users else ""


def _line(frame: FrameType, line: int) -> str:
    file, name = frame.f_code.co_filename, frame.f_code.co_name
    with contextlib.suppress(ValueError, OSError):  # another drive; a folder that is gone
        relative = os.path.relpath(file)
        file = file if relative.startswith("..") else relative
    return f"{file}:{line}" + ("" if name == "<module>" else f" in {name}")


def set_timeout(seconds: float) -> float:
    """Set how long ranks wait for each other; `EAGERFLOW_TIMEOUT` takes precedence over what a script says.

    Raises:
        ValueError: for anything but a positive number.
    """
    name, value = "timeout", seconds
    if os.environ.get(_TIMEOUT):
        name, value = _TIMEOUT, os.environ[_TIMEOUT]  # type: ignore[assignment]
    try:
        status.timeout = float(value)
    except (TypeError, ValueError):
        status.timeout = -1.0
    if not status.timeout > 0:
        status.timeout = 600.0
        raise ValueError(f"{name}={value!r:.40}: expected a positive number of seconds.")
    return status.timeout


def _who(ranks: list[int]) -> str:
    """Ranks in words: `rank 3 of 8 (host b, pid 4711)`, the process of this one."""
    found = world.communicator
    if found is None:
        return f"the process {os.getpid()}"
    if len(ranks) > 1:
        return f"{ranks_named(ranks)} of {found.size}"
    return f"rank {ranks[0]} of {found.size} (host {found.hosts[ranks[0]]}, pid {found.processes[ranks[0]]})"


def tell(kind: str, **facts: Any) -> None:
    """Send a message to the agent of `launch`, if there is one."""
    if status.channel is None:
        return
    while len(line := json.dumps({"t": kind, **facts})) > _LONGEST:
        longest = max(facts, key=lambda name: len(str(facts[name])))
        facts[longest] = str(facts[longest])[: max(len(str(facts[longest])) * 3 // 4 - 4, 0)] + "..."
    with contextlib.suppress(OSError):  # the agent is gone: so will be this process
        os.write(status.channel, line.encode() + b"\n")


_failing = threading.Lock()


def fail(
    kind: str, cause: str, where: str = "", code: int = 1, subject: str | None = None, guilty: int | None = None
) -> NoReturn:
    """End all ranks because of this one.

    Args:
        kind: what happened: "raised", "exited", "interrupted", "late", "silent"; "echo" for what may well follow from
            another rank's failure.
        cause: in one line.
        where: the user's line.
        code: of the process.
        subject: who failed; default: this rank.
        guilty: the rank that failed, where that is another one.
    """
    if not _failing.acquire(blocking=False):
        time.sleep(60)  # another thread is at it
    code = code if 0 < code < 256 else 1
    timer = threading.Timer(3.0, os._exit, (code,))  # should anything below wait for the others
    timer.daemon = True
    timer.start()
    tell("record", how=kind, cause=cause, where=where, code=code, subject=subject or "", guilty=guilty)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if status.channel is not None:
        os._exit(code)  # the agent and the launcher end the others, and say why
    found = world.communicator
    who = subject or _who([0 if found is None else found.rank])
    sys.stderr.write(f"\neagerflow: {who}: {cause}{f', at {where}' * bool(where)}\n")
    sys.stderr.flush()
    time.sleep(_FORWARDED)
    if found is not None:
        with contextlib.suppress(BaseException):  # whatever goes wrong with it, this process ends
            found.abort(code)
    os._exit(code)


def install() -> None:
    """From now on an exception that nobody catches ends all ranks, in the main thread and in those that train."""
    if getattr(sys.excepthook, "of_ranks", False):
        return
    before, before_in_threads = sys.excepthook, threading.excepthook

    def raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        _raised(kind, error, trace)

    def raised_in_thread(args: threading.ExceptHookArgs) -> None:
        before_in_threads(args)
        if args.exc_value is not None and threading.get_ident() in status.threads:
            _raised(args.exc_type, args.exc_value, args.exc_traceback)

    raised.of_ranks = True  # type: ignore[attr-defined]
    sys.excepthook, threading.excepthook = raised, raised_in_thread


def _raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if os.getpid() != status.process:
        return  # a process that was forked off: its end is its parent's business
    if issubclass(kind, KeyboardInterrupt):
        fail("interrupted", "interrupted (Ctrl-C)", place_of(trace), 130)
    # An exception of MPI itself is nearly always the echo of another rank's end.
    how = "echo" if kind.__module__.startswith("mpi4py") else "raised"
    ranks = world.communicator.size if world.communicator is not None else 1
    on_all = getattr(error, "on_all_ranks", False) and ranks > 1
    words = str(error).strip().partition("\n")[0]
    cause = f"{kind.__name__}: {words}" if words else kind.__name__
    fail(how, cause, place_of(trace), subject=f"all {ranks} ranks" if on_all else None)
