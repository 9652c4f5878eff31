"""`viz reproduce` names the first result in which two runs differ."""

from __future__ import annotations

import json

import pytest

import eagerflow as ef
from tests.viz.doctor.planted import PRELUDE
from viz.check.journal import Event, read
from viz.check.reproduce import compare, reproduce, run_noted
from viz.cli import main
from viz.shell.program import Script

TRAIN = """
model = ef.Sequential([layers.Dense(4), layers.Dropout(0.5), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x, target, batch_size=16, epochs=1, verbose=0)
"""


def noted(tmp_path, source, name):
    """The journal of a run in this process, in which layers are counted again."""
    ef.backend.clear_session()
    (tmp_path / "train.py").write_text(source)
    assert run_noted(Script(str(tmp_path / "train.py")), 3, str(tmp_path / name)) == 0
    return read(str(tmp_path / name))


def reproduced(tmp_path, capsys, source, *options):
    (tmp_path / "train.py").write_text(source)
    status = main(["reproduce", "--json", *options, str(tmp_path / "train.py")])
    return status, json.loads(capsys.readouterr().out)


def test_a_seeded_script_gives_the_same_bits(tmp_path):
    (first, events), (second, others) = [noted(tmp_path, PRELUDE + TRAIN, name) for name in "ab"]
    found = compare([first, second], [events, others])
    assert found.same
    assert found.steps == 3
    assert found.events > 30


def test_the_first_difference_is_named(tmp_path):
    model = TRAIN.replace("layers.Dense(4)", "layers.Input((8,)), layers.Dense(4)")
    source = (PRELUDE + model).replace("ef.utils.set_random_seed(1)", "")
    (first, events), (second, others) = [noted(tmp_path, source, name) for name in "ab"]
    found = compare([first, second], [events, others])
    assert not found.same
    assert (found.first.kind, found.place.line) == ("weights", 12)
    assert ":12" not in found.message  # which stands beside its line
    assert "set_random_seed" in found.fix


def test_a_generator_without_a_seed_is_named_with_its_line(tmp_path):
    source = PRELUDE.replace("default_rng(1)", "default_rng()") + TRAIN
    runs = [noted(tmp_path, source, name) for name in "ab"]
    found = compare([head for head, _ in runs], [events for _, events in runs])
    assert (found.first.kind, found.first.step) == ("data", 0)
    assert "a generator without a seed is made on line 5" in found.message


def failure(tmp_path, source):
    """How a run of the script failed, as the run that noted it says."""
    (tmp_path / "train.py").write_text(source)
    assert run_noted(Script(str(tmp_path / "train.py")), 3, str(tmp_path / "journal")) != 0
    return read(str(tmp_path / "journal"))[0]["failed"]


def test_an_error_is_told_whole_with_its_line(tmp_path):
    source = "import eagerflow as ef\nm = ef.Sequential([ef.layers.Dense(3)])\nm(ef.ops.ones((2, 4)))\n"
    failed = failure(tmp_path, source + "m(ef.ops.ones((8, 5)))\n")
    assert failed.startswith("raised ValueError at train.py:4: Dense")
    assert "length 4 at axis -1" in failed
    assert "In the call of Sequential" in failed
    assert failure(tmp_path, "\nopen('none.csv')").startswith("raised FileNotFoundError at train.py:2: ")
    assert failure(tmp_path, "import json\njson.loads('{')").startswith("raised JSONDecodeError at train.py:2: ")


def test_a_script_that_leaves_is_told_with_its_status(tmp_path):
    assert failure(tmp_path, "import sys\nsys.exit(7)") == "left with status 7"
    assert failure(tmp_path, "import sys\nsys.exit('no data')") == "left with status 1: no data"


@pytest.mark.slow
def test_the_command_runs_a_script_twice(tmp_path, capsys):
    status, found = reproduced(tmp_path, capsys, PRELUDE + TRAIN, "--steps", "3")
    assert (status, found["steps"]) == (0, 3)
    status, found = reproduced(tmp_path, capsys, (PRELUDE + TRAIN).replace("ef.utils.set_random_seed(1)", ""))
    assert (status, found["file"]) == (1, str(tmp_path / "train.py"))
    status, found = reproduced(tmp_path, capsys, "raise KeyError(1)")
    assert (status, found["same"], found["message"]) == (3, None, "it raised KeyError at train.py:1: 1")


def events(*sums):
    return [Event("op", "exp", each, "train.py", 3, 1) for each in sums]


def head(**seeds):
    return {"seeds": {"eagerflow": 1, "numpy": 1, "python": 1} | seeds, "steps": 2}


def test_equal_runs_are_the_same():
    found = compare([head(), head()], [events(1, 2), events(1, 2)])
    assert found.same
    assert found.place is None


def test_a_difference_is_that_of_the_first_unequal_result():
    found = compare([head(), head(numpy=2)], [events(1, 2, 3), events(1, 5, 6)])
    assert (found.same, found.events, found.place) == (False, 1, ("train.py", 3))
    assert "numpy.random was not seeded" in found.message


def test_runs_of_another_length_differ_where_the_shorter_one_ends():
    found = compare([head(), head()], [events(1, 2), events(1)])
    assert (found.same, found.events) == (False, 1)
    assert "goes on" in found.message


def test_what_a_script_prints_may_be_no_text_of_the_console(tmp_path, monkeypatch):
    """As under a console of GBK: the bytes are no UTF-8."""
    script = tmp_path / "leaves.py"
    script.write_text("import os, sys\nos.write(2, b'\\xc4\\xe3\\xff\\n')\nsys.exit(3)\n")
    assert reproduce(Script(str(script)), None) == "it left with status 3"
