"""Every way in which a rank may fail, under the launcher: the job ends soon, says who it was, and leaves nothing."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.sources import ROOT

SCRIPT = Path(__file__).with_name("script.py")
TIMEOUT = 3.0  # of ranks that wait, in these tests
_DEADLINE = 60.0  # of a whole run, on a machine that has other work to do


class Case(NamedTuple):
    """A fault and what comes of it.

    Attributes:
        name: of the fault, for the script.
        code: the launcher's exit code.
        said: what stands in its last lines.
        waits: the fault shows only in that others wait, for `TIMEOUT`.
        twin: another case is much like it: only `python -m tests.distribution.faults` runs it.
    """

    name: str
    code: int
    said: str
    waits: bool = False
    twin: bool = False


RANK = r"launch: rank 1 of 3 \(host \S+, pid \d+\): "
LINE = r".*\n.*launch:   at \S*script\.py:\d+"
AWAY = "did not come to the barrier, in which ranks? 0.* waited 3 s, at "
CASES = [
    Case("none", 0, ""),
    Case("raise", 1, RANK + "ValueError: no more rows" + LINE, twin=True),
    Case("raise, with a child", 1, RANK + "ValueError: no more rows" + LINE),
    Case("raise, with a child in a session", 1, RANK + "ValueError: no more rows" + LINE),
    Case("kill, with a child in a session", 137, RANK + r"was killed by signal 9 \(SIGKILL\)"),
    Case("raise in a thread", 1, RANK + "ValueError: no more rows" + LINE),
    Case("out of memory", 1, RANK + r"\S*MemoryError: Unable to allocate" + LINE, twin=True),
    Case("import error", 1, RANK + "ModuleNotFoundError: No module named" + LINE, twin=True),
    Case("import error, at once", 1, RANK + "ModuleNotFoundError: No module named" + LINE),
    Case("sys.exit(3)", 3, RANK + r"ended its script by sys.exit\(3\)" + LINE),
    Case("sys.exit(text)", 1, RANK + r"ended its script by sys.exit\('nothing to do'\)" + LINE, twin=True),
    Case("sys.exit()", 1, RANK + AWAY, waits=True, twin=True),
    Case("return", 1, RANK + AWAY, waits=True),
    Case("os._exit(3)", 3, RANK + "ended with code 3, without an exception"),
    Case("os._exit(0)", 1, RANK + r"ended by os._exit\(0\) before the end of its script"),
    Case("kill", 137, RANK + r"was killed by signal 9 \(SIGKILL\)"),
    Case("terminate", 143, RANK + r"was killed by signal 15 \(SIGTERM\)", twin=True),
    Case("segfault", 139, RANK + r"was killed by signal 11 \(SIGSEGV\)"),
    Case("stop", 1, RANK + AWAY, waits=True),
    Case("hang", 1, RANK + AWAY, waits=True, twin=True),
    Case("hang with Python's lock", 1, RANK + AWAY, waits=True, twin=True),
    Case("other order", 1, "all ranks wait for each other in different calls: rank 0 in the barrier", waits=True),
    Case("Ctrl-C on a rank", 130, RANK + r"interrupted \(Ctrl-C\)" + LINE, twin=True),
    Case("agent killed", 9, "launch: the job: mpiexec ended with code 9"),
    Case("launcher: SIGINT", 130, "launch: the launcher was: ended by Ctrl-C"),
    Case("launcher: SIGTERM", 143, "launch: the launcher was: ended by SIGTERM"),
    Case("launcher: SIGHUP", 129, "launch: the launcher was: ended by SIGHUP", twin=True),
    Case("launcher: SIGKILL", -9, ""),
    Case("mpiexec: SIGKILL", 1, "mpiexec ended with code -9"),
    Case("fit: raises", 1, RANK + "ValueError: no more rows" + LINE),
    Case("fit: swallowed", 1, RANK + "did not come to the .* of step . of fit, in which ranks? 0", waits=True),
    Case("fit: other layer", 1, r"all 3 ranks: .*rank 1 .*: \(4, 9\) .*ranks? 0.*: \(4, 8\)"),
    Case("fit: other rows", 1, r"all 3 ranks: .*rows differs: rank 1 .*: 65, .*ranks? 0.*: 64"),
    Case("fit: stop_training", 0, ""),
]


class Result(NamedTuple):
    """How a run ended."""

    hung: bool
    seconds: float
    code: int
    said: str
    left: list[str]

    def wrong(self, case: Case) -> str:
        """What isn't as it should be; empty if all is."""
        if self.hung:
            return "it hung"
        if self.left:
            return f"processes are left: {self.left}"
        if self.code != case.code:
            return f"code {self.code}, not {case.code}"
        return "" if re.search(case.said, self.said) else "the last lines don't say it"


def run(case: Case, ranks: int = 3) -> Result:
    """Run a fault, with a deadline after which all of it is killed."""
    token = f"token-{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix="fault-") as folder:
        mark = Path(folder) / "time"
        words = [sys.executable, "-m", "eagerflow", "launch", "-n", str(ranks), "--timeout", str(TIMEOUT)]
        words += [str(SCRIPT), case.name, str(mark), token]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with open(Path(folder) / "said", "w+", encoding="utf-8", errors="replace") as said:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            try:
                hung = _signalled(case, process, mark, token)
            finally:
                ended = time.time()
                left = left_behind(token)
                for pid, _ in left:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            said.seek(0)
            text = said.read()
        began = float(mark.read_text("utf-8")) if mark.exists() else ended
        return Result(hung, ended - began, process.returncode, text, [words for _, words in left])


def _signalled(case: Case, process: subprocess.Popen[bytes], mark: Path, token: str) -> bool:
    """Send the signal that the case asks for; whether the launcher hung then."""
    deadline = time.monotonic() + _DEADLINE
    target, _, name = case.name.partition(": ")
    sent = target not in ("launcher", "mpiexec")
    while process.poll() is None:
        if time.monotonic() > deadline:
            return True
        if not sent and mark.exists():
            sent = True
            pid = process.pid if target == "launcher" else _mpiexec(token)
            os.kill(pid, signal.Signals[name])
        time.sleep(0.01)
    return False


def _processes() -> list[tuple[int, str]]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append((int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")))
    return found


def _mpiexec(token: str) -> int:
    return min(pid for pid, words in _processes() if token in words and "mpiexec -n" in words)


def left_behind(token: str, patience: float = 3.0) -> list[tuple[int, str]]:
    """Processes that are still there after a while."""
    deadline = time.monotonic() + patience
    while True:
        found = [(pid, words) for pid, words in _processes() if token in words]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)
