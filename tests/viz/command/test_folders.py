"""Scripts that go to another folder: commands write where they were started, and the script stays where it went."""

from __future__ import annotations

import atexit

import pytest

from viz.cli import main

GOES = """\
import os
os.makedirs("elsewhere", exist_ok=True)
os.chdir("elsewhere")
"""
TRAINS = """\
import eagerflow as ef
model = ef.Sequential([ef.layers.RandomFlip(), ef.layers.Flatten(), ef.layers.Dense(1)])
model.compile(ef.optimizers.SGD(RATE), "mse")
data = ef.random.normal(shape=(8, 2, 2, 1)).numpy(), ef.ops.ones((8, 1)).numpy()
model.fit(*data, batch_size=4, epochs=3, verbose=0)
"""
TRAINS_WELL, DIVERGES = TRAINS.replace("RATE", "0.1"), TRAINS.replace("RATE", "1e30")


@pytest.fixture
def goes(tmp_path, monkeypatch):
    """A folder whose script goes to another one, and trains there."""
    monkeypatch.chdir(tmp_path)
    register, ours = atexit.register, ("viz.", "eagerflow.")  # the folder will be gone then; HDF5 needs its own
    left_out = lambda f, *given: f if f.__module__.startswith(ours) else register(f, *given)  # noqa: E731
    monkeypatch.setattr(atexit, "register", left_out)

    def write(text):
        (tmp_path / "train.py").write_text(GOES + text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["run"], "train.efz"),
        (["run", "-o", "my.efz"], "my.efz"),
        (["run", "--draw", "my.svg"], "my.svg"),
        (["doctor", "--sarif", "my.sarif"], "my.sarif"),
        (["gap", "--draw", "my.svg"], "my.svg"),
        (["data", "--html", "my.html"], "my.html"),
        (["nonfinite", "-o", "my.efz"], "my.efz"),
        (["check", "--augmented", "my.svg"], "my.svg"),
        (["estimate", "--draw", "my.svg"], "my.svg"),
    ],
)
def test_a_script_that_goes_to_another_folder_leaves_outputs_where_the_command_began(arguments, written, goes, capsys):
    folder = goes(TRAINS_WELL)
    main([*arguments, "train.py"])
    said = capsys.readouterr()
    assert f"wrote {written}\n" in said.out + said.err
    assert (folder / written).exists()
    assert not list(folder.glob("elsewhere/*"))


def test_steps_are_kept_where_the_command_began_though_the_script_went_on(goes, capsys):
    folder = goes(DIVERGES)
    main(["run", "--keep", "2", "train.py"])
    assert "was kept in train.efr because" in capsys.readouterr().err
    assert list(folder.glob("train*.efr"))
    assert not list(folder.glob("elsewhere/*"))


def test_lines_of_a_script_that_went_elsewhere_are_named_from_where_the_command_began(goes, capsys):
    goes(TRAINS_WELL.replace("random.normal", "ops.zeros"))
    assert main(["doctor", "train.py"]) == 1
    assert "  train.py:" in capsys.readouterr().out


def test_a_script_that_removes_its_folder_is_recorded_all_the_same(goes, capsys):
    folder = goes(f"{TRAINS_WELL}os.rmdir(os.getcwd())\n")
    assert main(["run", "train.py"]) == 0
    assert (folder / "train.efz").exists()
