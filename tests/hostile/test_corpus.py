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
    r"^long\.words\.json|"
    r"^onnx_(signs|path_name|unordered|long_chain|size_pad_away|attribute_reference)\."
)
# A text describes no weights, so that only the system can tell when they are too large.
TOO_LARGE = {"config_huge.json"}
PARTS = 4  # each of which makes all files anew where it runs in a process of its own


def part_of(name):
    """In which part a file is, the same in each run."""
    return zlib.crc32(name.encode()) % PARTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("corpus")
    run("tests.hostile.corpus", made)
    assert sum(1 for path in made.iterdir() if not path.name.startswith("good.")) >= 1700
    return made


def run(module, folder, text=None):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    options = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, "check": True}
    return subprocess.run([sys.executable, "-m", module, str(folder)], input=text, **options).stdout


@pytest.fixture(
    scope="module",
    params=[pytest.param(part, marks=pytest.mark.slow) for part in range(PARTS)],
    ids=lambda part: f"part {part}",
)
def results(request, folder):
    every = sorted(path.name for path in folder.iterdir())
    names = [n for n in every if not n.startswith("good.") and part_of(n) == request.param]
    told = [json.loads(line) for line in run("tests.hostile.reader", folder, "\n".join(names)).splitlines()]
    assert len(told) == len(names) > 180
    return told


def test_each_ends_with_a_clear_error_or_the_exact_original(results):
    """One test, so that one process alone makes the files and reads them."""
    errors = [r for r in results if "error" in r]
    wrong = {
        "took too much time or memory": [r for r in results if "ended" in r],
        "unclear, or the model changed": [r for r in errors if r["name"] not in TOO_LARGE and not is_clear(r)],
        "in words for developers": [r for r in errors if INTERNAL.search(r["message"])],
        "another model than was written": [
            r for r in results if "same" in r and not r["same"] and not OTHERS.search(r["name"])
        ],
    }
    assert {what: found for what, found in wrong.items() if found} == {}


def is_clear(result):
    return CLEAR & set(result["kinds"]) and 0 < len(result["message"]) <= 500 and result["unchanged"]
