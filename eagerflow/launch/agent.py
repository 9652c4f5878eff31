"""Runs next to every rank, on its machine: starts it, reports how it ended, and leaves nothing of it behind.

mpiexec starts this file by itself, without eagerflow, so that it is there at once and costs next to nothing. It reports
to the launcher through its error output, which mpiexec forwards: lines of JSON behind the character 30 and a key that
ranks don't know.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import runpy
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["Agent", "die_with_parent"]

_PATIENCE = 1.5  # seconds between SIGTERM and SIGKILL
_LINGER = 3.0  # seconds in which the launcher ends all ranks after a failure
_DEATH_SIGNAL, _SUBREAPER = 1, 36  # options of Linux' prctl
_CPUS = Path(__file__).parents[1] / "kernels" / "machine" / "cpus.py"
_THREADS = (("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), ("EAGERFLOW_NUM_THREADS",))
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


def die_with_parent(number: int) -> None:
    """Let this process receive a signal when its parent ends, on Linux."""
    if _prctl is not None:
        _prctl(_DEATH_SIGNAL, number)


class Agent:
    """Runs `command`, a rank, and reports on it. If ssh started it (`remote`), ssh's own variables aren't passed on."""

    def __init__(self, command: list[str], remote: bool) -> None:
        self.command, self.remote, self.parent = command, remote, os.getppid()
        self.mark = "\x1e" + os.environ.pop("EAGERFLOW_LAUNCH_KEY", "")
        self.over = False  # whether the rank has come to the end of its script
        self.ending = 0  # the signal that asks for the end
        self.pending = b""

    def say(self, kind: str, **facts: Any) -> None:
        """Report to the launcher."""
        with contextlib.suppress(OSError):
            os.write(2, f"{self.mark}{json.dumps({'t': kind, **facts})}\n".encode())

    def run(self) -> int:
        """Start the rank and stay until it has ended; returns the exit code."""
        if _prctl is not None:
            _prctl(_SUBREAPER, 1)  # what the rank starts and leaves behind becomes a child of this process
        self.child, (self.channel, theirs) = 0, os.pipe()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: setattr(self, "ending", number))
        # Ctrl-C reaches rank 0 alone, which tells the others in its next step.
        first = os.environ.get("PMI_RANK", "0") == "0"
        signal.signal(signal.SIGINT, lambda number, _: self._signal(number) if first else None)
        self._divide_cores()
        self.child = self._start(theirs)
        os.close(theirs)
        self.say("hello", host=os.uname().nodename, pid=self.child)
        status, peak = self._until_it_ends()
        self._kill_descendants()
        code = os.waitstatus_to_exitcode(status)
        if code == 0 and not self.over and not self.ending:
            code = 1
            self.say("record", how="exited", cause="ended by os._exit(0) before the end of its script", code=1)
        peak *= 1 if sys.platform == "darwin" else 1024
        self.say("end", code=code, total=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), peak=peak)
        if code != 0:
            self._linger()
        return 0 if self.ending else code if code >= 0 else 128 - code

    def _divide_cores(self) -> None:
        """Ranks of one machine share its processors, unless the user has set a number of threads."""
        threads = max(1, runpy.run_path(str(_CPUS))["usable_cpus"]() // int(os.environ.get("MPI_LOCALNRANKS", "1")))
        for names in _THREADS:
            if not any(os.environ.get(name) for name in names):
                os.environ.update(dict.fromkeys(names, str(threads)))

    def _start(self, channel: int) -> int:
        os.set_inheritable(channel, True)
        kept = {name: value for name, value in os.environ.items() if not (self.remote and name.startswith("SSH_"))}
        if child := os.fork():
            return child
        try:
            os.setsid()
            die_with_parent(signal.SIGKILL)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.execve(self.command[0], self.command, {**kept, "EAGERFLOW_CHANNEL": str(channel)})
        except OSError as error:
            os.write(2, f"{self.command[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(127)

    def _until_it_ends(self) -> tuple[int, int]:
        """Its status and the most memory it had, in the system's units."""
        asked = 0.0
        while True:
            if select.select([self.channel], [], [], 0.1)[0] and not self._hear():
                time.sleep(0.005)  # the rank closed its end of the channel: it ends
            done, status, used = os.wait4(self.child, os.WNOHANG)
            if done:
                return status, used.ru_maxrss
            if os.getppid() != self.parent:  # mpiexec's part on this machine is gone: so is the job
                self.ending = self.ending or signal.SIGHUP
            if self.ending and not asked:
                asked = time.monotonic()
                self._signal(signal.SIGTERM)
                self._signal(signal.SIGCONT)
            if asked and time.monotonic() - asked > _PATIENCE:
                self._signal(signal.SIGKILL)

    def _hear(self) -> int:
        """Read that the rank is at its end, or a record of its failure, which is forwarded; returns the bytes read."""
        data = os.read(self.channel, 65_536)
        *lines, self.pending = (self.pending + data).split(b"\n")
        for facts in map(json.loads, lines):
            if facts["t"] == "over":
                self.over = True
            else:
                self.say(facts.pop("t"), **facts)
        return len(data)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.child:
                os.killpg(self.child, number)

    def _kill_descendants(self) -> None:
        """Kill what the rank has started and left behind; on Linux also what left its group of processes."""
        self._signal(signal.SIGKILL)
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        while children.exists() and (found := children.read_text("ascii").split()):
            for child in found:
                os.kill(int(child), signal.SIGKILL)
                os.waitpid(int(child), 0)

    def _linger(self) -> None:
        """mpiexec would kill all ranks as soon as this process ends: the launcher lets them say what they know."""
        deadline = time.monotonic() + _LINGER
        while not self.ending and time.monotonic() < deadline and os.getppid() == self.parent:
            time.sleep(0.02)
        if not self.ending and os.getppid() == self.parent:
            # The launcher can't be reached. mpiexec's part on this machine would wait for it, for a long time.
            with contextlib.suppress(OSError):
                os.kill(self.parent, signal.SIGKILL)


def main() -> NoReturn:
    """The file was run as `agent.py JSON`: to mpiexec, a ":" among the words of a command would begin another one."""
    code = Agent(**json.loads(sys.argv[1])).run()
    os._exit(code & 255)


if __name__ == "__main__":
    main()
