"""Every damaged or hostile file ends in a clear error and an unchanged model, or in the exact original."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.sources import ROOT

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin", reason="needs fork and /proc"
)

CLEAR = {"ValueError", "TypeError", "FileNotFoundError", "OSError"}
# What slips out when a program didn't expect what it met.
INTERNAL = re.compile(
    r"object is not|has no attribute|unhashable|unsupported operand|indices must be|not subscriptable"
)
# Files of other models than the good one: nothing is wrong with them.
OTHERS = re.compile(r"config_(name_long|layers_reversed|name_path)|not_a_number")
# A text describes no weights, so that only the system can tell when they are too large.
TOO_LARGE = {"config_huge.json"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    start = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, "check": True}
    subprocess.run([sys.executable, "-m", "tests.hostile.corpus", str(folder)], **start)
    paths = [str(path) for path in sorted(folder.iterdir()) if not path.name.startswith("good.")]
    done = subprocess.run([sys.executable, "-m", "tests.hostile.reader"], input="\n".join(paths), **start)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(paths)
    return told


def test_there_are_enough(results):
    assert len(results) >= 450


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
    different = [r for r in results if "same" in r and not (r["same"] and r["config"])]
    assert [r for r in different if not OTHERS.search(r["name"])] == []
