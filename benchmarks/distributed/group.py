"""Ranks that take orders: the processes of one framework, which train apart or together as they are told."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from benchmarks.machine import clean_environment

__all__ = ["Group", "mpiexec"]

ROOT = Path(__file__).parents[2]
START, PATIENCE = 120.0, 300.0  # seconds


def mpiexec(python: str) -> str:
    """The launcher beside an interpreter."""
    beside = Path(python).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise SystemExit("there is no mpiexec: pip install 'eagerflow[mpi]'")
    return found


class Group:
    """The ranks of one framework.

    Args:
        framework: "eagerflow" or "torch".
        python: the interpreter that has it.
        size: how many ranks there are.
        threads: of each rank; None: what it takes by itself.
    """

    def __init__(self, framework: str, python: str, size: int = 2, threads: int | None = 1) -> None:
        self.size = size
        self.folder = tempfile.mkdtemp(prefix="ranks-")
        key = secrets.token_bytes(16)
        door = os.path.join(self.folder, "door")
        environment = clean_environment(threads, PYTHONPATH=str(ROOT), DOOR=door, DOOR_KEY=key.hex())
        command = [python, "-m", "benchmarks.distributed.rank", framework]
        self.processes: list[subprocess.Popen[bytes]] = []
        with Listener(door, "AF_UNIX", backlog=size, authkey=key) as listener:
            if framework == "eagerflow":
                self._start([mpiexec(python), "-n", str(size), *command], environment)
            else:
                port = _free_port()
                for rank in range(size):
                    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": rank, "WORLD_SIZE": size}
                    self._start(command, {**environment, **{name: str(value) for name, value in told.items()}})
            listener._listener._socket.settimeout(START)  # type: ignore[attr-defined]
            found: dict[int, Connection] = {}
            try:
                while len(found) < size:
                    connection = listener.accept()
                    found[connection.recv()] = connection
            except BaseException:
                self.end()
                raise
        self.connections = [found[rank] for rank in range(size)]

    def _start(self, command: list[str], environment: dict[str, str]) -> None:
        made = subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL)
        self.processes.append(made)

    def ask(self, what: str, **options: Any) -> list[Any]:
        """What each rank answers; all of them begin at once."""
        for connection in self.connections:
            connection.send((what, options))
        answers = []
        for rank, connection in enumerate(self.connections):
            if not connection.poll(PATIENCE):
                self.end()
                raise SystemExit(f"rank {rank} didn't answer to {what!r} within {PATIENCE:g} s")
            answers.append(connection.recv())
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    def end(self) -> None:
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            finally:
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


def own_python() -> str:
    """The interpreter of this process."""
    return sys.executable
