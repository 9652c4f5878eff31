"""Programs that read and write one file at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.durability import savers
from tests.durability.stepping import before_each

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


def skip_without_exchange(name, folder):
    if name == "folder" and not savers.can_exchange(folder):
        pytest.skip("this file system can't swap the names of two folders in one step")


@pytest.mark.slow
@pytest.mark.parametrize("name", savers.EVERY)
def test_a_reader_before_each_call_of_a_save_finds_the_old_version_and_then_the_new_one(name, tmp_path):
    skip_without_exchange(name, tmp_path)
    chosen, path, met = savers.EVERY[name], tmp_path / name, []

    def read(what, where):
        if what != "read":
            met.append(chosen.versions(path))

    chosen.save(path, 1.0)
    with before_each(read):
        chosen.save(path, 2.0)
    assert met == [{1.0}] * met.count({1.0}) + [{2.0}] * met.count({2.0})
    assert min(met.count({1.0}), met.count({2.0})) >= 1
    assert chosen.versions(path) == {2.0}


@pytest.mark.slow
@pytest.mark.parametrize("name", savers.EVERY)
def test_a_whole_save_before_each_file_that_a_reader_opens_gives_one_of_the_two_versions(name, tmp_path):
    skip_without_exchange(name, tmp_path)
    chosen, path = savers.EVERY[name], tmp_path / name
    chosen.save(path, 1.0)
    assert chosen.versions(path) == {1.0}
    last, seen = 0, 0
    while seen >= last:
        last, seen = last + 1, 0
        chosen.save(path, 1.0)

        def write(what, where, last=last):
            nonlocal seen
            if str(tmp_path) in where:
                seen += 1
                if seen == last:
                    chosen.save(path, 2.0)

        with before_each(write):
            assert chosen.versions(path) in ({1.0}, {2.0})
    assert last > 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.keras", "folder", "w.weights.json"])
def test_a_whole_save_before_each_call_of_another_one_leaves_one_of_the_two_versions(name, tmp_path):
    skip_without_exchange(name, tmp_path)
    chosen, path = savers.EVERY[name], tmp_path / name
    chosen.save(path, 1.0)
    last, seen = 0, 0
    while seen >= last:
        last, seen = last + 1, 0

        def write(what, where, last=last):
            nonlocal seen
            if what != "read":
                seen += 1
                if seen == last:
                    chosen.save(path, 3.0)
                    savers.fill(2.0)  # as the first writer had it

        with before_each(write):
            chosen.save(path, 2.0)
        assert chosen.versions(path) in ({2.0}, {3.0})
    assert last > 4
