"""Functions run in forks of a program that has loaded what they need."""

from __future__ import annotations

import json
import os

import pytest

from tests.sources import ROOT
from tools.site.warm import Warm

NOTING = """
import json, os
def note(target):
    with open(target, "w") as file:
        json.dump({"process": os.getpid(), "folder": os.getcwd()}, file)
    os.environ["LEFT"] = os.environ.get("LEFT", "") + "x"
    print(os.environ["LEFT"])
"""


def begun(folder, module):
    return Warm((module,), {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])})


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    (folder / "noting.py").write_text(NOTING, encoding="utf-8")
    with begun(folder, "noting") as found:
        yield found


def test_each_run_has_a_process_and_a_folder_of_its_own_and_leaves_nothing_to_the_next(programs, tmp_path):
    noted = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        assert programs.run("noting:note", [str(tmp_path / "noted.json")], folder, 60) == (0, "x\n")
        noted.append(json.loads((tmp_path / "noted.json").read_text(encoding="utf-8")))
        assert noted[-1]["folder"] == str(folder)
    assert noted[0]["process"] != noted[1]["process"]


def test_what_fails_crashes_or_takes_too_long_is_told_and_the_next_run_is_fine(programs, tmp_path):
    failed = programs.run("json:loads", ["no JSON"], tmp_path, 60)
    assert failed.code == 1
    assert "JSONDecodeError: Expecting value" in failed.told
    assert programs.run("os:abort", [], tmp_path, 60).code < 0
    assert programs.run("time:sleep", [600], tmp_path, 0.05).code is None
    assert programs.run("noting:note", [str(tmp_path / "noted.json")], tmp_path, 60).code == 0


def test_a_program_that_can_not_load_its_modules_says_so(tmp_path, capfd):
    with (
        begun(tmp_path, "no_such_module") as programs,
        pytest.raises(RuntimeError, match="loads no_such_module has ended: 1"),
    ):
        programs.run("json:loads", ["1"], tmp_path, 60)
    assert "No module named 'no_such_module'" in capfd.readouterr().err
