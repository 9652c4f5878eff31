"""The demo leaves what it says, and the commands that it prints work as they are printed."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import demo
from eagerflow.__main__ import main
from tests.sources import ROOT
from viz.annotation.costs import costs_by_line
from viz.recording import load


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory):
    """Its folder, and what it printed at the end: the places of results, and the commands to go on with."""
    folder, out = tmp_path_factory.mktemp("demo"), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        assert demo.run_demo(Path("runs/demo"), epochs=1) == 0
    _, _, said = out.getvalue().partition("Test accuracy")
    places, _, commands = said.partition("Next:\n")
    return folder, places, [line.strip() for line in commands.splitlines()[::2]]


@pytest.fixture
def left(demonstrated, monkeypatch):
    folder, *said = demonstrated
    monkeypatch.chdir(folder)
    return said


def test_what_it_names_is_there(left):
    places, commands = left
    for name in ("runs/demo/step.html", "runs/demo/step.svg", "runs/demo/step.efz", "runs/demo/logs"):
        assert name in places
        assert Path(name).exists()
    for name in ("stuck.py", "train.py", "logs"):
        assert any(f"runs/demo/{name}" in command for command in commands)
        assert Path("runs/demo", name).exists()


def test_its_recording_tells_lines_as_of_a_users_script(left):
    lines = costs_by_line(load("runs/demo/step.efz")).lines[demo.__file__]
    assert any("layers.Conv2D(16" in line.code for line in lines.values())
    assert "layers.Conv2D(16" in Path("runs/demo/step.html").read_text("utf-8")


def test_its_two_scripts_differ_by_the_mistake_alone(left):
    learns, stuck = (Path("runs/demo", name).read_text("utf-8").splitlines()[1:] for name in ("train.py", "stuck.py"))
    (changed,) = [(one, other) for one, other in zip(learns, stuck, strict=True) if one != other]
    assert changed[0].replace(', activation="softmax"', "") == changed[1]


@pytest.mark.parametrize("known", [True, False])
def test_programs_are_called_in_a_way_that_works_from_here(tmp_path, monkeypatch, known):
    beside = tmp_path / ".venv" / "bin"
    beside.mkdir(parents=True)
    for name in ("viz", "python"):
        (beside / name).write_text("#!/bin/sh\n")
        (beside / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(beside / "python"))
    monkeypatch.setenv("PATH", str(beside) if known else "")
    program = Path(".venv", "bin", "python")
    assert demo._watcher() == ("viz" if known else f"{program} -m viz")
    assert demo._python() == ("python" if known else str(program))


@pytest.mark.slow
def test_the_commands_work_as_printed(left):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    doctor, live, top, _ = left[1]
    live = live.replace("--live", "--live --no-open --exit")
    said = []
    for command in (doctor, live, top):
        done = subprocess.run(
            command, shell=True, env=environment, capture_output=True, encoding="utf-8", timeout=200, check=False
        )
        said.append((done.returncode, done.stdout + done.stderr))
    assert said[0][0] == 1
    assert "error loss_mismatch  runs/demo/stuck.py" in said[0][1]
    assert said[0][1].startswith("test accuracy ")  # and no lines of epochs before what was found
    assert said[1][0] == 0
    assert "http://127.0.0.1" in said[1][1]
    assert said[2][0] == 0
    assert "runs/demo/train.py:" in said[2][1]
    assert "demo.py" not in said[2][1]


def test_it_draws_without_any_program(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    model = ef.Sequential([ef.layers.Flatten(), ef.layers.Dense(10, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    files = demo._show_one_step(model, np.ones((2, 8, 8, 1), "float32"), np.zeros(2, "int32"), tmp_path)
    assert all(path.stat().st_size for path in files.values())
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    demo._report(0.9, 1.0, tmp_path, files)
    assert "(and step.png)" in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_named(tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    assert demo.run_demo(tmp_path / "file" / "runs") == 2  # as viz has it
    assert "Fix: --out" in capsys.readouterr().err


def test_ctrl_c_ends_the_demo_without_a_traceback(monkeypatch, capsys):
    def interrupted(*given, **others):
        raise KeyboardInterrupt

    monkeypatch.setattr("eagerflow.demo.run_demo", interrupted)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "\n"


def test_a_disk_without_room_is_told_in_one_line(monkeypatch, capsys):
    def full(*given, **others):
        raise OSError(28, "No space left on device", "runs/step.svg")

    monkeypatch.setattr("eagerflow.demo.run_demo", full)
    assert main(["demo"]) == 2
    assert capsys.readouterr().err.endswith("demo: error: cannot write 'runs/step.svg': no space left on device\n")
