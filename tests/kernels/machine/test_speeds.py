"""How fast a processor is, and what kernels make of it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from eagerflow.kernels.convolution import algorithms, direct
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.machine import processor, speeds
from eagerflow.ops.windows.geometry import window_geometry
from tests.sources import ROOT


@pytest.fixture(autouse=True)
def _speeds_as_before():
    speeds.speeds.cache_clear()
    yield
    speeds.speeds.cache_clear()


def images(channels, batch=64, length=32):
    x = np.empty((batch, length, length, channels), "float32")
    return Shapes.of(x, (3, 3, channels, channels), window_geometry((length, length), (3, 3), 1, "same"))


@pytest.mark.parametrize(
    ("core", "bits"),
    [("SkylakeX", 512), ("SapphireRapids", 512), ("Haswell", 256), ("Zen", 256), ("Nehalem", 128), ("neoversen1", 128)],
)
def test_what_is_usual_follows_from_the_kernels_that_blas_has_chosen(core, bits, monkeypatch):
    monkeypatch.setattr(processor, "blas_core", lambda: core)
    assert processor.blas_bits() == bits
    assert speeds.speeds().products == speeds._BY_BITS[bits]["products"]


def test_another_blas_is_taken_to_be_as_wide_as_numpy(monkeypatch):
    monkeypatch.setattr(processor, "blas_core", lambda: "")
    monkeypatch.setattr(processor, "numpy_bits", lambda: 256)
    assert processor.blas_bits() == 256


def test_slower_transforms_leave_few_channels_to_the_compiled_convolution(monkeypatch):
    """Winograd's algorithm saves multiply-adds, which narrow vectors do nearly as fast, and pays with transforms."""
    shapes, faster = images(32), {}
    for bits in (512, 256):
        monkeypatch.setattr(speeds, "blas_bits", lambda bits=bits: bits)
        speeds.speeds.cache_clear()
        faster[bits] = direct.microseconds(shapes) < algorithms._winograd_microseconds(shapes)
    assert faster == {512: False, 256: True}


def test_a_reader_who_goes_away_ends_a_command_without_a_traceback_as_a_closed_pipe_does(tmp_path):
    environment = {**os.environ, "EAGERFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "eagerflow", "compile", "--off"]
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does
    done = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")  # so that pipefail notices
