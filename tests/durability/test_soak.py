"""Long runs leave nothing behind: memory stays flat, and no file handles or threads are left open."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

ALLOWED_GROWTH = 4.0  # MB between the first fifth of a run and its end: less than a kB a model, 40 B a step


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(("kind", "count"), [("steps", 100_000), ("models", 10_000), ("saves", 1_000)])
def test_memory_handles_and_threads_stay(kind, count, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.durability.soak", kind, str(count), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    first, *_, last = json.loads(ran.stdout)
    assert last["memory"] - first["memory"] < ALLOWED_GROWTH
    assert last["handles"] <= first["handles"]
    assert last["threads"] <= first["threads"]
