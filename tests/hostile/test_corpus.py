"""Every damaged or hostile file ends in a clear error and an unchanged model, or in the exact original."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib

import pytest

from tests.sources import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs fork and /proc")

CLEAR = {"ValueError", "TypeError", "FileNotFoundError", "OSError"}
# What slips out when a program didn't expect what it met.
INTERNAL = re.compile(
    r"object is not|has no attribute|unhashable|unsupported operand|indices must be|not subscriptable|"
    r"not iterable|must be str"
)
# Files that hold something else than the good one, and nothing is wrong with them.
OTHERS = re.compile(
    r"config_(name_long|layers_reversed|name_path)|not_a_number|^nul\.|^type_[KSgx]_|"
    r"^trace_(producer_itself|settings_keys|start_(huge|none)|stats_endless|without_values)|"
    r"^steps_(wrong_shape|dtype_of_objects)|"
    r"^onnx_(signs|path_name|unordered|long_chain|size_pad_away|attribute_reference)\."
)
# A text describes no weights, so that only the system can tell when they are too large.
TOO_LARGE = {"config_huge.json"}
PARTS = 8  # the first of which is read by each test run, the others by the slow one


def part_of(name):
    """In which part a file is, the same in each run."""
    return zlib.crc32(name.encode()) % PARTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("corpus")
    run("tests.hostile.corpus", made)
    return made


def run(module, folder, text=None):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    options = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, "check": True}
    return subprocess.run([sys.executable, "-m", module, str(folder)], input=text, **options).stdout


@pytest.fixture(
    scope="module",
    params=[0, *[pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS)]],
    ids=lambda part: f"part {part}",
)
def results(request, folder):
    every = sorted(path.name for path in folder.iterdir())
    names = [n for n in every if not n.startswith("good.") and part_of(n) == request.param]
    told = [json.loads(line) for line in run("tests.hostile.reader", folder, "\n".join(names)).splitlines()]
    assert len(told) == len(names) > 180
    return told


def test_there_are_enough(folder):
    assert sum(1 for path in folder.iterdir() if not path.name.startswith("good.")) >= 1700


def test_each_ends_in_time_and_in_its_memory(results):
    assert [r for r in results if "ended" in r] == []


def test_errors_are_clear_and_change_nothing(results):
    wrong = [
        r
        for r in results
        if "error" in r
        and r["name"] not in TOO_LARGE
        and not (CLEAR & set(r["kinds"]) and 0 < len(r["message"]) <= 500 and r["unchanged"])
    ]
    assert wrong == []


def test_errors_are_in_words_for_users(results):
    assert [r for r in results if "error" in r and INTERNAL.search(r["message"])] == []


def test_what_is_read_is_what_was_written(results):
    assert [r for r in results if "same" in r and not r["same"] and not OTHERS.search(r["name"])] == []
