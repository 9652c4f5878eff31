"""Ranks that live as long as the tests: starting a process and importing everything costs more than most tests.

A test calls a function of its own file on n ranks at once, and gets what it returned on each:

    def means(numbers):
        ...

    def test_means_are_global(ranks):
        first, second = ranks(2, means, [1.0, 2.0])

Every call has a deadline. A rank that isn't done by then is killed with all others, and the next test gets new ones.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
MOST = 4  # ranks of the pool
_START, _DEADLINE = 60.0, 60.0  # seconds


def mpiexec() -> str:
    """The launcher of the environment in which the tests run."""
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    assert found is not None, "there is no mpiexec: pip install mpi4py mpich"
    return found


class Pool:
    """Ranks that wait for functions."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="ranks-")
        key = secrets.token_bytes(16)
        with Listener(os.path.join(self.folder, "door"), "AF_UNIX", backlog=MOST, authkey=key) as listener:
            environment = {**os.environ, "POOL": listener.address, "POOL_KEY": key.hex(), "PYTHONPATH": str(ROOT)}
            environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            command = [mpiexec(), "-n", str(MOST), sys.executable, "-m", "tests.distribution.pool"]
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True)
            listener._listener._socket.settimeout(_START)  # type: ignore[attr-defined]
            found: dict[int, Connection] = {}
            try:
                while len(found) < MOST:
                    connection = listener.accept()
                    found[connection.recv()] = connection
            except BaseException:
                self.close()
                raise
        self.connections = [found[rank] for rank in range(MOST)]

    def __call__(self, n: int, function: Callable[..., Any], *args: Any, deadline: float = _DEADLINE) -> list[Any]:
        """What the function returned on each of n ranks; raises what the first rank that failed raised."""
        for connection in self.connections:
            connection.send((n, function.__code__.co_filename, function.__qualname__, args))
        answers: list[Any] = []
        for rank, connection in enumerate(self.connections):
            if not connection.poll(deadline):
                self.close()
                raise TimeoutError(f"{function.__name__}: rank {rank} of {n} didn't answer within {deadline} s")
            try:
                answers.append(connection.recv())
            except EOFError:
                self.close()
                raise RuntimeError(f"{function.__name__}: rank {rank} of {n} has died") from None
        failed = [answer for done, answer in answers if not done]
        if failed:
            raise AssertionError("\n\n".join(failed))
        return [answer for _, answer in answers[:n]]

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self.process.poll() is None

    def close(self) -> None:
        """End all ranks."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _module(path: str) -> ModuleType:
    name = ".".join(Path(path).relative_to(ROOT).with_suffix("").parts)
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def _answered(communicator: Any, n: int, path: str, qualname: str, args: Any) -> Any:
    """What the function returned, in a world of the first n ranks."""
    import eagerflow as ef
    from eagerflow.core.strategy import active
    from eagerflow.distribution import set_distribution
    from eagerflow.distribution.runtime.current import world

    world.communicator, active.shard = communicator, None
    set_distribution(None)
    ef.utils.set_random_seed(1)
    ef.utils.clear_session()
    found: Any = _module(path)
    for name in qualname.split("."):
        found = getattr(found, name)
    return found(*args)


def main() -> None:
    """Be a rank: answer until the tests are over."""
    from eagerflow.distribution.runtime.mpi import Mpi

    everyone = Mpi()
    groups = {n: everyone.part(range(n)) for n in range(1, MOST + 1)}
    with Client(os.environ["POOL"], "AF_UNIX", authkey=bytes.fromhex(os.environ["POOL_KEY"])) as tests:
        tests.send(everyone.rank)
        while True:
            try:
                n, path, qualname, args = tests.recv()
            except EOFError:
                os._exit(0)  # the tests are over; finalizing would wait for ranks that are gone
            if groups[n] is None:
                tests.send((True, None))
                continue
            try:
                answer = True, _answered(groups[n], n, path, qualname, args)
            except BaseException:  # noqa: BLE001 - it is told, whatever it is
                answer = False, f"rank {everyone.rank} of {n}:\n{traceback.format_exc()}"
            tests.send(answer)


if __name__ == "__main__":
    main()
