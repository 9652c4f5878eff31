"""What the doctor gives to tools: SARIF, annotations, patches, findings as data."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.viz.doctor.planted import PLANTED, PRELUDE, script
from viz.cli import main
from viz.doctor import Finding
from viz.doctor.checks.all_checks import ADVICE
from viz.doctor.code_review import github_lines, sarif
from viz.doctor.patches import changed_line, patch
from viz.doctor.watched_script import examine

SICK = """\
import numpy as np
import eagerflow as ef
from eagerflow import layers
x = np.eye(8, dtype="float32")
model = ef.Sequential([layers.Dense(4, activation="relu"),
                       layers.Dense(1, activation="softmax")])
model.compile("adam", "binary_crossentropy")
model.fit(x, x[:, :1], verbose=0)
"""


@pytest.fixture
def sick(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SICK)
    return tmp_path


def check_sarif(log):
    """The parts that the schema of SARIF 2.1.0 asks for, with their types."""
    assert log["version"] == "2.1.0"
    assert set(log) == {"$schema", "version", "runs"}
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert isinstance(driver["name"], str)
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert all(isinstance(i["executionSuccessful"], bool) for i in run["invocations"])
    assert all(base["uri"].endswith("/") for base in run["originalUriBaseIds"].values())
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        for location in result.get("locations", ()):
            place = location["physicalLocation"]
            assert place["artifactLocation"].get("uriBaseId", "SRCROOT") in run["originalUriBaseIds"]
            assert not place["artifactLocation"]["uri"].startswith("/")
            assert place["region"]["startLine"] >= 1
            assert place["region"]["startColumn"] >= 1
    return run


def test_sarif_is_written_beside_the_report(sick, capsys):
    assert main(["doctor", "--sarif", "out.sarif", "train.py"]) == 1
    run = check_sarif(json.loads((sick / "out.sarif").read_text()))
    first = run["results"][0]
    assert first["ruleId"] == "loss_mismatch.one_unit"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "train.py", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": 6, "startColumn": 24}
    assert "loss_mismatch" in capsys.readouterr().out


def test_sarif_says_when_the_script_failed():
    run = check_sarif(json.loads(sarif([], "1", succeeded=False)))
    assert run["invocations"] == [{"executionSuccessful": False}]
    assert run["results"] == []
    assert check_sarif(json.loads(sarif([Finding("overfit", "info", "m", "f", evidence={"x": float("inf")})], "1")))


def test_sarif_refuses_a_folder_that_is_not_there(sick, capsys):
    assert main(["doctor", "--sarif", "gone/out.sarif", "train.py"]) == 2
    assert "doesn't exist" in capsys.readouterr().err


def test_annotations_stand_on_lines_of_their_own(sick, capsys):
    assert main(["doctor", "--annotations", "github", "train.py"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert lines[0].startswith("::error file=train.py,line=6,col=24,title=loss_mismatch.one_unit::")
    assert {line.partition(" ")[0] for line in lines} <= {"::error", "::warning", "::notice"}


def test_annotations_escape_what_would_end_them():
    finding = Finding("overfit", "info", "50 %\nof: it", "f", file="a,b:c.py", line=2)
    (line,) = github_lines([finding]).splitlines()
    assert line.startswith("::notice file=a%2Cb%3Ac.py,line=2,")
    assert "50 %25%0Aof: it" in line


def test_the_patch_is_alone_on_stdout_and_nothing_is_written(sick, capsys):
    assert main(["doctor", "--fix", "train.py"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[:2] == ["--- a/train.py", "+++ b/train.py"]
    assert '-                       layers.Dense(1, activation="softmax")])' in said.out
    assert '+                       layers.Dense(1, activation="sigmoid")])' in said.out
    assert "loss_mismatch" in said.err
    assert (sick / "train.py").read_text() == SICK


def test_the_patch_of_a_script_elsewhere_can_be_applied_where_it_says(sick, capsys, monkeypatch):
    (sick / "beside").mkdir()
    monkeypatch.chdir(sick / "beside")
    assert main(["doctor", "--fix", "../train.py"]) == 1
    said = capsys.readouterr()
    assert f"git -C {sick} apply" in said.err
    assert said.out.startswith("--- a/train.py")
    subprocess.run(["git", "-C", str(sick), "apply"], input=said.out, text=True, check=True)
    assert (sick / "train.py").read_text() != SICK


def test_two_findings_of_one_line_are_both_cured_and_what_is_left_is_named(sick, capsys):
    (sick / "both.py").write_text(
        PRELUDE
        + """\
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile("sgd", ef.losses.BinaryCrossentropy(from_logits=True))
model.fit(1000 * x, onehot, epochs=3, verbose=0)
"""
    )
    main(["doctor", "--fix", "both.py"])
    said = capsys.readouterr()
    assert '+model.compile("sgd", ef.losses.CategoricalCrossentropy(from_logits=False))' in said.out
    assert said.out.count("\n+") == 2  # the file's name, and this line
    assert "the patch leaves to you: unscaled_input (line 13)" in said.err


def test_json_and_fix_exclude_each_other(sick, capsys):
    assert main(["doctor", "--fix", "--json", "train.py"]) == 2
    assert "give one of them" in capsys.readouterr().err


CURES = {
    ("loss_mismatch", "softmax and from_logits"): "from_logits=False",
    ("loss_mismatch", "class numbers with categorical crossentropy"): '"sparse_categorical_crossentropy"',
    ("loss_mismatch", "one-hot rows with sparse crossentropy"): '"categorical_crossentropy"',
    ("loss_mismatch", "classes with binary crossentropy"): '"categorical_crossentropy"',
    ("softmax_axis", "over the rows"): "axis=-1",
    ("loss_sign", "the negative of what should be small"): "return ops.mean(",
    ("stopped_early", "accuracy that shall fall"): 'mode="max"',
    ("sorted_rows", "as read from folders"): "shuffle=True",
}
UNSURE = [
    ("loss_mismatch", "softmax over one unit, in a loop"),
    ("loss_mismatch", "logits for probabilities"),
    ("unscaled_input", "pixels"),
    ("linear_stack", "two dense layers"),
    ("initial_weights", "ones"),
    ("loss_sign", "an overlap that should become large"),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize(("kind", "name"), CURES)
def test_lines_are_changed_where_the_cure_is_certain(kind, name, tmp_path, capsys):
    path = tmp_path / "train.py"
    source, line = script(PLANTED[kind][name])
    path.write_text(source)
    changes = {f.line: changed_line(f) for f in examine(str(path)).diagnosis if f.kind == kind}
    assert CURES[kind, name] in changes[line]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize(("kind", "name"), [case for case in UNSURE if case[1] in PLANTED[case[0]]])
def test_no_patch_where_it_is_not_certain(kind, name, tmp_path, capsys):
    path = tmp_path / "train.py"
    path.write_text(script(PLANTED[kind][name])[0])
    assert patch(examine(str(path)).diagnosis) == ""


def test_rows_whose_order_counts_stay_in_it(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("model.fit(x, y, shuffle=False)\n# layers.LSTM(3, stateful=True)\n")
    assert changed_line(Finding("sorted_rows", "error", "m", "f", file=str(path), line=1)) is None


def test_every_way_has_its_advice():
    assert all(ADVICE.values())
    assert Finding("overfit", "info", "m", "f").rule == "overfit"
