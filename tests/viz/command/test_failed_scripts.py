"""Scripts that fail, leave or are interrupted before they train, or after it: what commands say, and their JSON."""

from __future__ import annotations

import json
import sys

import pytest

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
