"""`-m MODULE` of `viz` and of `eagerflow run`: names that can't be run are refused before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from eagerflow.__main__ import main as eagerflow
from eagerflow.cli.scripts import not_a_module
from tests.sources import ROOT
from viz.cli import main

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


@pytest.mark.parametrize(
    "name",
    ["runs_alone", "of_many.train", "of_many.inner", "of_many.inner.__main__", "spread.deep.go", "timeit", "json.tool"],
)
def test_what_python_runs_is_not_refused(name):
    assert not_a_module(name) == ""


def test_a_module_called_py_is_one(tmp_path):
    (tmp_path / "of_many" / "py.py").write_text(RUNS, encoding="utf-8")
    assert not_a_module("of_many.py") == ""


def test_a_module_in_a_zip_file_is_left_to_python(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("in_zip/__init__.py", "")
        archive.writestr("in_zip/train.py", RUNS)
    monkeypatch.syspath_prepend(str(tmp_path / "packed.zip"))
    assert not_a_module("in_zip.train") == ""


def test_a_module_may_stand_in_the_same_word_as_its_option():
    command = [sys.executable, "-m", "eagerflow", "run", "-mof_many.train", "--epochs", "1", "-mx"]
    found = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=found, capture_output=True, text=True, check=False)
    assert "ran ['--epochs', '1', '-mx']" in done.stdout, done.stderr
