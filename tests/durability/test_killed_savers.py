"""A process killed before any call of a save leaves the old version or the new one, whole, in every format."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.durability import savers


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", savers.EVERY)
def test_a_kill_before_each_call_leaves_the_old_version_or_the_new_one(name, tmp_path):
    if name == "folder" and not savers.can_exchange(tmp_path):
        pytest.skip("this file system can't swap the names of two folders in one step")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.durability.savers", name, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    old, new, neither = map(int, ran.stdout.split())
    assert neither == 0, ran.stderr[-2000:]
    assert min(old, new) >= 1
    assert old >= 4  # opened, written, synced, renamed
