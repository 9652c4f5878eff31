"""A process killed at any moment of saving leaves one whole file, in every format."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.durability import savers

KILLS = 200


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", savers.FORMATS)
def test_two_hundred_kills_leave_two_hundred_whole_files(name, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.durability.savers", name, str(tmp_path / name), str(KILLS)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    whole, cut = map(int, ran.stdout.split())
    assert whole == KILLS
    assert cut > KILLS / 10  # else the moments were badly chosen, and this test shows nothing
