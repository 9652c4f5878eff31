"""Files that are none, disks that are full, and output that goes nowhere: told in one line, before a script runs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

import viz
from viz.cli import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="devices of Unix")

OPS = "import eagerflow as ef\nprint('runs')\nef.ops.exp(ef.ops.ones((2, 3)))\n"


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(OPS, encoding="utf-8")
    return "train.py"


@pytest.mark.parametrize("command", ["run", "doctor", "nonfinite", "gap", "check"])
def test_the_input_is_no_script(command, script, capsys):
    assert main([command, "-"]) == 2
    assert "not from the input" in capsys.readouterr().err


def test_a_device_that_cannot_be_replaced_is_refused_before_the_script_runs(script, capsys):
    assert main(["run", "-o", "/dev/null", script]) == 2
    out, err = capsys.readouterr()
    assert "cannot write '/dev/null': it is a pipe, device or socket" in err
    assert out == ""


def test_a_recording_for_which_there_is_no_room_is_written_elsewhere(script, tmp_path, monkeypatch, capsys):
    full, save = tmp_path / "train.efz", viz.Recording.save

    def save_where_there_is_room(recording, path):
        if os.path.abspath(path) == str(full):
            raise OSError(errno.ENOSPC, "No space left on device", str(full))
        return save(recording, path)

    monkeypatch.setattr("viz.Recording.save", save_where_there_is_room)
    assert main(["run", script]) == 2
    said = capsys.readouterr().err
    assert "cannot write 'train.efz': no space left on device; it was written to " in said
    elsewhere = said.partition("written to ")[2].partition(" instead")[0]
    assert [op.name for op in viz.load(elsewhere).ops] == ["exp"]


@pytest.mark.parametrize(
    ("name", "said"), [("train.py", "'train.py' is a script, not a file of kept steps"), ("a.efr", "'a.efr' is empty")]
)
def test_what_holds_no_kept_steps_is_told_apart(name, said, script, tmp_path, capsys):
    (tmp_path / name).touch()
    assert main(["replay", name]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are UTF-8 there")
def test_a_folder_whose_name_is_no_text(tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"f\xff")
    os.mkdir(folder)
    with open(os.path.join(folder, b"train.py"), "w", encoding="utf-8") as file:
        file.write(OPS)
    recording = os.fsdecode(os.path.join(folder, b"train.efz"))
    program = "import sys; from viz.cli import main; sys.exit(main(sys.argv[1:]))"
    for words in (
        ["run", "-o", recording, os.fsdecode(os.path.join(folder, b"train.py"))],
        ["draw", recording, "a.svg"],
        ["html", recording, "a.html"],
        ["tensorboard", recording, "tb"],
        ["doctor", "--sarif", "a.sarif", os.fsdecode(os.path.join(folder, b"train.py"))],
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], cwd=tmp_path, capture_output=True, errors="replace", check=False
        )
        assert done.returncode in ((0,) if words[0] != "doctor" else (0, 1, 3)), done.stderr
        assert "surrogates" not in done.stderr
