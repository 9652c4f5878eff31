"""Scripts that fail, modules, and scripts of Keras under the commands of viz."""

from __future__ import annotations

import builtins
import importlib.util
import json
import os
import sys

import pytest

import viz
from eagerflow import compat
from eagerflow.__main__ import main as eagerflow
from viz.cli import main

TRAINS = """\
import eagerflow as ef
model = ef.Sequential([ef.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(ef.ops.ones((8, 2)).numpy(), ef.ops.ones((8, 1)).numpy(), batch_size=4, verbose=0)
"""
ENDS = [
    ("1 / 0\n", 3, "the script failed"),
    ("raise KeyboardInterrupt\n", 130, "Ctrl-C ended the script"),
    ("raise SystemExit(7)\n", 3, "the script left with status 7"),
]


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "train.py").write_text(text, encoding="utf-8")
        return "train.py"

    return write


@pytest.mark.parametrize("command", ["gap", "data", "nonfinite", "doctor"])
@pytest.mark.parametrize(("source", "status", "said"), ENDS)
def test_how_a_script_ended_before_it_trained_is_said(command, source, status, said, script, capsys):
    assert main([command, script(source)]) == status
    out, err = capsys.readouterr()
    assert f"{said} before" in out + err
    assert "is the model trained" not in out + err


@pytest.mark.parametrize("command", ["run", "gap", "data", "nonfinite", "doctor", "check"])
@pytest.mark.parametrize("name", ["jax", "paddle.nn"])
def test_a_missing_framework_is_told_to_be_none_that_viz_watches(command, name, script, monkeypatch, capsys):
    framework = name.partition(".")[0]
    monkeypatch.setitem(sys.modules, framework, None)  # as where it isn't installed
    assert main([command, script(f"import {name}\n")]) > 0
    said = f"viz watches what Keras or eagerflow computes in a script; it doesn't see what {framework} computes"
    assert said in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_missing_pytorch_is_to_be_installed_where_viz_is(script, capsys):
    assert main(["doctor", script("import torch\n")]) > 0
    assert "pip install torch" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "status", "said"), ENDS)
def test_what_trained_until_a_script_failed_is_told_as_such(source, status, said, script, capsys):
    assert main(["gap", script(TRAINS + source)]) == status
    gap = capsys.readouterr()
    assert f"note: {said}; this is about what fit did until then" in gap.out
    assert main(["data", script(TRAINS + source)]) == status
    data = capsys.readouterr()
    assert f"{said}; these are the samples until then" in data.out
    for told in (gap, data):  # the note isn't said again
        assert "until then" not in told.err
        assert told.err.rstrip().endswith(said)


@pytest.mark.parametrize("command", ["gap", "data", "nonfinite", "doctor", "check", "estimate"])
def test_json_says_that_a_script_failed(command, script, capsys):
    assert main([command, "--json", script("raise SystemExit(7)\n")]) == 3
    assert json.loads(capsys.readouterr().out)["failed"] is True
    main([command, "--json", script(TRAINS)])
    assert json.loads(capsys.readouterr().out)["failed"] is False


FAILING = """
import numpy as np, eagerflow as ef
model = ef.Sequential([ef.layers.Input((2,)), ef.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.full((4, 2), {value}), np.ones((4, 1)), verbose=0)
{then}
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("value", "then", "said"),
    [
        ("1.0", "raise KeyError", "next: viz doctor t.py; viz show"),
        ("np.nan", "", "next: viz nonfinite t.py; viz show"),
    ],
)
def test_what_answers_a_failure_comes_first_in_what_is_next(value, then, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.py").write_text(FAILING.format(value=value, then=then))
    main(["run", "t.py"])
    assert said in " ".join(capsys.readouterr().err.split())


RUNS = "import sys, eagerflow as ef\nif __name__ == '__main__':\n    ef.ops.exp(1.0)\n    print('ran', sys.argv[1:])\n"
FILES = {
    "runs_alone.py": RUNS,
    "of_many/__init__.py": "print('imported')\n",
    "of_many/train.py": RUNS,
    "of_many/inner/__init__.py": "",
    "of_many/inner/__main__.py": RUNS,
    "spread/deep/go.py": RUNS,
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of modules and packages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv[:])
    monkeypatch.setattr(sys, "path", sys.path[:])
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] in ("of_many", "spread", "runs_alone")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("runs_alone.py", "for a file, leave -m out: runs_alone.py"),
        ("of_many/train.py", "for a file, leave -m out: of_many/train.py"),
        ("nowhere", "there is no module 'nowhere' here, nor among installed packages"),
    ],
)
def test_what_is_no_module_is_refused_with_the_cure_before_anything_runs(name, said, capsys):
    for command, given in ((main, ["run"]), (main, ["doctor"]), (eagerflow, ["run"])):
        assert command([*given, "-m", name]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err
    assert not [each for each in os.listdir() if each.endswith(".efz")]


KERAS = """
import keras

model = keras.Sequential([keras.layers.Dense(2)])
model.compile("sgd", "mse")
model.train_on_batch(keras.ops.ones((4, 3)), keras.ops.ones((4, 2)))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_scripts_that_import_keras_are_recorded(folder):
    (folder / "net.py").write_text(KERAS, encoding="utf-8")
    before = builtins.__import__
    assert main(["run", "net.py"]) == 0
    assert viz.load("net.efz").find("matmul")
    assert not compat.is_installed()
    assert builtins.__import__ is before


def test_a_module_of_the_users_own_with_that_name_is_left_alone(folder):
    package = folder / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "keras.py").write_text("answer = 42", encoding="utf-8")
    code = "import eagerflow\nfrom .keras import answer\nassert int(eagerflow.ops.abs(-answer)) == 42"
    (package / "net.py").write_text(code, encoding="utf-8")
    assert main(["run", "-m", "mine.net"]) == 0
