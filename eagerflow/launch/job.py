"""One run of all ranks: what they say, how they end, and that none is left."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from eagerflow.launch.agent import boot, guard
from eagerflow.launch.blame import Failure, first_of, of_end, of_record
from eagerflow.launch.hosts import Host
from eagerflow.launch.streams import Lines, split_frames

__all__ = ["Job"]

_GRACE = 0.4  # seconds in which other ranks may say what they know, after a first failure
_PATIENCE = 2.5  # seconds between the friendly signal and the other one
_START = 60.0  # seconds in which all ranks must have started
_CTRL_C = 15.0  # seconds in which ranks finish a step after Ctrl-C, and save what they want
_PIECE = 1 << 16
_clock = time.monotonic


class Job:
    """Ranks that run together.

    Args:
        hosts: the machines, with their ranks.
        words: the command that starts them.
        environment: for that command.
        folder: where outputs and records go.
        pipes: where the pipes are.
        timeout: seconds after which a silent machine is given up.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        words: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        pipes: Path,
        timeout: float,
    ) -> None:
        self.hosts, self.size = hosts, sum(host.ranks or 1 for host in hosts)
        self.words, self.key = list(words), secrets.token_hex(16)
        self.environment = {**environment, "EAGERFLOW_LAUNCH_KEY": self.key}
        self.folder, self.pipes, self.timeout = folder, pipes, timeout
        self.ranks: dict[int, dict[str, Any]] = {}  # what each agent said at its start
        self.ended: dict[int, int] = {}
        self.killed: set[int] = set()  # ranks that a signal of somebody else ended
        self.stopped: set[int] = set()
        self.failures: list[Failure] = []
        self.failed_at = 0.0
        self.heard: dict[str, float] = {}  # when each machine was heard of
        self.interrupted: list[int] = []  # signals that the launcher got
        self.noise = bytearray()  # mpiexec's own words
        self._pending: dict[int, bytes] = {}
        self._logs: dict[int, BinaryIO] = {}
        self._selector = selectors.DefaultSelector()
        self._lines = {rank: Lines(f"[rank {rank}] ") for rank in range(self.size)}
        self._files: list[int] = []
        self._here = socket.gethostname(), boot()

    def run(self) -> Failure | None:
        """Start, and stay until nothing is left; gives the first failure."""
        ward = guard()
        try:
            with self._signals():
                self._open()
                self.process = subprocess.Popen(
                    self.words,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                os.write(ward, b"%d\n" % self.process.pid)
                assert self.process.stdout is not None
                os.set_blocking(self.process.stdout.fileno(), False)
                self._selector.register(self.process.stdout, selectors.EVENT_READ, ("noise", -1))
                self.began = _clock()
                self._follow()
        finally:
            self._kill_all()
            os.write(ward, b"0\n")
            os.close(ward)
            self._close()
        return self._outcome()

    # What ranks write

    def _open(self) -> None:
        for rank in range(self.size):
            for name in ("out", "err"):
                path = self.pipes / f"{name}-{rank}"
                os.mkfifo(path, 0o600)
                # For writing as well: then its end doesn't come before ours.
                file = os.open(path, os.O_RDWR | os.O_NONBLOCK)
                self._files.append(file)
                self._selector.register(file, selectors.EVENT_READ, (name, rank))

    def _close(self) -> None:
        for lines in self._lines.values():
            _write(sys.stderr, lines.rest())
        for log in self._logs.values():
            log.close()
        for file in self._files:
            os.close(file)
        self._selector.close()
        if self.noise:
            (self.folder / "engine.log").write_bytes(bytes(self.noise))

    def _read(self, wait: float) -> bool:
        """Whether anything was there within so many seconds."""
        ready = self._selector.select(wait)
        for key, _ in ready:
            name, rank = key.data
            try:
                data = os.read(key.fd, _PIECE)
            except (BlockingIOError, InterruptedError):
                continue
            if name == "noise":
                self.noise += data
                if not data:
                    self._selector.unregister(key.fileobj)
            elif name == "out":
                self._show(rank, data)
            else:
                plain, said, self._pending[rank] = split_frames(self._pending.get(rank, b"") + data, self.key.encode())
                _write(sys.stderr, self._lines[rank].add(plain))
                for facts in said:
                    self._hear(rank, facts)
        return bool(ready)

    def _show(self, rank: int, data: bytes) -> None:
        if rank == 0:
            _write(sys.stdout, data)
            return
        if rank not in self._logs:
            self._logs[rank] = open(self.folder / f"rank-{rank}.log", "ab", buffering=0)  # noqa: SIM115
        self._logs[rank].write(data)

    # What agents say

    def _hear(self, rank: int, facts: dict[str, Any]) -> None:
        facts["rank"], kind = rank, facts["t"]
        host = str(facts.get("host", ""))
        self.heard[host] = _clock()
        if kind == "hello":
            self.ranks[rank] = facts
        elif kind == "record":
            self._note(rank, facts)
            if not self.interrupted:
                self._fail(of_record(facts))
        elif kind == "stopped":
            self.stopped.add(rank)
        elif kind == "continued":
            self.stopped.discard(rank)
        elif kind == "end":
            self.ended[rank] = int(facts["code"])
            failure = of_end(facts)
            if failure is not None and not self._ending:
                self._note(rank, facts)
                if failure.kind == "killed":
                    self.killed.add(rank)
                self._fail(failure)

    def _note(self, rank: int, facts: Mapping[str, Any]) -> None:
        """A record of a failure, for programs."""
        text = json.dumps({**{k: v for k, v in facts.items() if k != "t"}, **self._about(rank)}, indent=1)
        path = self.folder / f"rank-{rank}.json"
        if not path.exists():
            path.write_text(text + "\n", encoding="utf-8")

    def _about(self, rank: int) -> dict[str, Any]:
        known = self.ranks.get(rank, {})
        return {"size": self.size, "host": known.get("host", ""), "pid": known.get("pid", 0)}

    def _fail(self, failure: Failure) -> None:
        self.failures.append(failure)
        self.failed_at = self.failed_at or _clock()

    # How it ends

    _ending = False

    def _follow(self) -> None:
        while True:
            self._read(0.1)
            if self.process.poll() is not None:
                while self._read(0.02):
                    pass
                return
            self._look_for_silence()
            now = _clock()
            if self.failed_at and now - self.failed_at > _GRACE:
                self._end()
                return
            if self._interrupt(now):
                self._end()
                return

    def _look_for_silence(self) -> None:
        now = _clock()
        if len(self.ranks) < self.size and now - self.began > _START + 0.1 * self.size and not self.failed_at:
            missing = [rank for rank in range(self.size) if rank not in self.ranks]
            where = ", ".join(dict.fromkeys(self.host_of(rank) for rank in missing))
            cause = f"did not start within {_START:.0f} s. Does `ssh {where}` work without a password?"
            self._fail(Failure(missing[0], cause, kind="lost"))
        for host, heard in self.heard.items():
            running = [r for r, known in self.ranks.items() if known["host"] == host and r not in self.ended]
            if running and now - heard > self.timeout + 2 and not self.failed_at:
                cause = f"nothing was heard of host {host} for {now - heard:.0f} s: is it cut off, or down?"
                self._fail(Failure(running[0], cause, kind="silent"))

    def named(self, rank: int | None) -> str:
        """A rank in words."""
        if rank is None:
            return "the job"
        known = self.ranks.get(rank)
        about = f"host {known['host']}, pid {known['pid']}" if known else f"host {self.host_of(rank)}"
        return f"rank {rank} of {self.size} ({about})"

    def host_of(self, rank: int) -> str:
        """The machine that a rank was to be started on."""
        for host in self.hosts:
            rank -= host.ranks or 1
            if rank < 0:
                return host.name
        return ""

    def _interrupt(self, now: float) -> bool:
        """Whether the user's signals end it now: Ctrl-C lets ranks finish a step, a second one doesn't."""
        if not self.interrupted:
            return False
        if self.interrupted[0] != signal.SIGINT or len(self.interrupted) > 1:
            return True
        if not self._asked_at:
            self._asked_at = now
            local = self._local()
            if not local:
                return True
            with contextlib.suppress(OSError):
                os.kill(int(self.ranks[local[0]]["pid"]), signal.SIGINT)
        return now - self._asked_at > _CTRL_C or any(self.ended.values())

    _asked_at = 0.0

    def _local(self, failed: bool = False) -> list[int]:
        """Ranks of this machine that run, and those that failed, whose agents still wait."""
        here = [r for r, known in self.ranks.items() if (known["host"], known["boot"]) == self._here]
        return sorted(rank for rank in here if rank not in self.ended or (failed and self.ended[rank]))

    def _end(self) -> None:
        """End all ranks: by the friendly signal, then by the other one."""
        self._ending = True
        for rank in self._local(failed=True):
            with contextlib.suppress(OSError):
                os.kill(int(self.ranks[rank]["agent"]), signal.SIGTERM)
        self._wait(_PATIENCE, lambda: not self._local())
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                with contextlib.suppress(OSError):
                    os.killpg(self.process.pid, number)
                self._wait(1.0, lambda: False)
        while self._read(0.02):
            pass

    def _wait(self, seconds: float, done: Callable[[], bool]) -> None:
        """Hear ranks until this is true, or mpiexec has ended."""
        deadline = _clock() + seconds
        while _clock() < deadline and self.process.poll() is None and not done():
            self._read(0.02)

    def _kill_all(self) -> None:
        """Nothing of this machine is left, whatever happened."""
        self._ending = True
        if hasattr(self, "process") and self.process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for rank in self._local():
            for name, kill in (("pid", os.killpg), ("agent", os.kill)):
                with contextlib.suppress(OSError):
                    kill(int(self.ranks[rank][name]), signal.SIGKILL)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Inside the block signals are noted."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, lambda n, _: self.interrupted.append(n)) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before):
                signal.signal(number, handler)

    def _outcome(self) -> Failure | None:
        code = self.process.returncode
        if code == 0 and all(self.ended.get(rank) == 0 for rank in range(self.size)):
            return None
        if self.interrupted:
            number = self.interrupted[0]
            name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
            return Failure(None, f"ended by {name}", code=128 + number, kind="interrupted", subject="the launcher was")
        if self.failures:
            return first_of(self.failures)
        # No agent could say how its rank ended, and whom mpiexec names isn't always the one.
        lost = sum(rank not in self.ended for rank in range(self.size))
        cause = f"mpiexec ended with code {code}; {lost} ranks didn't say how they ended"
        silent = list(dict.fromkeys(self.host_of(rank) for rank in range(self.size) if rank not in self.ranks))
        if silent:
            cause += f"; nothing has started on {', '.join(silent[:6])}: does `ssh {silent[0]} true` work, unasked?"
        return Failure(None, cause, code=code if 0 < code < 256 else 1, kind="engine")


def _write(stream: Any, data: bytes) -> None:
    if data:
        with contextlib.suppress(OSError, ValueError):  # a reader that is gone, such as `| head`
            stream.buffer.write(data)
            stream.flush()
