"""How fast a processor is, and what kernels make of it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.__main__ import main
from eagerflow.kernels.convolution import algorithms, direct
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.machine import processor, speeds
from eagerflow.measuring import clock, speeds as measuring
from eagerflow.ops.windows.geometry import window_geometry
from tests.sources import ROOT


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EAGERFLOW_HOME", str(tmp_path))
    speeds.forget()
    yield tmp_path
    speeds.forget()


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
    assert speeds.derived().products == speeds._BY_BITS[bits]["products"]


def test_another_blas_is_taken_to_be_as_wide_as_numpy(monkeypatch):
    monkeypatch.setattr(processor, "blas_core", lambda: "")
    monkeypatch.setattr(processor, "numpy_bits", lambda: 256)
    assert processor.blas_bits() == 256


def test_slower_transforms_leave_few_channels_to_the_compiled_convolution(monkeypatch):
    """Winograd's algorithm saves multiply-adds, which narrow vectors do nearly as fast, and pays with transforms."""
    shapes, faster = images(32), {}
    for bits in (512, 256):
        monkeypatch.setattr(speeds, "blas_bits", lambda bits=bits: bits)
        speeds.forget()
        faster[bits] = direct.microseconds(shapes) < algorithms._winograd_microseconds(shapes)
    assert faster == {512: False, 256: True}


def test_figures_that_were_measured_here_are_used_until_they_are_forgotten(home):
    mine = speeds.derived()._replace(products=12_345.0)
    assert speeds.speeds() == speeds.derived()
    assert speeds.keep(mine).parent == home
    assert speeds.speeds() == mine
    assert main(["measure", "--off", "--quiet"]) == 0
    speeds.forget()
    assert speeds.speeds() == speeds.derived()


def test_figures_of_another_processor_are_not_used(monkeypatch):
    speeds.keep(speeds.derived()._replace(products=12_345.0))
    monkeypatch.setattr(speeds, "processor", lambda: "another one")
    speeds.forget()
    assert speeds.speeds() == speeds.derived()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"speeds": 3}',
        '{"speeds": {"products": 1}}',
        json.dumps({"speeds": dict.fromkeys(speeds.Speeds._fields, math.nan)}),
        json.dumps({"speeds": {**speeds.derived()._asdict(), "products": 1e9}}),
        json.dumps({"speeds": {**speeds.derived()._asdict(), "call": "fast"}}),
    ],
)
def test_a_damaged_file_is_named_and_not_used(text):
    speeds.path().write_text(text)
    with pytest.warns(
        RuntimeWarning, match=r"speeds-\w+\.json has no credible speeds.*Fix: python -m eagerflow measure"
    ):
        assert speeds.speeds() == speeds.derived()


def test_every_figure_is_measured(monkeypatch):
    """With calls that take ten microseconds each, whatever they do."""
    called = []
    monkeypatch.setattr(measuring, "microseconds", lambda call, *given, **named: called.append(call()) or 10.0)
    found = measuring.measured()
    assert len(called) > len(speeds.Speeds._fields)
    assert all(math.isfinite(figure) and figure > 0 for figure in found)
    assert found.exponentials == (1 << 16) / 10


def test_a_call_is_timed_by_the_best_of_several_tries(monkeypatch):
    now, takes = [0.0], iter([5.0, 300.0, 250.0, 700.0, 260.0])

    def call():
        now[0] += next(takes) / 1e6

    monkeypatch.setattr(clock, "perf_counter", lambda: now[0])
    assert clock.microseconds(call, tries=4) == pytest.approx(250.0)  # the first call is for the caches


def test_the_command_measures_and_says_what_it_keeps(home, capsys):
    assert main(["measure"]) == 0
    told = capsys.readouterr().out
    assert "products" in told
    assert str(home) in told
    kept = json.loads(speeds.path().read_text())
    assert kept["processor"] == processor.processor()
    assert speeds.speeds()._asdict() == kept["speeds"]


def test_the_command_names_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EAGERFLOW_HOME", str(tmp_path / "file"))
    assert main(["measure", "--quiet"]) == 2  # as viz has it
    assert "can't be written" in capsys.readouterr().err


def test_figures_that_are_read_during_a_captured_step_are_none_of_its_files(home):
    speeds.keep(speeds.derived())
    layer = ef.layers.Conv2D(4, 3)
    x = np.ones((2, 8, 8, 3), "float32")
    wanted = layer(x).numpy()

    def step(x):
        speeds.forget()
        return layer(x)

    captured = ef.function(step)
    for _ in range(4):
        assert np.array_equal(captured(x).numpy(), wanted)


def test_a_reader_who_goes_away_ends_a_command_without_a_traceback_as_a_closed_pipe_does(tmp_path):
    environment = {**os.environ, "EAGERFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "eagerflow", "measure", "--off"]
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does
    done = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")  # so that pipefail notices
