"""`viz nonfinite` and `viz diff` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.cli import main

BAD = """\
import sys
import numpy as np
import eagerflow as ef
from eagerflow import ops
print("arguments", sys.argv[1:])
np.seterr(all="ignore")
x = ef.Variable(np.ones(3, "float32"))
for step in range(20):
    with ef.GradientTape() as tape:
        y = ops.sum(ops.log(x))  # NaN at last
    x.assign_sub(tape.gradient(y, x) * 0.09)
"""
GOOD = "import eagerflow as ef\nprint(float(ef.ops.sum(ef.ops.ones(3))))\n"


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "train.py"
        path.write_text(text, encoding="utf-8")
        return str(path)

    with np.errstate():  # which the script changes
        yield write


@pytest.mark.parametrize(("given", "frozen"), [('["show", "a.efz"]', False), ("", True)])
def test_a_process_that_ends_now_takes_no_time_to_free_a_recording(given, frozen, tmp_path):
    with viz.trace() as t:
        ops.tanh(1.0)
    t.save(tmp_path / "a.efz")
    program = f"import gc\nfrom viz.cli import main\nmain({given})\nprint(gc.get_freeze_count() > 0, gc.isenabled())"
    command = [sys.executable, "-c", program, "show", "a.efz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{frozen} True"


def test_a_script_is_run_until_nan(script, capsys):
    assert main(["nonfinite", script(BAD), "--fast", "3"]) == 1
    said = capsys.readouterr()
    assert "arguments ['--fast', '3']" in said.out
    assert "log made 3 NaN of 3 elements from finite numbers" in said.out
    assert "train.py:10" in said.out
    assert "Traceback" not in said.err  # what was found says it all


def test_what_was_found_as_json_with_the_scripts_output_elsewhere(script, capsys):
    assert main(["nonfinite", "--json", script(BAD)]) == 1
    said = capsys.readouterr()
    facts = json.loads(said.out)["nonfinite"]
    assert (facts["op"], facts["line"], facts["kind"]) == ("log", 10, "op")
    assert "arguments []" in said.err


def test_a_script_that_fails_otherwise(script, capsys):
    assert main(["nonfinite", script(GOOD + "1 / 0")]) == 3
    said = capsys.readouterr()
    assert "ZeroDivisionError" in said.err
    assert "all finite" not in said.out
    assert main(["nonfinite", "--json", script(GOOD + "1 / 0")]) == 3
    assert json.loads(capsys.readouterr().out)["failed"]


def test_a_recording_is_searched_and_the_neighbourhood_drawn(tmp_path, capsys):
    with viz.trace(stats="basic") as t, np.errstate(over="ignore"):
        ops.exp(ef.Tensor([1.0, 1000.0]))
    path = str(t.save(tmp_path / "a.efz"))
    assert main(["nonfinite", "--draw", str(tmp_path / "a.svg"), path]) == 1
    assert "exp made 1 infinite of 2 elements" in capsys.readouterr().out
    assert (tmp_path / "a.svg").exists()


def test_the_recording_of_a_run_can_be_kept(script, tmp_path):
    out = str(tmp_path / "kept.efz")
    assert main(["nonfinite", "-o", out, script(BAD)]) == 1
    assert viz.find_nonfinite(viz.load(out)).op == "log"


def test_a_recording_without_statistics(tmp_path, capsys):
    with viz.trace() as t:
        ops.exp(ef.Tensor([1.0]))
    assert main(["nonfinite", str(t.save(tmp_path / "a.efz"))]) == 2
    said = capsys.readouterr().err
    assert said.startswith("viz nonfinite: error: '")
    assert "a.efz' is a recording, not a script, and has no statistics; record them with: viz run --stats basic" in said
    assert "find_nonfinite" not in said


@pytest.fixture
def two(tmp_path):
    """Two recordings."""
    paths = []
    for name, op in (("a", ops.exp), ("b", ops.tanh)):
        with viz.trace(name, stats="basic") as t:
            op(ef.Tensor([1.0, 2.0]))
        paths.append(str(t.save(tmp_path / f"{name}.efz")))
    return paths


FIRST = """\
import numpy as np
import eagerflow as ef
from eagerflow import layers, ops

class Half(layers.Layer):
    def call(self, t):
        return ops.log(t * 0 - 1)

critic = ef.Sequential([layers.Dense(4), Half(), layers.Dense(1)])
critic.compile("sgd", "mse")
critic.fit(np.ones((8, 2), "float32"), np.ones((8, 1), "float32"), verbose=0)
"""


@pytest.mark.parametrize(
    ("command", "hint"), [("doctor", "in or after its first training step"), ("estimate", "viz check ")]
)
def test_a_first_step_that_fails_is_told_as_such(script, capsys, command, hint):
    path = script(FIRST.replace("ops.log(t * 0 - 1)", "ops.reshape(t, (7, 7))"))
    assert main([command, path]) == 3
    assert hint in capsys.readouterr().err


def test_gradients_that_are_not_finite_have_no_size(tmp_path, capsys):
    weight = ef.Variable(np.zeros(3, "float32"), name="scale")
    with viz.trace(stats="basic") as t:
        with ef.GradientTape() as tape:
            loss = ops.sum(ops.sqrt(weight) * 0)
        tape.gradient(loss, weight)
    assert main(["gradients", str(t.save(tmp_path / "a.efz"))]) == 0
    said = capsys.readouterr().out
    assert "3 not finite" in said
    assert " nan " in said
    assert "zeros" not in said  # they take stats="full"


def test_recordings_are_compared(two, capsys):
    assert main(["diff", *two]) == 1
    said = capsys.readouterr().out
    assert "ops: 1 added, 1 removed" in said
    assert main(["diff", two[0], two[0]]) == 0
    assert "no difference" in capsys.readouterr().out


def test_a_difference_as_a_page_and_as_json(two, tmp_path, capsys):
    out = tmp_path / "diff.html"
    assert main(["diff", "--html", str(out), *two]) == 1
    assert "</html>" in out.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["diff", "--json", *two]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [c["op"] for c in found["ops"]] == ["exp", "tanh"]
    assert found["usual"]["layers"]
    assert list(found)[-1] == "pairs"


def test_steps_of_one_recording(tmp_path, capsys):
    model = ef.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with viz.trace(stats="basic") as t:
        model.fit(ef.ops.ones((8, 2)).numpy(), ef.ops.ones((8, 1)).numpy(), batch_size=4, verbose=0)
    path = str(t.save(tmp_path / "a.efz"))
    assert main(["diff", "--steps", "0,1", path]) == 1
    assert "step 0 → " in capsys.readouterr().out
    assert main(["diff", path]) == 2
    assert "--steps 0,9" in capsys.readouterr().err
    assert main(["diff", "--steps", "0", path]) == 2
    assert "--steps 0,9" in capsys.readouterr().err
    assert main(["diff", "--steps", "0-1", path, path]) == 0
    assert "steps 0–1 of both were compared" in capsys.readouterr().out
    assert main(["diff", "--steps", "7-", path, path]) == 2
    assert "viz.diff(steps=7-): the first recording has the steps 0 to 1" in capsys.readouterr().err


INTERRUPTED = GOOD + "raise KeyboardInterrupt\n"


@pytest.mark.parametrize("command", ["doctor", "nonfinite", "gap", "data", "check", "run"])
def test_ctrl_c_in_a_script_ends_every_command_with_130(command, script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = INTERRUPTED if command in ("doctor", "nonfinite", "run") else "raise KeyboardInterrupt\n"
    assert main([command, script(source)]) == 130
    out, err = capsys.readouterr()
    assert "script failed" not in out
    if command == "run":
        assert err.count("ended by KeyboardInterrupt") == 1
    if command in ("doctor", "nonfinite"):
        assert f"viz {command}: " in err
        assert "Ctrl-C ended the script" in err


@pytest.mark.parametrize(("before", "left"), [("", "was not written"), ("old", "is left as it was")])
def test_ctrl_c_while_a_recording_is_written_is_told(before, left, script, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(viz.Recording, "save", interrupted)
    out = tmp_path / "a.efz"
    if before:
        out.write_text(before)
    assert main(["run", "-o", str(out), script(GOOD)]) == 130
    assert f"viz run: ended before the recording was complete; {out} {left}" in capsys.readouterr().err
    assert not before or out.read_text() == before


@pytest.mark.parametrize("option", [["--port", "80"], ["--exit"]])
def test_options_of_the_page_are_refused_where_there_is_none(option, script, capsys):
    assert main(["run", *option, script(GOOD)]) == 2
    assert f"{option[0]} is for the page in the browser" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")
def test_a_device_is_written_to_and_stays_one(tmp_path):
    with viz.trace() as t:
        ops.exp(ef.Tensor([1.0]))
    assert main(["json", str(t.save(tmp_path / "a.efz")), "/dev/null"]) == 0
    assert not os.path.isfile("/dev/null")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose modules import one another, by dots."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "of_tests").mkdir()
    code = "from . import scale\nimport eagerflow as ef\nif __name__ == '__main__':\n    ef.ops.exp(scale.by)\n"
    for name, text in (("__init__", ""), ("scale", "by = 2.0\n"), ("tr", code), ("ev", code), ("__main__", code)):
        (tmp_path / "of_tests" / f"{name}.py").write_text(text, encoding="utf-8")
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "of_tests"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("command", "status"),
    [("run", 0), ("doctor", 3), ("check", 3), ("estimate", 3), ("nonfinite", 0), ("gap", 3), ("data", 3)],
)
def test_every_command_that_runs_a_script_runs_a_module(command, status, package, capsys):
    assert main([command, "-m", "of_tests.tr", "--epochs", "3"]) == status
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "doctor", "check"])
def test_a_file_of_a_package_is_told_to_be_run_as_a_module(command, package, monkeypatch, capsys):
    main([command, os.path.join("of_tests", "tr.py")])
    told = capsys.readouterr().err
    assert "instead of the file, give -m of_tests.tr\n" in told
    assert "program.py" not in told
    monkeypatch.chdir("of_tests")
    main([command, "tr.py"])
    assert "give -m of_tests.tr, in the folder " in capsys.readouterr().err


def test_what_was_run_is_named_unless_a_shell_would_obey_it(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script(FIRST)
    with pytest.warns(UserWarning, match="the loss is"):
        assert main(["run", "train.py"]) == 0
    assert main(["show", "train.efz"]) == 0
    assert "next: viz nonfinite train.py (where NaN begins)" in capsys.readouterr().out
    t = viz.load("train.efz")
    odd = [(["a.py; rm *"], "SCRIPT"), (["$(rm a)"], "SCRIPT"), (["`a`"], "SCRIPT"), ([1], "SCRIPT"), ("x", "SCRIPT")]
    for told, named in ((["my train.py"], "'my train.py'"), (["-m", "a.b"], "-m a.b"), *odd):
        t.meta["script"] = told
        t.save("other.efz")
        assert main(["show", "other.efz"]) == 0
        said = capsys.readouterr().out.replace('"', "'")
        assert f"next: viz nonfinite {named} (where NaN begins)" in said
