"""What all commands share: help, statuses, names of files that weren't given, hints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.sources import ROOT
from viz.cli import main
from viz.shell.commands import COMMANDS, parser_of
from viz.shell.statuses import told

TRAINS = """\
import sys
import eagerflow as ef
model = ef.Sequential([ef.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(ef.ops.ones((8, 2)).numpy(), ef.ops.ones((8, 1)).numpy(), batch_size=4, verbose=0)
"""


def ended(arguments):
    """The status of a command, also where argparse ends it."""
    try:
        return main(arguments)
    except SystemExit as leaving:
        return leaving.code


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a script and a recording of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TRAINS, encoding="utf-8")
    model = ef.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with viz.trace("train", stats="basic") as t:
        model.fit(ef.ops.ones((8, 2)).numpy(), ef.ops.ones((8, 1)).numpy(), batch_size=4, verbose=0)
    t.save("train.efz")
    return tmp_path


def test_no_command_shows_help_and_a_version_tells_the_packages(capsys):
    assert ended([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert ended(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"viz {ef.__version__} (eagerflow")


@pytest.mark.parametrize(("asked", "shown"), [(["help"], "usage: viz COMMAND"), (["help", "top"], "usage: viz top ")])
def test_help_is_a_command_too(asked, shown, capsys):
    assert ended(asked) == 0
    assert capsys.readouterr().out.startswith(shown)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["top", "--bye", "time", "train.efz"], "viz top: error: unrecognized arguments: --bye"),
        (["draw", "train.efz", "--colour-by", "op"], "did you mean '--color-by'?\n"),
        (["top", "--by", "mem", "train.efz"], "did you mean 'memory'?\n"),
        (["DOCTOR", "train.py"], "there is no command 'DOCTOR'; did you mean 'doctor'?\n"),
        (["train.py"], "there is no command 'train.py'. Commands: run, check, "),
        (["show", "a.efz", "b.efz"], "viz show: error: unrecognized arguments: b.efz\n"),
        (["draw", "train.efz", "--depth", "x"], "argument --depth: invalid int value: 'x'\n"),
        (["draw", "train.efz", "a.gif"], ".svg"),
        (["draw", "train.efz", "a.svg", "--step", "9"], "step=9: the recording has the steps 0 to 1"),
        (["summary", "train.efz", "--step", "9"], "step=9: the recording"),
        (["perfetto", "train.efz", "a.txt"], ".json.gz"),
        (
            ["show", "tra.py"],
            "there is no file 'tra.py'; a script is recorded with: viz run tra.py, which writes tra.efz",
        ),
        (["show", "."], "is a folder"),
        (["nonfinite", "."], "is a folder"),
        (["nonfinite", "no.efz"], "there is no file 'no.efz'"),
        (["nonfinite", "no.efz", "fast"], "arguments are for scripts"),
        (["diff", "a", "b"], "there is no file 'a'"),
        (["run", "timeit"], "there is no script 'timeit'"),
        (["run", "--steps", "abc", "train.py"], "'abc' isn't a list of steps or ranges such as 1,10 or"),
        (["run", "--draw", "a.gif", "train.py"], "'a.gif': expected the name of a file to write, ending in .svg\n"),
        (["annotate", "train.efz", "--html", "lines.png"], "expected the name of a file to write, ending in .html\n"),
        (["doctor"], "the following arguments are required: script\n"),
        (["run", "-m", "no_such"], "viz run: error: there is no module 'no_such' here, nor among installed packages\n"),
        (["run", "-m", "train.py"], "for a file, leave -m out: train.py\n"),
        (["doctor", "trian.py"], "there is no script 'trian.py'. Did you mean 'train.py'?\n"),
    ],
)
def test_a_mistake_is_answered_in_one_line_with_what_is_near(words, said, here, capsys):
    assert ended(words) == 2
    assert said in capsys.readouterr().err


def test_a_recording_and_kept_steps_are_told_apart(here, capsys):
    assert ended(["replay", "train.efz"]) == 2
    assert "it is a recording, made by viz run" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "doctor", "check"])
def test_a_script_with_a_slip_of_syntax_is_told_in_its_own_lines_alone(here, capsys, command):
    (here / "slip.py").write_text("print(1\n")
    assert main([command, str(here / "slip.py")]) > 0
    said = capsys.readouterr().err
    assert "SyntaxError: '(' was never closed" in said
    assert "runpy" not in said


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "completion"])
def test_help_of_every_command_says_what_it_writes_and_how_it_is_called(name):
    shown = parser_of(name).format_help()
    assert shown.startswith(f"usage: viz {name}")
    assert ("--json" in shown) == (name not in ("draw", "html", "tensorboard", "perfetto", "json"))
    assert re.search(r"^  viz \w+ .*\.(py|efz|efr)\b", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["doctor", "no.py"], 2, "viz doctor: error: there is no script 'no.py'"),
        (["check", "no.py"], 2, "viz check: error: there is no script 'no.py'"),
        (["gap", "no.py"], 2, "viz gap: error: there is no script 'no.py'"),
        (["data", "no.py"], 2, "viz data: error: there is no script 'no.py'"),
        (["estimate", "no.py"], 2, "viz estimate: error: there is no script 'no.py'"),
        (["reproduce", "no.py"], 2, "viz reproduce: error: there is no script 'no.py'"),
        (["nonfinite", "no.py"], 2, "viz nonfinite: error: there is no script"),
        (["run", "no.py"], 2, "viz run: error: there is no script 'no.py'"),
        (["replay", "no.efr"], 2, "viz replay: error: there is no file 'no.efr'"),
        (["top", "no.efz"], 2, "viz top: error: there is no file 'no.efz'"),
        (["diff", "train.efz"], 2, "viz diff: error: give a second file, or two steps of the first: --steps 0,9"),
        (["diff", "no.efz", "no.efz"], 2, "viz diff: error: there is no file 'no.efz'"),
        (["top", "--by", "taste", "train.efz"], 2, "viz top: error: argument --by: invalid choice: 'taste'"),
        (["top", "-n", "0", "train.efz"], 2, "viz top: error: top(n=0): expected at least 1"),
        (["check", "empty.py"], 3, "viz check: failed: no training step of eagerflow or PyTorch ran"),
        (["doctor", "empty.py"], 3, "viz doctor: failed: no training step of eagerflow or PyTorch ran"),
        (["gap", "empty.py"], 3, "viz gap: failed: no epoch of fit was finished"),
        (["nonfinite", "empty.py"], 3, "viz nonfinite: failed: no op of eagerflow ran"),
        (["tensorboard", "train.efz", "train.py"], 2, "viz tensorboard: error: 'train.py': it is a file, and Tensor"),
        (["run", "--values", "[", "train.py"], 2, "viz run: error: viz.trace(values='['): not a regular"),
        pytest.param(["estimate", "empty.py"], 3, "viz estimate: failed: no training step", marks=pytest.mark.slow),
        pytest.param(["reproduce", "empty.py"], 3, "viz reproduce: failed: no op of ", marks=pytest.mark.slow),
    ],
)
def test_each_kind_of_end_has_its_status_and_its_words(here, arguments, status, said, capsys):
    (here / "empty.py").write_text("x = 1\n", encoding="utf-8")
    assert ended(arguments) == status
    assert said in capsys.readouterr().err


def test_kept_steps_that_are_given_for_a_recording_are_replayed(here, capsys):
    (here / "old.efr").write_bytes(b"PK")
    assert ended(["show", "old.efr"]) == 2
    assert "kept steps are looked at with: viz replay old.efr" in capsys.readouterr().err


RUN_SCRIPTS = ("check", "data", "doctor", "estimate", "gap", "nonfinite", "reproduce")
OTHER_FILES = {
    "old.efz": (b"PK", "is a recording, not a script; look at it with: viz show old.efz"),
    "old.efr": (b"PK", "is a file of kept steps, not a script; run them again with: viz replay old.efr"),
    "book.ipynb": (b"{}", "is a notebook, not a script; make a script of it with: jupyter nbconvert --to script book"),
    "picture.png": (b"\x89PNG\r\n\0\0", "is a binary file, not a script"),
}


@pytest.mark.parametrize("command", ["run", "run --keep 1", "run --live", *RUN_SCRIPTS])
@pytest.mark.parametrize("name", OTHER_FILES)
def test_a_file_that_is_no_script_is_refused_and_stays_as_it_is(here, command, name, capsys):
    if command == "nonfinite" and name == "old.efz":
        pytest.skip("it takes recordings, too")
    content, said = OTHER_FILES[name]
    (here / name).write_bytes(content)
    files = {each.name for each in here.iterdir()}
    assert ended([*command.split(), name]) == 2
    assert f"error: {name!r} {said}" in capsys.readouterr().err
    assert {each.name for each in here.iterdir()} == files
    assert (here / name).read_bytes() == content


NO_RECORDINGS = {
    "unet.png": "is a picture, not a recording; a recording is a file that ends in .efz, which is made with: viz run",
    "page.htm": "is a web page, not a recording; a recording is a file that ends in .efz",
    "net.pt": "is a saved model, not a recording; a recording is a file that ends in .efz",
    "train.py": "is a script, not a recording; a script is recorded with: viz run train.py, which writes train.efz",
    "notes.txt": "where a recording has b'PK'); a recording is a file that ends in .efz, which is made with: viz run",
}


@pytest.mark.parametrize("command", ["draw", "html", "show"])
@pytest.mark.parametrize("name", NO_RECORDINGS)
def test_a_file_that_is_no_recording_is_called_what_it_is_with_how_to_make_one(here, command, name, capsys):
    (here / name).write_bytes(b"something")
    assert ended([command, name]) == 2
    said = capsys.readouterr().err
    assert f"error: {name!r} is" in said
    assert NO_RECORDINGS[name] in said
    assert (here / name).read_bytes() == b"something"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "-o", "train.py", "train.py"],
        ["run", "-o", "folder/../train.py", "train.py"],
        ["json", "run.json"],
        ["json", "run.efz", "run.efz"],
        ["html", "run.html"],
        ["html", "run.efz", "run.efz"],
        ["draw", "run.svg"],
        ["perfetto", "run.efz", "run.efz"],
        ["nonfinite", "-o", "run.efz", "run.efz"],
    ],
)
def test_no_command_writes_over_what_it_reads(here, arguments, capsys):
    (here / "folder").mkdir()
    read = arguments[1] if len(arguments) == 2 else arguments[-1]
    (here / read).write_text("print('as it was')\n", encoding="utf-8")
    assert ended(arguments) == 2
    said = capsys.readouterr().err
    assert "would be written over what is read; give another name" in said or "not a recording" in said
    assert (here / read).read_text(encoding="utf-8") == "print('as it was')\n"


def test_a_missing_renderer_is_no_mistake_of_the_user(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert main(["draw", "train.efz", "step.png"]) == 3
    assert "viz draw: failed: " in capsys.readouterr().err


def test_a_fault_of_viz_says_so_with_its_lines(capsys):
    with pytest.raises(IndexError) as raised:
        [][1]
    assert told("viz top", raised.value) == 70
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "viz top: bug: IndexError: list index out of range. This is a bug in viz" in said


def test_ctrl_c_and_lack_of_memory_have_statuses_too(capsys):
    assert told("viz top", KeyboardInterrupt()) == 130
    assert told("viz top", MemoryError()) == 3
    assert "viz top: failed: there isn't enough memory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        ["diff", "train.efz", "--steps", "0-", "train.efz"],
        ["diff", "--steps=0-", "train.efz", "--markdown", "train.efz"],
        ["draw", "train.efz", "--color-by", "time", "a.svg"],
        ["html", "--step", "1", "train.efz", "--rank", "0", "a.html"],
    ],
)
def test_options_may_stand_between_words(here, given, capsys):
    assert ended(given) == 0, capsys.readouterr().err


def test_a_users_own_viz_in_the_way_of_eagerflow_is_explained(tmp_path):
    (tmp_path / "viz.py").write_text("mine = 1\n", encoding="utf-8")
    (tmp_path / "net.py").write_text(
        "import viz, eagerflow as ef\nef.callbacks.TensorBoard('logs')\n", encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "net.py"], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert "but `import viz` gives" in done.stderr
    assert "Rename that file" in done.stderr


@pytest.mark.parametrize("command", [["net.py"], ["-m", "eagerflow", "run", "net.py"]])
@pytest.mark.parametrize(
    ("own", "line"),
    [
        ("viz.py", "viz.trace()"),
        ("viz.py", "from viz import trace"),
        ("viz.py", "import viz.recording"),
        ("viz/__init__.py", "viz.trace()"),
    ],
)
def test_what_an_own_viz_lacks_is_explained_where_a_script_ends_by_it(tmp_path, command, own, line):
    (tmp_path / own).parent.mkdir(exist_ok=True)
    (tmp_path / own).write_text("mine = 1\n", encoding="utf-8")
    (tmp_path / "net.py").write_text(f"import eagerflow, viz\nprint(viz.mine)\n{line}\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, *command]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert (done.returncode, done.stdout) == (1, "1\n")
    assert done.stderr.count(f"`import viz` gives your own {str(tmp_path / own)!r} here") == 1
    (tmp_path / "net.py").write_text("import eagerflow, viz\nviz.mine.no_such\n", encoding="utf-8")
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert "has no attribute 'no_such'" in done.stderr
    assert "your own" not in done.stderr


def test_a_script_that_is_not_there_is_no_module_and_a_folder_is_made_without_python(here, capsys):
    assert main(["run", "no.py"]) == 2
    assert capsys.readouterr().err == "viz run: error: there is no script 'no.py'\n"
    assert main(["html", "train.efz", "no/page.html"]) == 2
    assert capsys.readouterr().err.endswith("doesn't exist; make it first (os.makedirs).\n")


def test_json_stays_json_where_files_are_told(here, capsys):
    assert main(["gradients", "--json", "--draw", "a.svg", "train.efz"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)
    assert "wrote a.svg" in said.err


def test_a_command_whose_output_nobody_reads_any_more_was_cut_short(tmp_path):
    recording = tmp_path / "step.efz"
    with viz.trace() as trace:
        ef.ops.ones((2,)) * 2
    trace.save(recording)
    command = subprocess.Popen([sys.executable, "-m", "viz", "show", str(recording)], stdout=subprocess.PIPE)
    command.stdout.close()
    assert command.wait() == 141


@pytest.mark.parametrize("command", ["show", "top", "summary", "memory"])
def test_tables_of_a_recording_are_printed_without_the_framework(command, here):
    program = (
        "import sys, viz.cli\n"
        f"viz.cli.main([{command!r}, 'train.efz'])\n"
        "print([name for name in sys.modules if name.startswith('eagerflow')], file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == "[]\n"


def test_a_recording_is_made_without_the_doctor_and_the_live_page(here):
    (here / "seen.py").write_text(
        "import sys\nimport eagerflow as ef\nef.ops.exp(ef.ops.ones((2, 3)))\n"
        "print([name for name in sys.modules if name.startswith(('viz.doctor', 'viz.livepage', 'viz.replay'))])\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "viz", "run", "seen.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout == "[]\n"


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ("5-9", [5, 6, 7, 8, 9]),
        ("5:10", [5, 6, 7, 8, 9]),
        ("0:30:10", [0, 10]),
        ("7, 1,3-4,3", [1, 3, 4, 7]),
        ("3-3", [3]),
        ("2:5,9-", [2, 3, 4, *range(9, 20)]),
        ("9:", list(range(9, 20))),
        (":5", [0, 1, 2, 3, 4]),
        ("4::5", [4, 9, 14, 19]),
        ("0:99999999", list(range(20))),
        ("all", list(range(20))),
    ],
)
def test_steps_are_numbers_and_ranges(given, steps):
    for command in (["run", "train.py"], ["diff", "a.efz", "b.efz"]):
        chosen = parser_of(command[0]).parse_args(["--steps", given, *command[1:]]).steps
        assert [number for number in range(20) if number in chosen] == steps


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("9-5", "the range 9-5 has no steps"),
        ("5:5", "the range 5:5 has no steps"),
        ("0:9:0", "the range 0:9:0 has no steps"),
        ("5--", "'5--' isn't a list of steps or ranges such as 1,10 or 5-9 or 5:10 or 9- or all"),
        (":0", "the range :0 has no steps"),
        ("1,,2", "'1,,2' isn't a list of steps or ranges"),
    ],
)
def test_a_range_of_steps_that_is_none_is_refused(given, said, capsys):
    with pytest.raises(SystemExit) as leaving:
        parser_of("run").parse_args(["--steps", given, "train.py"])
    assert leaving.value.code == 2
    assert said in capsys.readouterr().err
