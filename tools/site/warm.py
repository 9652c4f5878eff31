"""Runs functions apart without starting a program for each: in forks of one that has loaded what all of them need.

    python -m tools.site.warm MODULE[:FUNCTION]...     # a line of JSON asks for a run, and one tells how it ended

Each run has a process of its own, as if a program had been started for it: what it changes is gone when it ends, and
one that crashes takes nothing with it. Loading our packages takes longer than running what most pages show.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

__all__ = ["Done", "Warm"]

_LOOKS = 0.005  # seconds between two looks whether a run has ended


class Done(NamedTuple):
    """How a run ended.

    Attributes:
        code: the exit code, negative for a signal; None where it took too long and was ended.
        told: the end of what it wrote to its standard streams.
    """

    code: int | None
    told: str


class Warm:
    """Programs that have loaded modules, and run functions in forks of themselves.

    Args:
        modules: what they load; of those with a function behind a colon, that is called, too.
        environment: what they, and the runs, see.
        count: how many runs there may be at once; each program has one at a time.

    Use it in a `with` block, at whose end the programs end.
    """

    def __init__(self, modules: tuple[str, ...], environment: Mapping[str, str], count: int = 1) -> None:
        self._modules = modules
        self._environment = dict(environment)
        self._free: SimpleQueue[subprocess.Popen[str] | None] = SimpleQueue()
        self._begun: list[subprocess.Popen[str]] = []
        for _ in range(count):
            self._free.put(None)  # begun by the first run that needs it

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *told: object) -> None:
        for program in self._begun:
            program.communicate()  # it ends when there is no more to read

    def run(self, function: str, args: list[Any], folder: Path, seconds: float) -> Done:
        """Run a function, in a process of its own, and wait until it has ended. Threads may call this at once.

        Args:
            function: its module and name, with a colon between.
            args: what it takes.
            folder: where it runs.
            seconds: the most that it may take.

        Raises:
            RuntimeError: when what the programs are to load can't be loaded.
        """
        program = self._free.get()
        if program is None:
            program = self._begin()
        try:
            with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as told:
                asked = {"function": function, "args": args, "folder": str(folder), "seconds": seconds}
                answer = self._answer(program, json.dumps({**asked, "told": told.name}))
                return Done(json.loads(answer)["code"], told.read()[-3000:])
        finally:
            self._free.put(program)

    def _begin(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", __name__, *self._modules]
        streams: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        self._begun.append(subprocess.Popen(command, env=self._environment, **streams))
        return self._begun[-1]

    def _answer(self, program: subprocess.Popen[str], line: str) -> str:
        assert program.stdin is not None
        assert program.stdout is not None
        print(line, file=program.stdin, flush=True)
        answer = program.stdout.readline()
        if not answer:
            raise RuntimeError(f"the program that loads {', '.join(self._modules)} has ended: {program.wait()}")
        return answer


def serve(modules: list[str]) -> None:
    """Load modules, call the functions named with them; then run what lines of the standard input ask for, in order."""
    asked, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)  # runs read nothing, and what they print is no answer
    os.dup2(nothing, 1)
    for module in modules:
        _function(module)()
    for line in asked:
        job = json.loads(line)
        child = os.fork()
        if not child:
            _run(job)
            return  # what ends with a program, ends: threads are waited for, temporary folders go
        os.write(answers, f"{json.dumps({'code': _ended(child, job['seconds'])})}\n".encode())


def _run(job: dict[str, Any]) -> None:
    """In the fork: run a function."""
    os.setsid()
    told = os.open(job["told"], os.O_WRONLY | os.O_APPEND)
    os.dup2(told, 1)
    os.dup2(told, 2)
    os.chdir(job["folder"])
    sys.argv = [job["function"]]
    _function(job["function"])(*job["args"])


def _function(named: str) -> Callable[..., Any]:
    """`module:function`; of a module alone, one that does nothing, once the module is loaded."""
    module, _, name = named.partition(":")
    loaded = import_module(module)
    return getattr(loaded, name) if name else lambda: None


def _ended(child: int, seconds: float) -> int | None:
    """The exit code of a run; None when its time was up, and it was ended with all that it had started."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_LOOKS)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    serve(sys.argv[1:])
