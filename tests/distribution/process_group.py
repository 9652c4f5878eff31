"""Programs in a process group of their own, which is killed at a deadline, and of which nothing is left afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.sources import ROOT

__all__ = ["completed"]


def completed(
    words: list[str], folder: Path | None = None, deadline: float = 90.0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Args:
        words: its command.
        folder: where it runs.
        deadline: seconds.
        **variables: further ones of its environment.

    Raises:
        subprocess.TimeoutExpired: when the deadline has passed.
    """
    with subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, told = process.communicate(timeout=deadline)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(words, process.returncode, out, told)
