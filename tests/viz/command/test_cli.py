from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest

import viz
from viz.cli import main

SCRIPT = """
import sys
import eagerflow as ef

def forward(x):
    return ef.ops.tanh(ef.ops.exp(x))

if __name__ == "__main__":
    print("args", sys.argv[1:])
    forward(ef.Tensor([1.0, 2.0]))
    if "fail" in sys.argv:
        ef.ops.matmul(ef.ops.ones((2, 3)), ef.ops.ones((2, 3)))
    sys.exit(3 if "leave" in sys.argv else 0)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "little.py"
    path.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    return path


@pytest.fixture
def file(steps, tmp_path):
    return str(steps.save(tmp_path / "steps.efz"))


def test_run_records_an_unmodified_script(script, capsys):
    assert main(["run", "--stats", "basic", "--draw", "a.svg", "little.py", "--epochs", "3"]) == 0
    out, err = capsys.readouterr()
    assert "args ['--epochs', '3']" in out
    assert "viz draw little.efz" in err
    t = viz.load("little.efz")
    assert [op.name for op in t.ops] == ["exp", "tanh"]
    assert t.ops[0].source.file == str(script)
    assert [frame.function for frame in t.ops[0].stack] == ["forward", "<module>"]
    assert t.tensors[t.ops[0].outputs[0]].stats.max > 7
    assert Path("a.svg").exists()
    assert sys.argv[0] != "little.py"


def test_the_error_of_a_script_is_told_once(script, capsys):
    script.write_text("import eagerflow as ef\nef.ops.exp(1.0)\nraise RuntimeError('as I said')", encoding="utf-8")
    assert main(["run", "little.py"]) == 1
    told = capsys.readouterr().err
    assert told.count("as I said") == 2  # the line of code, and what it raised
    assert "ended by RuntimeError\n" in told
    assert main(["show", "little.efz"]) == 0
    assert capsys.readouterr().out.count("as I said") == 1  # there, nobody printed it


@pytest.mark.parametrize(
    ("given", "code", "status", "why"),
    [
        (["--steps", "500"], "import eagerflow as ef; ef.ops.exp(1.0)", 3, "step 500 was asked for and did not run"),
        (
            ["--steps", "3,7-9,20-"],
            "import eagerflow as ef; ef.ops.exp(1.0)",
            3,
            "steps 3, 7–9, from 20 on were asked for",
        ),
        ([], "print(1)", 3, "no op of eagerflow ran"),
        ([], "raise RuntimeError('before all')", 1, "left as it was: ended by RuntimeError\n"),
        ([], "def (", 1, "ended by SyntaxError"),
        ([], "import sys; sys.exit(5)", 5, "no op of eagerflow ran"),
    ],
)
def test_a_run_that_records_nothing_leaves_a_recording_as_it_was(script, capsys, given, code, status, why):
    assert main(["run", "little.py"]) == 0
    before = Path("little.efz").read_bytes()
    script.write_text(code, encoding="utf-8")
    capsys.readouterr()
    assert main(["run", *given, "little.py"]) == status
    told = capsys.readouterr().err
    assert "viz run: failed: nothing was recorded, and little.efz is left as it was: " in told
    assert why in told
    assert Path("little.efz").read_bytes() == before
    assert main(["run", *given, "-o", "new.efz", "--json", "little.py"]) == status
    out, told = capsys.readouterr()
    assert json.loads(out)["file"] is None
    assert "new.efz was not written" in told
    assert not Path("new.efz").exists()


def test_a_long_recording_is_announced_before_it_is_written(script, capsys, monkeypatch):
    monkeypatch.setattr(viz.command.run, "_MANY_OPS", 10)
    script.write_text("import eagerflow as ef\nfor i in range(40):\n    ef.ops.tanh(1.0)\n", encoding="utf-8")
    assert main(["run", "little.py"]) == 0
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("viz run: the script has ended; writing about ")
    assert "--steps" in first
    monkeypatch.setattr(viz.command.run, "_MANY_OPS", 10_000)
    assert main(["run", "little.py"]) == 0
    assert "writing about" not in capsys.readouterr().err


def test_a_script_that_is_asked_for_its_help_ends_well(script, capsys):
    script.write_text("import argparse\nargparse.ArgumentParser().parse_args()\n", encoding="utf-8")
    assert main(["run", "little.py", "--help"]) == 0
    out, told = capsys.readouterr()
    assert "usage: little.py" in out
    assert told == ""


def test_a_picture_of_nothing_is_refused(tmp_path, capsys):
    with viz.trace() as t:
        pass
    file = str(t.save(tmp_path / "empty.efz"))
    assert main(["draw", file, str(tmp_path / "empty.svg")]) == 2
    assert "nothing was recorded" in capsys.readouterr().err
    assert not (tmp_path / "empty.svg").exists()


def test_run_of_a_module(script, capsys):
    assert main(["run", "-o", "b.efz", "--json", "-m", "little"]) == 0
    out, err = capsys.readouterr()
    assert "args" in err  # what the script prints doesn't get between the JSON
    data = json.loads(out)
    assert data["file"] == "b.efz"
    assert data["phases"] == {"forward": 2}


def test_a_failing_script_leaves_its_recording(script, capsys):
    assert main(["run", "little.py", "fail"]) == 1
    err = capsys.readouterr().err
    assert "little.py" in err
    assert "runner.py" not in err
    t = viz.load("little.efz")
    assert t.ops[-1].error
    assert t.notes[-1].startswith("ended by ValueError: matmul")
    assert main(["show", "little.efz"]) == 0
    assert "failed: matmul in no layer at" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "-o", "nowhere/a.efz"],
        ["run", "-o", "."],
        ["run", "--live", "-o", "no/a.efz"],
        ["nonfinite", "-o", "nowhere/a.efz"],
    ],
)
def test_what_cannot_be_written_is_said_before_the_script_runs(script, arguments, capsys):
    assert main([*arguments, "little.py"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "cannot write" in err


def test_the_scripts_exit_status_is_kept(script):
    assert main(["run", "little.py", "leave"]) == 3


def test_show(file, capsys):
    assert main(["show", file]) == 0
    out = capsys.readouterr().out
    assert "recording 'steps': 28 ops" in out
    assert "backward" in out
    assert main(["show", "--json", file]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 2


def test_tables(file, capsys, steps):
    assert main(["summary", file]) == 0
    assert capsys.readouterr().out.rstrip("\n") == steps.summary()
    assert main(["top", "--by", "layer", "-n", "20", file]) == 0
    assert "mlp/" in capsys.readouterr().out
    assert main(["memory", file]) == 0
    assert "peak:" in capsys.readouterr().out
    assert main(["gradients", file]) == 0
    assert "hidden_0/kernel" in capsys.readouterr().out


def test_a_summary_lists_as_many_levels_as_it_is_asked_for(file, capsys):
    assert main(["summary", "--depth", "0", file]) == 0
    shown = capsys.readouterr().out
    assert "hidden_0" not in shown
    assert "--depth 1 shows all)" in shown
    assert main(["summary", "--depth", "0", "--json", file]) == 0
    assert {row["level"] for row in json.loads(capsys.readouterr().out)["rows"]} == {0}
    assert main(["summary", "--depth", "-1", file]) == 2
    assert "depth" in capsys.readouterr().err


def test_tables_as_json_tell_of_which_steps_they_are(file, capsys):
    found = {}
    for command in ("summary", "top", "gradients"):
        assert main([command, "--json", file]) == 0
        found[command] = json.loads(capsys.readouterr().out)
        assert found[command]["rows"]
    assert [found[command]["step"] for command in found] == [1, None, 1]
    assert (found["summary"]["times"], found["summary"]["times_of"]) == ("faster", 2)
    assert (found["top"]["times"], found["top"]["times_of"]) == ("sum", 2)
    assert main(["top", "--json", "-n", "1", "--step", "0", file]) == 0
    one = json.loads(capsys.readouterr().out)
    assert (one["step"], one["times"], len(one["rows"])) == (0, "own", 1)
    assert one["left_out"] > 0
    assert main(["json", file, "-"]) == 0
    assert [step["number"] for step in json.loads(capsys.readouterr().out)["steps"]] == [0, 1]


def test_files_for_other_programs(file, tmp_path, capsys):
    assert main(["perfetto", file, str(tmp_path / "t.json")]) == 0
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["traceEvents"]
    assert main(["json", file, "-"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["ops"]
    assert main(["tensorboard", file, str(tmp_path / "logs")]) == 0
    assert "tensorboard --logdir" in capsys.readouterr().out
    assert any((tmp_path / "logs").iterdir())


def test_a_page_says_which_step_it_shows_first(file, tmp_path, capsys):
    assert main(["html", file, str(tmp_path / "a.html")]) == 0
    assert "it shows step 1 of 0–1 first; open it in a browser" in capsys.readouterr().out
    assert main(["html", file, "--step", "0", str(tmp_path / "a.html")]) == 0
    assert "it shows step 0 of 0–1 first" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["html", "draw", "json", "perfetto"])
def test_a_file_that_was_there_is_told_where_nobody_named_it(file, command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([command, file]) == 0
    assert "in place of" not in capsys.readouterr().out
    assert main([command, file]) == 0
    said = capsys.readouterr().out
    assert "in place of the one that was there" in said
    name = said.split()[1].rstrip(",:;")
    assert main([command, file, name]) == 0
    assert "in place of" not in capsys.readouterr().out


def test_settings_that_are_called_like_a_recording_are_not_written_over(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / f"{Path(file).stem}.json"
    settings.write_text('{"lr": 0.1}')
    assert main(["json", file]) == 2
    assert "isn't made by viz json; give another name" in capsys.readouterr().err
    assert settings.read_text() == '{"lr": 0.1}'


def test_colour_obeys_no_color(file, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["show", file])
    assert "\x1b[1m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["show", file])
    main(["summary", file])
    main(["show", "nowhere.efz"])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err


def test_draw_says_how_to_open_what_it_closed(file, tmp_path, capsys):
    assert main(["draw", file, str(tmp_path / "a.svg"), "--max-nodes", "2"]) == 0
    assert "closed to depth 0: at most 2 rows. To open more: --max-nodes 8" in capsys.readouterr().out
    assert main(["draw", file, str(tmp_path / "a.svg")]) == 0
    assert "closed" not in capsys.readouterr().out
