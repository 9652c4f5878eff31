"""What README.md begins with is what the three commands print."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.sources import ROOT
from viz.doctor.finding import KINDS

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.search(r"^```\n(\$ viz doctor .*?)^```$", README, re.MULTILINE | re.DOTALL)
SCRIPT = "examples/mistakes/stuck.py"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def printed(folder, *command):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    return done.stdout, done.stderr


def alike(said, shown):
    """The same words; numbers may differ between processors, as a training that gets stuck ends elsewhere on others."""
    assert NUMBER.sub("#", said).split() == NUMBER.sub("#", shown).split()
    for one, other in zip(NUMBER.finditer(said), NUMBER.finditer(shown), strict=True):
        per_cent = said[one.end() : one.end() + 1] == "%"
        assert float(one[0]) == pytest.approx(float(other[0]), rel=0.2, abs=3 if per_cent else 1e-9)


def test_the_fault_is_found_and_mended_as_it_is_shown(tmp_path):
    assert BLOCK is not None
    first, second, third = re.split(r"^\$ ", BLOCK[1], flags=re.MULTILINE)[1:]
    assert first.startswith(f"viz doctor {SCRIPT}\n")
    assert second == f"viz doctor --fix {SCRIPT} 2>/dev/null | git apply\n"
    assert third.startswith(f"python -m eagerflow run {SCRIPT}\n")
    script = tmp_path / SCRIPT
    script.parent.mkdir(parents=True)
    script.write_bytes((ROOT / SCRIPT).read_bytes())
    patch, report = printed(tmp_path, "-m", "viz", "doctor", "--fix", SCRIPT)
    alike(report, first.partition("\n")[2])
    for line in patch.splitlines():
        if line.startswith("-") and not line.startswith("---"):
            script.write_text(script.read_text("utf-8").replace(line[1:], _added(patch)), encoding="utf-8")
    out, _ = printed(tmp_path, "-m", "eagerflow", "run", SCRIPT)
    alike(out, third.partition("\n")[2])


def _added(patch):
    (line,) = [each[1:] for each in patch.splitlines() if each.startswith("+") and not each.startswith("+++")]
    return line


def test_the_summary_is_the_one_that_is_printed():
    """But for the times, which are those of another machine."""
    ef.utils.clear_session()  # layers are called as in a program that makes these alone
    shown = re.search(r"^```text\n(recording: .*?)^```$", README, re.MULTILINE | re.DOTALL)
    x = np.zeros((32, 8, 8))
    dense = [layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")]
    model = ef.Sequential([layers.Input((8, 8)), layers.Flatten(), *dense])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.train_on_batch(x, np.zeros(32, "uint8"))
    with viz.trace() as trace:
        model.train_on_batch(x, np.zeros(32, "uint8"))
    printed = str(trace.summary())
    assert untimed(printed) == untimed(shown[1])


def untimed(table):
    """Its words without times, and lines between rows as short ones: columns are as wide as times need."""
    return re.sub(r"[\d.]+ (?:µs|ms)", "TIME", re.sub("─+", "─", table)).split()


def test_it_says_how_many_names_of_keras_are_missing():
    table = re.search(
        r"^\| here, same signature .*\n.*\n\| (.*) \|$", (ROOT / "docs/keras.md").read_text("utf-8"), re.M
    )
    same, different, not_yet, left_out = map(int, table[1].split(" | "))
    words = " ".join(README.split())
    assert f"of {same + different + not_yet + left_out:,} public names of Keras 3.15" in words
    assert f"{left_out} are left out for good, and {different} have another signature; all others" in words
    assert not_yet == 0  # else the sentence has to say so


def test_it_says_how_many_kinds_there_are():
    assert f"{len(KINDS)} kinds of such faults" in README
