"""One run of all ranks: what they write, how they end, and that none is left."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eagerflow.launch.agent import die_with_parent
from eagerflow.launch.failure_report import Failure, first_of, of_end, of_record
from eagerflow.launch.hosts import Host
from eagerflow.launch.streams import Lines

__all__ = ["Job"]

_GRACE = 0.4  # seconds in which other ranks may report, after a first failure
_PATIENCE = 2.5  # seconds in which agents end their ranks before mpiexec is killed
_CTRL_C = 15.0  # seconds in which ranks finish a step after Ctrl-C, and save what they want
_PAUSE = 0.03  # seconds between two looks at the outputs


class Job:
    """Ranks that run together on hosts, started by a command that lets mpiexec write their outputs into the folder."""

    def __init__(
        self, hosts: Sequence[Host], words: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.hosts = [host.name for host in hosts for _ in range(host.ranks or 1)]  # where each rank is to start
        self.size, self.words = len(self.hosts), list(words)
        self.folder, key = folder, secrets.token_hex(16)
        self.environment = {**environment, "EAGERFLOW_LAUNCH_KEY": key}
        self.ranks: dict[int, dict[str, Any]] = {}  # what each agent said at its start
        self.ended: dict[int, int] = {}
        self.failures: list[Failure] = []
        self.interrupted: list[int] = []  # signals that the launcher got
        self.noise = b""  # mpiexec's own words
        self._ending = False
        self._lines = [Lines(f"[rank {rank}] ", key) for rank in range(self.size)]

    def run(self) -> Failure | None:
        """Start all ranks and stay until nothing is left; returns the first failure."""
        errors = [self.folder / f"rank-{rank}.err" for rank in range(self.size)]
        with contextlib.ExitStack() as stack:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda n, _: self.interrupted.append(n))
            for path in (self.folder / "rank-0.log", *errors):
                path.touch(0o600)
            self._output = stack.enter_context(open(self.folder / "rank-0.log", "rb", buffering=0))
            self._errors = [stack.enter_context(open(path, "rb", buffering=0)) for path in errors]
            noise = stack.enter_context(tempfile.TemporaryFile())
            self.process = subprocess.Popen(
                self.words,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=noise,
                stderr=noise,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(signal.SIGTERM),
            )
            try:
                self._follow()
            finally:
                self._end()
            noise.seek(0)
            self.noise = noise.read()
        for path in errors:
            path.unlink()
        for lines in self._lines:
            _write(sys.stderr, lines.rest())
        return self._outcome()

    def _read(self) -> bool:
        """Show what ranks have written, and note what their agents say; whether there was anything."""
        output = self._output.read()
        _write(sys.stdout, output)
        errors = [file.read() for file in self._errors]
        for rank, data in enumerate(errors):
            shown, said = self._lines[rank].add(data) if data else (b"", [])
            _write(sys.stderr, shown)
            for facts in said:
                self._hear(rank, facts)
        return bool(output) or any(errors)

    def _hear(self, rank: int, facts: dict[str, Any]) -> None:
        facts["rank"], kind = rank, facts["t"]
        if kind == "hello":
            self.ranks[rank] = facts
        elif kind == "record":
            self._note(rank, facts)
            if not self.interrupted:
                self.failures.append(of_record(facts))
        elif kind == "end":
            self.ended[rank] = int(facts["code"])
            if facts["code"] and not self._ending:
                self._note(rank, facts)
                self.failures.append(of_end(facts))

    def _note(self, rank: int, facts: Mapping[str, Any]) -> None:
        """A record of a failure, for programs."""
        known, path = self.ranks.get(rank, {}), self.folder / f"rank-{rank}.json"
        about = {"size": self.size, "host": known.get("host", ""), "pid": known.get("pid", 0)}
        if not path.exists():
            text = json.dumps({**{k: v for k, v in facts.items() if k != "t"}, **about}, indent=1)
            path.write_text(text + "\n", encoding="utf-8")

    def _follow(self) -> None:
        """Stay until all ranks have ended, one of them has failed, or the user's signals ask for the end."""
        asked = failed = 0.0
        while self.process.poll() is None:
            if not self._read():
                time.sleep(_PAUSE)
            now = time.monotonic()
            if self.failures:
                failed = failed or now
                if now - failed > _GRACE:
                    return
            if self.interrupted:
                if self.interrupted != [signal.SIGINT]:
                    return
                if not asked:  # mpiexec forwards it to the agents
                    asked = now
                    self.process.send_signal(signal.SIGINT)
                if now - asked > _CTRL_C or any(self.ended.values()):
                    return

    def named(self, rank: int | None) -> str:
        """A rank in words."""
        if rank is None:
            return "the job"
        known = self.ranks.get(rank, {})
        pid = f", pid {known['pid']}" if known else ""
        return f"rank {rank} of {self.size} (host {known.get('host', self.hosts[rank])}{pid})"

    def _end(self) -> None:
        """End all ranks, if there are any: agents get SIGTERM through mpiexec, which is killed if that doesn't help."""
        self._ending, deadline = True, time.monotonic() + _PATIENCE
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read()
            time.sleep(_PAUSE)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._read()

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
        # No agent could say how its rank ended, and the rank that mpiexec names isn't always the one.
        cause = f"mpiexec ended with code {code}; {self.size - len(self.ended)} ranks didn't say how they ended"
        silent = list(dict.fromkeys(host for rank, host in enumerate(self.hosts) if rank not in self.ranks))
        if silent:
            cause += f"; nothing has started on {', '.join(silent[:6])}: does `ssh {silent[0]} true` work, unasked?"
        return Failure(None, cause, code=code if 0 < code < 256 else 1, kind="engine")


def _write(stream: Any, data: bytes) -> None:
    if data:
        with contextlib.suppress(OSError, ValueError):  # a reader that is gone, such as `| head`
            stream.buffer.write(data)
            stream.flush()
