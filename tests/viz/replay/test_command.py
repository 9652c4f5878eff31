"""`viz run --keep` and `viz replay`."""

import json
import stat

import pytest

import viz
from viz.cli import main

SCRIPT = """
import sys
import numpy as np
import eagerflow as ef
from eagerflow import layers

ef.utils.set_random_seed(2)
rng = np.random.default_rng(0)
x = rng.normal(size=(40, 4)).astype("float32")
y = x.sum(1, keepdims=True)
if len(sys.argv) > 1:
    x[int(sys.argv[1]), 1] = np.inf
model = ef.Sequential([
    layers.Input((4,)),
    layers.Dense(6, activation="relu"),
    layers.Dropout(0.1, name="drop"),
    layers.Dense(1),
])
model.compile("adam", "mse")
model.fit(x, y, batch_size=8, epochs=2, verbose=0)
print("trained")
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def run(*arguments):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("warnings.showwarning", lambda *a, **k: None)
        return main([str(a) for a in arguments])


@pytest.fixture
def kept(script, capsys, recwarn):
    assert run("run", "--keep", "2", script, "23") == 0
    said = capsys.readouterr()
    assert "trained" in said.out
    assert "next: viz replay train.efr" in said.err
    return script.parent / "train.efr"


def test_a_script_is_kept_and_replayed_bit_for_bit(kept, capsys):
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert run("replay", kept) == 0
    said = capsys.readouterr().out
    assert "was kept because its loss is NaN or infinite" in said
    assert "bit for bit as it was" in said
    assert run("replay", "--json", kept) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["exact"]
    assert [row["same"] for row in facts["steps"]] == [True] * len(facts["steps"])


@pytest.mark.parametrize(
    ("options", "expected", "status"),
    [
        (["--nonfinite"], "held 1 infinite of 32 elements when it came to dense", 1),
        (["--bisect-rows"], "row 23 of the data", 0),
        (["--doctor"], "nonfinite", 1),
    ],
)
def test_each_question_has_its_answer(kept, capsys, options, expected, status):
    assert run("replay", *options, kept) == status
    assert run("replay", kept, *options) == status  # as the page and the hints write it
    assert expected in capsys.readouterr().out
    assert run("replay", "--json", *options, kept) == status
    assert json.loads(capsys.readouterr().out)


def test_a_step_is_recorded_for_other_commands(kept, capsys):
    assert run("replay", "--trace", "step.efz", kept) == 0
    assert "press play" in capsys.readouterr().out
    assert viz.load("step.efz").meta["film"]


def test_a_step_is_shown_op_by_op(kept, capsys):
    assert run("replay", "--step", kept) == 0
    said = capsys.readouterr().out
    assert "upstream × local = gradient" in said
    assert "mean_squared_error  NaN or infinity" in said
    assert said.startswith("[1/")


def test_the_doctor_of_a_replay_names_the_line_that_ran_the_op(script, capsys, recwarn):
    own = """class Half(layers.Layer):
    def call(self, x):
        return ef.ops.log(x * 0)


model = ef.Sequential(["""
    last = "    layers.Dense(1),"
    script.write_text(SCRIPT.replace("model = ef.Sequential([", own).replace(last, f"{last} Half(),"))
    line = 1 + next(i for i, text in enumerate(script.read_text().splitlines()) if "ops.log" in text)
    assert run("run", "--keep", "2", script) == 0
    capsys.readouterr()
    assert run("replay", "--doctor", "train.efr") == 1
    assert f"train.py:{line}\n" in capsys.readouterr().out
    assert run("replay", "--nonfinite", "train.efr") == 1
    assert f"train.py:{line}" in capsys.readouterr().out


def test_steps_that_go_well_leave_no_file(script, capsys):
    assert run("run", "--keep", "3", script) == 0
    told = capsys.readouterr().err
    assert "none was kept" in told
    assert "10 times the largest loss of 5 steps, 3 times that of 10, twice of 20" in told
    assert "viz.keep_step()" in told
    assert not (script.parent / "train.efr").exists()


def test_wrong_usage_says_what_is_right(kept, capsys):
    assert run("replay", "missing.efr") == 2
    assert run("replay", "--at", "99", kept) == 2
    assert run("replay", "train.py") == 2
    assert run("run", "--keep", "0", "train.py") == 2
    assert run("run", "--keep", "2", "--draw", "a.svg", "train.py") == 2
    assert run("run", "--keep", "2", "-o", "a.efz", "train.py") == 2
    said = capsys.readouterr().err
    assert "the file has the steps" in said
    assert "at least 1" in said
    assert ".efr" in said


@pytest.mark.parametrize("option", [["--stats", "basic"], ["--draw", "a.svg"], ["--steps", "1"], ["--json"]])
def test_options_of_recordings_are_refused_beside_keep(script, capsys, option):
    assert run("run", "--keep", "2", *option, script) == 2
    assert f"{option[0]} can't be combined with --keep" in capsys.readouterr().err


def test_lines_fit_into_a_narrow_terminal(kept, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    for options in ((), ("--bisect-rows",)):
        run("replay", *options, "train.efr")
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 60
    run("replay", "train.efr")
    assert "... (8)" in capsys.readouterr().out


def test_json_has_losses_as_numbers_and_all_rows(kept, capsys):
    assert run("replay", "--json", kept) == 0
    before, last = json.loads(capsys.readouterr().out)["steps"][-2:]
    assert isinstance(before["then"], float)
    assert before["then"] == before["now"]
    assert last["then"] in ("nan", "inf")
    assert [len(step["rows"]) for step in (before, last)] == [8, 8]
    assert 23 in last["rows"]
