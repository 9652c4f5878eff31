"""Programs that read and write one file at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.durability import savers

_WRITES = """
import sys, pathlib
from tests.durability import savers
chosen, path, version, until = savers.FORMATS[sys.argv[1]], pathlib.Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
chosen.save(path, version)
print("ready", flush=True)
while not pathlib.Path(until).exists():
    chosen.save(path, version)
"""


def writer(name, path, version):
    ran = subprocess.Popen(
        [sys.executable, "-c", _WRITES, name, str(path), str(version), str(path.parent / "stop")],
        stdout=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert ran.stdout.readline() == b"ready\n"
    return ran


@pytest.mark.slow
@pytest.mark.parametrize("name", savers.FORMATS)
def test_a_reader_beside_two_writers_always_finds_a_whole_file(name, tmp_path):
    path = tmp_path / name
    writers = [writer(name, path, version) for version in (1.0, 2.0)]
    met: set[float] = set()
    try:
        deadline = time.monotonic() + 60
        reads = 0
        while reads < 100 or (len(met) < 2 and time.monotonic() < deadline):
            versions = savers.FORMATS[name].versions(path)
            assert len(versions) == 1
            met |= versions
            reads += 1
    finally:
        (tmp_path / "stop").touch()
        ended = [each.wait(60) for each in writers]
        for each in writers:
            each.stdout.close()
    assert ended == [0, 0]
    assert met == {1.0, 2.0}
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "stop"])
