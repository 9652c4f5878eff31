"""CuPy compiles a kernel at its first call, and writes it to disk: no act of the step that calls it."""

from __future__ import annotations

import os
import sys
import types

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import many

ROWS = np.float32([[0.5, -1.0], [2.0, 1.5]])


def first_calls(x):
    return ef.ops.sum(ef.ops.tanh(x * 3.0) ** 2 + ef.ops.exp(-x))


def defined(text, file, names):
    """What a file of this text would define: functions that read others."""
    exec(
        compile(
            f"import os\ndef read(file):\n    with open(file) as f:\n        return f.read()\n{text}", file, "exec"
        ),
        names,
    )
    return names


def test_kernels_that_are_compiled_in_a_step_end_no_capture(gpu):
    expected, step = first_calls(ef.Tensor(ROWS, device="cpu")), ef.function(first_calls)
    np.testing.assert_allclose(many(step, ef.Tensor(ROWS)).numpy(), expected.numpy(), rtol=1e-5)
    assert (step.why_eager, step.replays > 0) == (None, True)


def test_nor_do_kernels_that_were_on_disk(cupy_stand_in):
    from tests.stand_in.cuda import compiler

    with ef.device("gpu:0"):
        first_calls(ef.Tensor(ROWS))
        compiler.forget()
        step = ef.function(first_calls)
        many(step, ef.Tensor(ROWS))
    assert (step.why_eager, step.replays > 0) == (None, True)


def test_nor_does_the_search_for_headers_of_cuda(cupy_stand_in, monkeypatch, tmp_path):
    """The package `cuda.pathfinder`, which is installed with CuPy, looks into folders and files."""
    file = tmp_path / "cuda" / "pathfinder" / "__init__.py"
    module = types.ModuleType("cuda.pathfinder")
    module.__file__ = str(file)
    module.found = []
    defined("def find_nvidia_header_directory(name):\n    found.append(read(os.devnull))", str(file), vars(module))
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", module)
    step = ef.function(first_calls)
    with ef.device("gpu:0"):
        many(step, ef.Tensor(ROWS))
    assert module.found
    assert (step.why_eager, step.replays > 0) == (None, True)


def test_what_a_library_opens_for_the_user_still_ends_one(gpu):
    step = ef.function(lambda x: x * len(np.loadtxt(os.devnull)) + ef.ops.exp(x))
    with (
        pytest.warns(UserWarning, match=r"runs eagerly, not captured: the step calls loadtxt, which opens a file"),
        pytest.warns(UserWarning, match="input contained no data"),
    ):
        many(step, ef.Tensor(ROWS))


def test_so_does_what_cupy_opens_for_the_user(cupy_stand_in):
    of_cupy = os.path.join(os.path.dirname(cupy_stand_in.__file__), "_io", "npz.py")
    made = defined("def load(file):\n    return read(file)", of_cupy, {})
    step = ef.function(lambda x: x * len(made["load"](os.devnull)) + ef.ops.exp(x))
    with ef.device("gpu:0"), pytest.warns(UserWarning, match=r"the step calls load, which opens a file"):
        many(step, ef.Tensor(ROWS))
