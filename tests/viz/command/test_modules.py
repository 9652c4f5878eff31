"""`-m MODULE` of `viz` and of `eagerflow run`: names that can't be run are refused before anything runs."""

from __future__ import annotations

import os
import sys

import pytest

from eagerflow.__main__ import main as eagerflow
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
