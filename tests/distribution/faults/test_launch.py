"""The launcher: what it takes, what it hands on, and what it says in the end."""

from __future__ import annotations

import argparse
import json
import os
import stat
import subprocess
import sys

import pytest

from eagerflow.launch import engine
from eagerflow.launch.command import _as_keras, _parsed, launch
from eagerflow.launch.failure_report import Failure, first_of, of_end, of_record
from eagerflow.launch.hosts import Host, in_words, parse_hosts, shared_out, without
from eagerflow.launch.streams import Lines
from eagerflow.launch.variables import allowed, local
from tests.sources import ROOT


def test_hosts_are_names_with_numbers():
    found = parse_hosts("a,b-1.example:8,10.0.0.2:2,[::1],[fe80::1]:3")
    assert found == [("a", None), ("b-1.example", 8), ("10.0.0.2", 2), ("[::1]", None), ("[fe80::1]", 3)]
    assert in_words(found[:2]) == "a:1,b-1.example:8"


@pytest.mark.parametrize(
    "text",
    [
        "-oProxyCommand=x",
        "a,-b",
        "",
        "a,",
        "a;b",
        "a b",
        "$(x)",
        "`x`",
        "a:0",
        "a:",
        "a:-1",
        "a:x",
        "user@a",
        "a/b",
        "ä",
    ],
)
def test_what_isnt_plainly_a_host_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="isn't a machine"):
        parse_hosts(text)


@pytest.mark.parametrize(
    ("text", "ranks", "expected"),
    [
        ("a,b", None, "a:1,b:1"),
        ("a,b:3", None, "a:1,b:3"),
        ("a,b", 5, "a:3,b:2"),
        ("a:2,b,c", 7, "a:2,b:3,c:2"),
        ("a:2,b:2", 3, "a:2,b:1"),
        ("a:4,b:2", 3, "a:3"),
    ],
)
def test_ranks_are_shared_out_among_machines(text, ranks, expected):
    assert in_words(shared_out(parse_hosts(text), ranks)) == expected


def test_more_ranks_than_there_is_room_for_are_refused():
    with pytest.raises(ValueError, match="room for 4 ranks only"):
        shared_out(parse_hosts("a:2,b:2"), 5)


def test_lost_machines_and_killed_ranks_are_left_out_of_a_restart():
    hosts = [Host("a", 2), Host("b", 2), Host("c", 1)]
    assert without(hosts, {"b"}, set()) == [Host("a", 2), Host("c", 1)]
    assert without(hosts, set(), {"a", "c"}) == [Host("a", 1), Host("b", 2)]


def test_ranks_on_other_machines_get_what_programs_need_and_no_secrets():
    given = {
        "PATH": "p",
        "PYTHONPATH": "q",
        "OMP_NUM_THREADS": "2",
        "NCCL_DEBUG": "1",
        "LC_ALL": "C",
        "MPIR_CVAR_X": "1",
    }
    secrets = {
        "AWS_SECRET_ACCESS_KEY": "s",
        "EAGERFLOW_TOKEN": "t",
        "KERAS_API_KEY": "k",
        "MPI_PASS": "p",
        "CUDA_PRIVATE": "p",
        "PYTHON_COOKIE": "c",
        "NCCL_SESSION": "s",
        "MY_OWN": "m",
        "TF_CONFIG": "{}",
    }
    assert allowed(given | secrets) == given
    assert allowed(given | secrets, ["MY_OWN", "KERAS_API_KEY", "MISSING"]) == given | {
        "MY_OWN": "m",
        "KERAS_API_KEY": "k",
    }


def test_ranks_on_this_machine_get_the_whole_environment():
    given = {"DATA_DIR": "/x", "MY_TOKEN": "t", "A": "one\ntwo = three"}
    assert local({**given, "HYDRA_HOST_FILE": "f", "PMI_RANK": "3"}) == given


def test_what_agents_say_is_taken_out_of_what_programs_write():
    said = b'\x1ekey{"t": "hello", "pid": 5}\n'
    others = b'\x1enot ours\n\x1e{"t":"hello","pid":1}\n\x1eke{"t":"end"}\n'
    whole = b"one\ntw" + said + b"o\n" + others + said + b"end" + said[:9]
    expected = b"one\ntwo\n" + others
    lines = Lines("", "key")
    assert lines.add(whole) == (expected, [{"t": "hello", "pid": 5}] * 2)
    lines, plain, found = Lines("", "key"), b"", []
    for place in range(len(whole)):
        more, facts = lines.add(whole[place : place + 1])
        plain, found = plain + more, found + facts
    assert (plain, found) == (expected, [{"t": "hello", "pid": 5}] * 2)


def test_lines_have_their_rank_before_them():
    lines = Lines("[rank 3] ", "key")
    shown = lines.add(b"a\nb")[0] + lines.add(b"c\nold\rnew\nend")[0]
    assert shown + lines.rest() == b"[rank 3] a\n[rank 3] bc\n[rank 3] new\n[rank 3] end\n"


END = {"rank": 1, "code": 3}


def test_a_bad_end_is_told_with_its_code():
    cause = "ended with code 3, without an exception (os._exit, or a library's own exit)"
    assert of_end(END)[:4] == (1, cause, "", 3)
    killed = of_end({**END, "code": -9, "peak": 31_200_000_000, "total": 32_000_000_000})
    assert killed.code == 137
    assert killed.cause == (
        "was killed by signal 9 (SIGKILL); its peak was 31.2 GB of 32.0 GB; the machine had no memory left?"
    )
    assert of_end({**END, "code": -11}).cause == "was killed by signal 11 (SIGSEGV)"


def test_the_first_cause_is_told_not_what_followed_from_it():
    echo = of_record({"rank": 0, "how": "echo", "cause": "MPI.Exception", "code": 1})
    raised = of_record({"rank": 1, "how": "raised", "cause": "ValueError: x", "code": 1, "where": "train.py:3"})
    ended, other = of_end(END), Failure(2, "later")
    assert first_of([echo, ended, raised, other]) == raised  # what a rank tells itself goes before how it ended
    assert first_of([ended, other]) == ended
    assert first_of([echo]) == echo


def test_a_rank_may_tell_of_another_one():
    told = {"rank": 0, "how": "silent", "cause": "nothing was heard", "subject": "rank 2 of 3", "code": 1}
    assert of_record({**told, "guilty": 2})[:1] == (2,)
    assert of_record(told).rank is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected a script"),
        (["-n", "2"], "expected a script"),
        (["-n", "2", "run", "-m"], "expected a script"),
        (["-n", "0", "train.py"], "at least 1"),
        (["--hosts", "-oProxyCommand=x", "train.py"], "expected one argument"),
        (["--hosts", "a;b", "train.py"], "isn't a machine"),
        (["-n", "3", "--hosts", "a:1", "train.py"], "room for 1 ranks only"),
        (["-n", "2", "--min-ranks", "3", "train.py"], "more than there are"),
        (["--timeout", "0", "train.py"], "positive number of seconds"),
        (["--interface", "eth0;x", "train.py"], "letters and digits"),
        (["--nonsense", "train.py"], "unrecognized arguments"),
    ],
)
def test_a_wrong_command_line_starts_nothing(capsys, arguments, said):
    with pytest.raises(SystemExit) as caught:
        launch(arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_without_mpiexec_the_extra_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(engine.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").touch()
    assert launch(["-n", "2", "train.py"]) == 2
    assert "pip install 'mpi4py>=4.1' 'mpich>=4.3'" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["trian.py"], ["run", "trian.py"]])
def test_a_script_that_is_not_there_is_told_before_mpiexec_is_looked_for(given, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(engine.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").touch()
    assert launch(["-n", "2", *given]) == 2
    assert capsys.readouterr().err.endswith("launch: error: there is no script 'trian.py'. Did you mean 'train.py'?\n")
    assert not (tmp_path / "runs").exists()


def test_the_mpiexec_of_another_mpi_is_refused(monkeypatch, tmp_path, capsys):
    other = tmp_path / "mpiexec"
    other.write_text("#!/bin/sh\necho 'mpirun (Open MPI) 5.0'\n")
    other.chmod(0o700)
    monkeypatch.setattr(engine.sys, "executable", str(tmp_path / "python"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").touch()
    assert launch(["-n", "2", "train.py"]) == 2
    assert "isn't MPICH's (mpirun (Open MPI) 5.0)" in capsys.readouterr().err


def test_ssh_asks_nothing_and_checks_keys(tmp_path):
    words, extra = engine.command("mpiexec", [Host("a", 2), Host("b", 1)], True, tmp_path, ["train.py", "a b"])
    assert words[words.index("-hosts") + 1] == "a:2,b:1"
    assert "BatchMode=yes" in extra["HYDRA_LAUNCHER_EXTRA_ARGS"]
    assert "StrictHostKeyChecking" not in extra["HYDRA_LAUNCHER_EXTRA_ARGS"]
    told = json.loads(words[-1])
    assert told["command"][-3:] == ["eagerflow.launch.rank", "train.py", "a b"]
    assert told["remote"]


SCRIPT = """
import json, os, sys
from eagerflow import distribution
names = "TF_CONFIG SECRET LINES OMP_NUM_THREADS PYTHONPATH".split()
print(json.dumps([sys.argv[1:], distribution.rank(), distribution.size(), {n: os.environ.get(n) for n in names}]))
print("to stderr", file=sys.stderr)
print('\\x1e{"t":"hello"}\\n\\x1e{"t":"end","code":9}', file=sys.stderr)
"""


def test_a_script_runs_on_all_ranks(tmp_path):
    (tmp_path / "train it.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CONFIG": "{}", "SECRET": "s", "LINES": "1\n2"}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "EAGERFLOW_NUM_THREADS"):
        environment.pop(name, None)
    arguments = ["-n", "$(a) 'b'", ":", "-n", "1", "/usr/bin/touch", "made"]
    words = [sys.executable, "-m", "eagerflow", "launch", "-n", "2", "train it.py", *arguments]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    shown = [json.loads(text) for text in (done.stdout, (folder / "rank-1.log").read_text())]
    threads = shown[0][3]["OMP_NUM_THREADS"]
    given = {"TF_CONFIG": None, "SECRET": "s", "LINES": "1\n2", "OMP_NUM_THREADS": threads, "PYTHONPATH": str(ROOT)}
    assert shown == [[arguments, rank, 2, given] for rank in (0, 1)]
    assert not (tmp_path / "made").exists()
    assert int(threads) >= 1
    assert "[rank 0] to stderr\n" in done.stderr
    assert "[rank 1] to stderr\n" in done.stderr
    assert "TF_CONFIG is ignored" in done.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert files == {"rank-0.log": 0o600, "rank-1.log": 0o600}


@pytest.mark.parametrize("words", [["train.py", "--epochs", "3"], ["-m", "package.train"]])
def test_a_script_for_keras_that_is_started_as_it_is_gets_the_line_that_runs_it(words):
    options = _parsed(["-n", "2", *words])
    cure = _as_keras("ModuleNotFoundError: No module named 'keras'", options)
    assert cure.endswith(f"eagerflow launch -n 2 run {' '.join(words)}")
    assert not _as_keras("ModuleNotFoundError: No module named 'kerastools'", options)
    again = _parsed(["-n", "2", "run", *words])
    assert again.program == ["run", *words]
    assert not _as_keras("ModuleNotFoundError: No module named 'keras'", again)


def test_a_module_may_stand_in_the_same_word_as_its_option():
    assert _parsed(["-n", "2", "-mpackage.train", "-mx"]).program == ["-m", "package.train", "-mx"]
    assert _parsed(["--min-ranks", "1", "run", "-mpackage.train"]).program == ["run", "-m", "package.train"]


@pytest.mark.parametrize("program", [["run", "net.py"], ["run", "-m", "net"]])
def test_a_rank_runs_a_script_or_a_module_for_keras(program, tmp_path):
    (tmp_path / "net.py").write_text("import sys, keras\nprint(sys.argv[1:], keras.layers.Dense.__module__[:9])\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "eagerflow.launch.rank", *program, "-a"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "['-a'] eagerflow\n", done.stderr


def test_help_names_the_line_without_which_ranks_train_models_of_their_own(capsys):
    with pytest.raises(SystemExit):
        launch(["--help"])
    assert "set_distribution(keras.distribution.DataParallel())" in capsys.readouterr().out


def test_the_launcher_needs_the_standard_library_alone():
    program = (
        "import sys, types; package = types.ModuleType('eagerflow'); package.__path__ = [sys.argv[1]]; "
        "sys.modules['eagerflow'] = package; import eagerflow.launch.command; "
        "assert not {'numpy', 'eagerflow.core', 'mpi4py'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-I", "-c", program, str(ROOT / "eagerflow")], check=True)
