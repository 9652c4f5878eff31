"""What a rank is doing, and how it fails: at once, for all ranks, with its name, its line and the cause.

A rank that raises while others wait for it must not only end itself. `install` sees to it for all ways to end a
program; `watch.py` looks after those who are silent, and those who end too early.

Code that lets ranks wait for each other uses two names. `waiting` tells messages what is waited for:

    with waiting("the all-reduce of layer", number):
        communicator.all_reduce(bucket)

(`meeting` does the same around what isn't a call of a communicator), and `together` is around what all ranks do or
none, such as `fit`: an exception that leaves it on one rank alone is an error of all, also where the script catches it.
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
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NoReturn

from eagerflow.base.tracebacks import is_ours
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.current import world

__all__ = ["counted", "fail", "install", "meeting", "place", "place_of", "set_timeout", "status", "tell", "together"]
__all__ += ["waiting", "who"]

_COLLECTIVE = "all_reduce sum_flat reduce_scatter all_gather broadcast gather_objects broadcast_object barrier".split()
_LONGEST = 3000  # bytes that one write to a pipe hands over whole, on any system of ours, less what is around them
_TIMEOUT = "EAGERFLOW_TIMEOUT"
_FORWARDED = 0.3  # seconds in which the engine shows what a rank wrote; what it still holds when it aborts is lost
_get_ident, _clock = threading.get_ident, time.monotonic


class Status:
    """What this rank does now: written by the threads that train, read by the one that watches.

    Attributes:
        waits: by thread: what it waits for, in parts, and since when.
        counts: by thread: how many collective calls it has begun. Their sum is the same on all ranks that are at the
            same place of the program.
        call: the collective call that was begun last.
        doing: what this rank is in the middle of, such as `("fit", 120)`: a loop and its step; None for nothing.
        left: how this rank left what all do together, while it isn't known whether all left it so.
        exited: where `sys.exit` was called.
        timeout: seconds that ranks wait for each other.
        channel: the pipe on which the agent of `python -m eagerflow launch` listens; None under other launchers.
        asked: what asks the watch whether all ranks left by an exception; None while nobody watches.
    """

    def __init__(self) -> None:
        self.waits: dict[int, tuple[tuple[Any, ...], float]] = {}
        self.counts: dict[int, int] = {}
        self.call = ""
        self.doing: tuple[str, int] | None = None
        self.left: dict[str, Any] | None = None
        self.exited = ""
        self.timeout = 600.0
        self.channel: int | None = None
        self.process = os.getpid()
        self.asked: Callable[[dict[str, Any]], None] | None = None

    @property
    def entered(self) -> int:
        """How many collective calls were begun."""
        return sum(list(self.counts.values()))

    @property
    def waited(self) -> tuple[str, float]:
        """What has been waited for longest, in words, and for how many seconds; nothing: an empty text."""
        found = min(list(self.waits.values()), key=lambda item: item[1], default=None)
        if found is None:
            return "", 0.0
        words, doing = " ".join(map(str, found[0])), self.doing
        if doing is not None:
            words += f" of step {doing[1]} of {doing[0]}"
        return words, _clock() - found[1]


status = Status()


class waiting:
    """Inside the block this thread waits for other ranks; messages say for what.

    It costs two entries of a dict. Parts are joined only when somebody asks, so hand over numbers as they are.

    Args:
        *what: words and numbers, such as `"the all-reduce of layer", 7`. The step is added.
    """

    __slots__ = ("_before", "_what")

    def __init__(self, *what: Any) -> None:
        self._what = what

    def __enter__(self) -> None:
        here = _get_ident()
        self._before = status.waits.get(here)
        status.waits[here] = (self._what, _clock())

    def __exit__(self, *exc: object) -> None:
        if self._before is None:
            status.waits.pop(_get_ident(), None)
        else:
            status.waits[_get_ident()] = self._before


class meeting(waiting):
    """The same around what no communicator counts, such as sums in shared memory; all ranks make the same calls."""

    __slots__ = ()

    def __enter__(self) -> None:
        here = _get_ident()
        status.counts[here] = status.counts.get(here, 0) + 1
        status.call = self._what[0]
        super().__enter__()


def counted(communicator: Communicator) -> Communicator:
    """The communicator, whose collective calls are counted from now on, and named while they wait."""
    for name in _COLLECTIVE:
        if hasattr(communicator, name):
            setattr(communicator, name, _counted(name, getattr(communicator, name)))
    duplicate = communicator.duplicate
    communicator.duplicate = lambda: counted(duplicate())  # type: ignore[method-assign]
    return communicator


def _counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    named = (name.replace("_", "-", 1),)

    @functools.wraps(call)
    def collective(*args: Any, **options: Any) -> Any:
        here = _get_ident()
        status.counts[here] = status.counts.get(here, 0) + 1
        status.call = name
        if here in status.waits:  # somebody has said more
            return call(*args, **options)
        status.waits[here] = (named, _clock())
        try:
            return call(*args, **options)
        finally:
            status.waits.pop(here, None)

    return collective


class together:
    """Around what all ranks do or none: an exception that leaves it on one rank alone ends the job.

    The rank waits until it is known whether the others left as well. If they did, the exception goes on, and a script
    that catches it does the same on all ranks. If others wait for this rank instead, nothing can become of the job.

    Args:
        what: is done, such as `"fit"`.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        status.doing = None
        if error is None or status.asked is None or not isinstance(error, Exception):
            return
        if getattr(error, "on_all_ranks", False) or status.left is not None:
            return
        status.asked({"what": self._what, "cause": _cause(error), "where": place_of(trace), "text": _text(error)})


def _text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _cause(error: BaseException) -> str:
    words = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


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
    return _line(frame)


def place_of(trace: TracebackType | None) -> str:
    """The same of an exception."""
    frames = [(step.tb_frame, step.tb_lineno) for step in _steps(trace)]
    users = [(frame, line) for frame, line in frames if _is_users(frame.f_code.co_filename)] or frames
    return _line(*users[-1]) if users else ""


def _steps(trace: TracebackType | None) -> list[TracebackType]:
    found = []
    while trace is not None:
        found.append(trace)
        trace = trace.tb_next
    return found


def _line(frame: FrameType | None, line: int | None = None) -> str:
    if frame is None:
        return ""
    file, name = frame.f_code.co_filename, frame.f_code.co_name
    with contextlib.suppress(ValueError, OSError):  # another drive; a folder that is gone
        relative = os.path.relpath(file)
        file = file if relative.startswith("..") else relative
    inside = "" if name == "<module>" else f" in {name}"
    return f"{file}:{frame.f_lineno if line is None else line}{inside}"


def set_timeout(seconds: float) -> float:
    """How long ranks wait for each other from now on; `EAGERFLOW_TIMEOUT` goes before what a script says.

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


def who() -> str:
    """This rank in words: `rank 3 of 8 (host b, pid 4711)`."""
    found = world.communicator
    if found is None:
        return f"the process {os.getpid()}"
    return f"rank {found.rank} of {found.size} (host {found.hosts[found.rank]}, pid {os.getpid()})"


def tell(kind: str, **facts: Any) -> None:
    """Tell the agent of `launch` something, if there is one."""
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
        kind: what happened: "raised", "exited", "interrupted", "late", "silent".
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
    tell(
        "record", how=kind, cause=cause, where=where, code=code, subject=subject or "", guilty=guilty, time=time.time()
    )
    at = f", at {where}" if where else ""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if status.channel is not None:
        os._exit(code)  # the agent and the launcher end the others, and say why
    sys.stderr.write(f"\neagerflow: {subject or who()}: {cause}{at}\n")
    sys.stderr.flush()
    time.sleep(_FORWARDED)
    if world.communicator is not None:
        with contextlib.suppress(BaseException):  # whatever goes wrong with it, this process ends
            world.communicator.abort(code)
    os._exit(code)


def install() -> None:
    """From now on an exception that nobody catches ends all ranks, in the main thread and in those that train."""
    if getattr(sys.excepthook, "of_ranks", False):
        return
    before, before_in_threads, leave = sys.excepthook, threading.excepthook, sys.exit

    def raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        _raised(kind, error, trace)

    def raised_in_thread(args: threading.ExceptHookArgs) -> None:
        before_in_threads(args)
        here = _get_ident()
        if args.exc_value is not None and (here in status.counts or here in status.waits):
            _raised(args.exc_type, args.exc_value, args.exc_traceback)

    def exit_noted(code: Any = None, /) -> NoReturn:
        status.exited = place(sys._getframe(1))
        leave(code)

    raised.of_ranks = True  # type: ignore[attr-defined]
    sys.excepthook, threading.excepthook, sys.exit = raised, raised_in_thread, exit_noted


def _raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if os.getpid() != status.process:
        return  # a process that was forked off: its end is its parent's business
    if issubclass(kind, KeyboardInterrupt):
        fail("interrupted", "interrupted (Ctrl-C)", place_of(trace), 130)
    # An exception of MPI itself is nearly always the echo of another rank's end.
    how = "echo" if kind.__module__.startswith("mpi4py") else "raised"
    ranks = world.communicator.size if world.communicator is not None else 1
    alike = getattr(error, "on_all_ranks", False) and ranks > 1
    fail(how, _cause(error), place_of(trace), subject=f"all {ranks} ranks" if alike else None)
