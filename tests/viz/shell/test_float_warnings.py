"""What NumPy prints of NaN and infinities is kept away from a command's own words, unless the script asked for it."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

from viz.shell.float_warnings import without_float_warnings

LOOP = """
import warnings
import numpy as np
import eagerflow as ef
warnings.warn("look")
w = ef.Variable(np.ones((2, 1), "float32"))
for i in range(3):
    with ef.GradientTape() as tape:
        loss = ef.ops.mean(ef.ops.log(ef.ops.matmul(np.ones((4, 2), "float32"), w) - 2.0 * i))
    w.assign_sub(0.01 * tape.gradient(loss, w))
"""


@pytest.mark.parametrize("command", ["doctor", "nonfinite"])
def test_nothing_of_numpys_stands_above_what_the_command_says(command, tmp_path):
    (tmp_path / "train.py").write_text(LOOP)
    ran = subprocess.run(
        [sys.executable, "-m", "viz", command, "train.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "log made" in ran.stdout
    assert "RuntimeWarning" not in ran.stderr
    assert "UserWarning: look" in ran.stderr  # others are shown as ever


@pytest.fixture
def printed():
    """What is printed of warnings, with no filters, as none of Python's own is about these."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.resetwarnings()
        yield shown


def log():
    return np.log(np.array([-1.0, 2.0])) + np.float32(3e38) * np.float32(10) + np.ones(1) / np.zeros(1)


def test_what_nobody_asked_for_isnt_printed(printed):
    with without_float_warnings():
        log()
    assert printed == []
    log()
    assert len(printed) == 3  # elsewhere, each is


def test_warnings_that_were_asked_for_of_numpy_are_printed(printed):
    with without_float_warnings():
        np.seterr(invalid="warn")
        log()
    assert [str(each.message) for each in printed] == ["invalid value encountered in log"]


@pytest.mark.usefixtures("printed")
@pytest.mark.parametrize("before", [True, False])
def test_warnings_that_were_made_errors_are_raised(before):
    if before:
        warnings.simplefilter("error")
    with without_float_warnings():
        if not before:
            warnings.filterwarnings("error", "invalid value")
        with pytest.raises(RuntimeWarning, match="invalid value encountered"):
            log()


@pytest.mark.usefixtures("printed")
def test_who_catches_warnings_catches_these():
    with without_float_warnings(), warnings.catch_warnings(record=True) as caught:
        np.log(np.array([-1.0]))
    assert [(str(each.message), each.filename) for each in caught] == [("invalid value encountered", __file__)]
