"""Beside every rank, on its machine: starts it, hears it, says how it ended, and leaves nothing of it behind.

mpiexec starts this file, by itself and without eagerflow, so that it is there at once and costs next to nothing. The
rank runs in a group of processes of its own. A third process, the guard, ends that group should the agent be killed.

What the agent has to say goes to the launcher through the error output that mpiexec hands on: lines of JSON between
the characters 30 and 31, with a key that ranks don't know.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import select
import signal
import sys
import time
from typing import Any, NoReturn

__all__ = ["Agent", "boot", "guard", "kill_marked"]

_BEGIN, _END = "\x1e", "\x1f\n"
_PATIENCE = 1.5  # seconds between the friendly signal and the other one
_LINGER = 3.0  # seconds in which the launcher ends all after a failure
_BEAT = 1.0
_CPUS = os.path.join(os.path.dirname(__file__), "..", "kernels", "machine", "cpus.py")
_THREADS = (("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), ("EAGERFLOW_NUM_THREADS",))


class Agent:
    """The agent of one rank.

    Args:
        timeout: seconds after which a rank that gives no sign of life is ended.
        command: starts the rank.
        remote: ssh started this agent; what ssh adds to the environment isn't handed on.
    """

    def __init__(self, timeout: float, command: list[str], remote: bool) -> None:
        self.timeout, self.command, self.remote = timeout, command, remote
        self.key = os.environ.pop("EAGERFLOW_LAUNCH_KEY", "")
        self.rank = int(os.environ.get("PMI_RANK", "0"))
        self.size = int(os.environ.get("PMI_SIZE", "1"))
        self.local_rank = int(os.environ.get("MPI_LOCALRANKID", "0"))
        self.local_size = int(os.environ.get("MPI_LOCALNRANKS", "1"))
        self.mark = f"EAGERFLOW_RANK_MARK={os.urandom(8).hex()}"
        self.host = os.uname().nodename
        self.parent = os.getppid()
        self.began = self.heard = self.beaten = time.monotonic()
        self.joined = self.over = False
        self.last: dict[str, Any] = {}
        self.ending: int | None = None  # the signal that asks for the end
        self.pending = b""

    def say(self, kind: str, **facts: Any) -> None:
        """Tell the launcher."""
        line = _BEGIN + self.key + json.dumps({"t": kind, "rank": self.rank, "host": self.host, **facts}) + _END
        with contextlib.suppress(OSError):
            os.write(2, line.encode())

    def run(self) -> int:
        """Start the rank and stay until it has ended; gives the exit code."""
        ward = guard()
        self.channel, theirs = os.pipe()
        os.set_blocking(self.channel, False)
        self.woken, waking = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(waking, False)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_end)
        threads = self._divide_cores()
        self.child = self._start(theirs)
        os.close(theirs)
        os.write(ward, f"{self.child} {self.mark}\n".encode())
        facts = {"pid": self.child, "agent": os.getpid(), "local_rank": self.local_rank, "boot": boot()}
        self.say("hello", **facts, threads=threads)
        status, peak = self._until_it_ends()
        self._kill(signal.SIGKILL)  # what the rank has started and left behind
        os.write(ward, b"0\n")
        self._hear()
        code = os.waitstatus_to_exitcode(status)
        if code == 0 and self.joined and not self.over and self.ending is None:
            code, where = 1, self.last.get("place", "")
            self.say("record", how="exited", cause="ended by os._exit(0) while others run", where=where, code=1)
        facts = {"code": code, "peak": peak * (1 if sys.platform == "darwin" else 1024), "last": self.last}
        self.say("end", **facts, total=_memory(), ago=time.monotonic() - self.heard)
        if code != 0 and self.ending is None:
            self._linger()
        return code if code >= 0 else 128 - code

    def _divide_cores(self) -> int:
        """Ranks of one machine share its processors, unless the user has said how many threads there are to be."""
        cores = runpy.run_path(_CPUS)["usable_cpus"]()
        threads = max(1, cores // self.local_size)
        for names in _THREADS:
            if not any(os.environ.get(name) for name in names):
                os.environ.update(dict.fromkeys(names, str(threads)))
        return threads

    def _start(self, channel: int) -> int:
        os.set_inheritable(channel, True)
        kept = {name: value for name, value in os.environ.items() if not (self.remote and name.startswith("SSH_"))}
        environment = {**kept, "EAGERFLOW_CHANNEL": str(channel), **dict([self.mark.split("=")])}
        child = os.fork()
        if child:
            return child
        try:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.execve(self.command[0], self.command, environment)
        except OSError as error:
            os.write(2, f"{self.command[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(127)

    def _asked_to_end(self, number: int, frame: object) -> None:
        self.ending = number

    def _until_it_ends(self) -> tuple[int, int]:
        """Its status and the most memory it had, in the system's units."""
        asked = 0.0
        while True:
            done, status, used = os.wait4(self.child, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if done and os.WIFSTOPPED(status):
                self.say("stopped", signal=os.WSTOPSIG(status))
            elif done and os.WIFCONTINUED(status):
                self.say("continued")
            elif done:
                return status, used.ru_maxrss
            now = time.monotonic()
            if self.ending is not None and not asked:
                asked = now
                self._kill(signal.SIGTERM)
                self._kill(signal.SIGCONT)
            if asked and now - asked > _PATIENCE:
                self._kill(signal.SIGKILL)
            if not asked and not done:
                self._look_after(now)
            if not done:
                with contextlib.suppress(InterruptedError):
                    select.select([self.channel, self.woken], [], [], 0.25)
                self._hear()

    def _look_after(self, now: float) -> None:
        if os.getppid() != self.parent:  # mpiexec's part on this machine is gone: so is the job
            self.ending = signal.SIGHUP
        elif self.local_rank == 0 and now - self.beaten > _BEAT:
            self.beaten = now
            self.say("beat")
        silent = now - self.heard
        if self.size > 1 and not self.joined and silent > max(self.timeout, 30):
            self.say(
                "record", how="late", cause=f"did not meet the other ranks within {silent:.0f} s", where="", code=1
            )
            self.ending = signal.SIGTERM
        elif self.joined and silent > self.timeout + 3:
            cause = f"gave no sign of life for {silent:.0f} s"
            self.say("record", how="silent", cause=cause, where=self.last.get("place", ""), code=1)
            self._kill(signal.SIGKILL)
            self.ending = signal.SIGKILL

    def _hear(self) -> None:
        """What the rank has written: where it is, or a record of its failure, which is handed on."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.woken, 4096):
                pass
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self.channel, 65_536):
                self.pending += more
        *lines, self.pending = self.pending.split(b"\n")
        for line in lines:
            try:
                facts = json.loads(line)
            except ValueError:
                continue
            kind = facts.pop("t", "")
            if kind == "status":
                self.last, self.heard = facts, time.monotonic()
                self.timeout = facts.pop("timeout", self.timeout)
                if not self.joined:
                    self.joined = True
                    self.say("joined")
            elif kind == "over":
                self.over = True
            elif kind:
                self.say(kind, **facts)

    def _kill(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child, number)
        if number == signal.SIGKILL:
            kill_marked(self.mark)

    def _linger(self) -> None:
        """mpiexec would kill all ranks as soon as this process ends: the launcher lets them say what they know."""
        deadline = time.monotonic() + _LINGER
        while self.ending is None and time.monotonic() < deadline and os.getppid() == self.parent:
            with contextlib.suppress(InterruptedError):
                select.select([self.woken], [], [], 0.25)
        if self.ending is None and os.getppid() == self.parent:
            # The launcher doesn't come through. mpiexec's part on this machine would wait for it, for a long time.
            with contextlib.suppress(OSError):
                os.kill(self.parent, signal.SIGKILL)


def guard() -> int:
    """A process that kills a group of processes when this one is gone; gives the pipe on which it is told which.

    A mark after the number identifies what left the group. A number of 0 says that there is nothing left to do.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        return writing
    with contextlib.suppress(OSError):
        os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(0, reading)
    os.closerange(reading + 1, os.sysconf("SC_OPEN_MAX"))
    told = b""
    while more := os.read(reading, 64):
        told += more
    group, *marks = told.decode().splitlines()[-1].split() if told else ["0"]
    if int(group) > 1:
        with contextlib.suppress(OSError):
            os.killpg(int(group), signal.SIGKILL)
        for mark in marks:
            kill_marked(mark)
    os._exit(0)


def kill_marked(mark: str) -> None:
    """Kill all processes that were started with this variable (`NAME=value`) in their environment, on Linux."""
    for _ in range(10):  # one of them may just start another one
        found = 0
        for entry in os.listdir("/proc") if os.path.isdir("/proc") else []:
            with contextlib.suppress(OSError, ValueError):
                with open(f"/proc/{int(entry)}/environ", "rb") as file:
                    if mark.encode() not in file.read().split(b"\0"):
                        continue
                os.kill(int(entry), signal.SIGKILL)
                found += 1
        if not found:
            return


def boot() -> str:
    """What tells this start of this machine from all others."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _memory() -> int:
    """Of the machine, in bytes; 0 where that isn't known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def main() -> NoReturn:
    """The file was run as `agent.py JSON`: to mpiexec, a ":" among the words of a command would begin another one."""
    code = Agent(**json.loads(sys.argv[1])).run()
    os._exit(code & 255)


if __name__ == "__main__":
    main()
