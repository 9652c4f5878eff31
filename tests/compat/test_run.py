"""`python -m eagerflow run SCRIPT` runs a script as `python SCRIPT` would."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from eagerflow.__main__ import _OF_VIZ, main
from tests.sources import ROOT
from viz.shell.commands import COMMANDS


def test_arguments_name_and_path_are_those_of_a_program(run, tmp_path):
    done = run(
        """
        import sys
        import __main__
        print(sys.argv[1:], __name__, __file__ == sys.argv[0], __main__.__name__)
        print(sys.path[0])
        """,
        "--rate",
        "3",
        "--help",
    )
    assert done.stdout.splitlines() == ["['--rate', '3', '--help'] __main__ True __main__", str(tmp_path)]


def test_the_script_is_found_from_other_folders(run, tmp_path):
    done = run("import os\nos.chdir('/')\nprint(os.path.dirname(__file__))\n", script="script.py")
    assert done.stdout == f"{tmp_path}\n", done.stderr


def test_a_misspelt_script_is_answered_with_the_nearest_one(tmp_path, capsys):
    (tmp_path / "train.py").write_text("", encoding="utf-8")
    assert main(["run", str(tmp_path / "trian.py")]) == 2
    meant = str(tmp_path / "train.py")
    assert capsys.readouterr().err.endswith(f"trian.py'. Did you mean {meant!r}?\n")
    assert main(["run", str(tmp_path / "other.py")]) == 2
    assert capsys.readouterr().err.endswith("other.py'\n")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_processes_that_are_started_anew_import_keras_too(run, how):
    done = run(
        f"""
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        import keras

        def length(x):
            return keras.ops.ones(x).shape.as_list()

        if __name__ == "__main__":
            with ProcessPoolExecutor(1, multiprocessing.get_context({how!r})) as others:
                print(list(others.map(length, [2, 3])))
        """
    )
    assert done.stdout == "[[2], [3]]\n", done.stderr


def test_modules_beside_the_script_are_found_and_are_the_users(run, tmp_path):
    (tmp_path / "mine.py").write_text("from keras.layers import Dense\n", encoding="utf-8")
    done = run("import mine; print(mine.Dense.__module__)")
    assert done.stdout == "eagerflow.layers.core.dense\n", done.stderr


def test_a_traceback_begins_with_the_script(run):
    done = run("import keras\n\ndef f():\n    keras.nothing\n\nf()\n")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('script.py", line 6, in <module>')
    assert "runpy" not in done.stderr
    assert "run.py" not in done.stderr
    assert "AttributeError: keras.nothing doesn't exist here." in done.stderr


def test_a_syntax_error_names_the_script(run):
    done = run("def f(:\n")
    assert done.returncode == 1
    assert 'script.py", line 1' in done.stderr
    assert "SyntaxError" in done.stderr


@pytest.mark.parametrize(
    ("ending", "code"),
    [("", 0), ("sys.exit(3)", 3), ("sys.exit()", 0), ("sys.exit('bad')", 1), ("raise KeyboardInterrupt", 130)],
)
def test_exit_codes(run, ending, code):
    assert run(f"import sys\n{ending}\n").returncode == code


def test_a_script_that_is_not_there(tmp_path, capsys):
    assert main(["run", str(tmp_path / "no.py")]) == 2
    assert "there is no script" in capsys.readouterr().err


def test_a_module_is_run_as_python_runs_it(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("from keras.layers import Dense\n", encoding="utf-8")
    (tmp_path / "mine" / "__main__.py").write_text(
        "import sys\nfrom mine import Dense\nprint(sys.argv[1:], __name__, Dense.__module__)\n[][0]\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "eagerflow", "run", "-m", "mine", "--rate", "3"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "['--rate', '3'] __main__ eagerflow.layers.core.dense\n", done.stderr
    assert done.returncode == 1
    assert "runpy" not in done.stderr
    assert done.stderr.splitlines()[1].endswith('__main__.py", line 4, in <module>')


def test_what_is_to_run_has_to_be_named(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run"])
    assert ended.value.code == 2
    assert "SCRIPT, or -m MODULE" in capsys.readouterr().err


def test_the_version_names_those_of_numpy_and_python(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert f"(NumPy {np.__version__}, Python " in capsys.readouterr().out


def test_objects_of_the_script_can_be_pickled(run):
    done = run(
        """
        import pickle
        class Mine:
            pass
        print(type(pickle.loads(pickle.dumps(Mine()))) is Mine)
        """
    )
    assert done.stdout == "True\n", done.stderr


def test_help_names_the_command():
    done = subprocess.run([sys.executable, "-m", "eagerflow", "--help"], capture_output=True, text=True, check=True)
    assert "run" in done.stdout


def test_keras_json_is_read(run, tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"floatx": "float64", "image_data_format": "channels_first", "epsilon": 1e-05, "backend": "theano"}',
        encoding="utf-8",
    )
    done = run("from keras import backend as K\nprint(K.floatx(), K.image_data_format(), K.epsilon())")
    assert done.stdout == "float64 channels_first 1e-05\n", done.stderr


def test_a_part_of_a_package_is_told_to_be_run_as_a_module(run, tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "train.py").write_text("from . import data\n", encoding="utf-8")
    done = run("", script="pkg/train.py")
    assert done.returncode == 1
    assert "attempted relative import with no known parent package" in done.stderr
    assert "pkg/train.py is part of a package: instead of the file, give -m pkg.train" in done.stderr.splitlines()[-1]


def test_wrong_settings_in_keras_json_are_named(run, tmp_path):
    (tmp_path / "keras.json").write_text('{"floatx": "float31"}', encoding="utf-8")
    done = run("import keras")
    assert done.returncode != 0
    assert "keras.json" in done.stderr
    assert "float31" in done.stderr


def test_a_misspelt_command_is_answered_with_the_nearest_one(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["demmo"])
    assert ended.value.code == 2
    assert "there is no command 'demmo'. Did you mean 'demo'? Commands: demo, run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        (["train.py"], "eagerflow run train.py, or find what is wrong with it: viz doctor train.py."),
        (["doctor", "train.py"], "viz doctor train.py"),
        (["version"], "eagerflow --version"),
    ],
)
@pytest.mark.parametrize(("argv", "prog"), [("/bin/eagerflow", "eagerflow"), ("__main__.py", "python -m eagerflow")])
def test_a_word_that_is_no_command_is_told_what_to_do(given, cure, argv, prog, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [argv])
    with pytest.raises(SystemExit):
        main(given)
    said = capsys.readouterr().err
    assert said.startswith(f"{prog}: error: there is no command ")
    assert said.endswith(f"{cure}\nsee: {prog} --help\n")


def test_each_command_of_viz_is_known_to_be_one():
    assert {*_OF_VIZ} < {*COMMANDS}
    assert {*COMMANDS} - {*_OF_VIZ} == {"run"}


@pytest.mark.parametrize("name", ["demo", "run", "compile", "launch"])
def test_each_command_has_help_with_examples_and_statuses(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["/bin/eagerflow"])
    said = []
    for given in (["help", name], [name, "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(given)
        assert not ended.value.code
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert f"\n  eagerflow {name}" in said[0]
    assert "Exit status: " in said[0] or name == "demo"


@pytest.mark.parametrize(
    ("given", "wrong", "meant"),
    [
        (["demo", "--epoch", "2"], "demo: error: unrecognized arguments: --epoch", ". Did you mean '--epochs'?"),
        (["demo", "--seed", "-1"], "demo: error: --seed: expected a whole number from 0 to 4294967295; got '-1'", ""),
        (["run", "--hlep"], "run: error: unrecognized arguments: --hlep", ". Did you mean '--help'?"),
        (
            ["launch", "--rank", "2", "a.py"],
            "launch: error: unrecognized arguments: --rank",
            ". Did you mean '--ranks'?",
        ),
        (["-V"], "error: unrecognized arguments: -V", ". Did you mean '--version'?"),
        (["--versoin"], "error: unrecognized arguments: --versoin", ". Did you mean '--version'?"),
    ],
)
def test_a_mistaken_option_is_told_by_the_command_in_one_line(given, wrong, meant, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["/bin/eagerflow"])
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    told, see = capsys.readouterr().err.splitlines()
    assert told.endswith(f"{wrong}{meant}")
    assert see == f"see: eagerflow{f' {given[0]}' if given[0].isalpha() else ''} --help"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("train.efz", b"PK", "'train.efz' is a recording, not a script; look at it with: viz show train.efz"),
        ("a.json", b"{}", "'a.json' is a JSON file, not a script"),
        ("tool", b"\x7fELF\0\0", "'tool' is a binary file, not a script"),
    ],
)
def test_what_is_no_script_is_refused_with_what_to_do(name, content, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert main(["run", name]) == 2
    assert f"run: error: {said}\n" in capsys.readouterr().err


def test_a_folder_is_refused_with_the_module_that_it_may_be(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text("", encoding="utf-8")
    assert main(["run", "package"]) == 2
    assert "'package' is a folder, not a script; give the script to run, or -m package\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["eagerflow", "run"], ["viz", "run"]])
def test_a_missing_package_is_told_without_our_own_lines(command, tmp_path):
    (tmp_path / "train.py").write_text("import keras\nimport torch_nope\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", *command, "train.py"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 1
    assert "No module named 'torch_nope'" in done.stderr
    assert "importer.py" not in done.stderr
    assert 'train.py", line 2' in done.stderr


def test_errors_are_red_in_terminals_and_where_colours_are_forced(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with pytest.raises(SystemExit):
        main(["run", "--nope", "x.py"])
    assert "\x1b[1;31merror:\x1b[0m" in capsys.readouterr().err
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit):
        main(["run", "--nope", "x.py"])
    assert "\x1b" not in capsys.readouterr().err
