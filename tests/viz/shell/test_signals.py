"""Signals that end a command while it runs a script: what was recorded until then is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import viz
from viz.cli import main
from viz.command import live

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

OPS = "import os, signal\nimport eagerflow as ef\nef.ops.exp(ef.ops.ones((2, 3)))\n"
TRAINS = """\
import os, signal
import eagerflow as ef
class End(ef.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch == 2:
            os.kill(os.getpid(), signal.SIGTERM)
model = ef.Sequential([ef.layers.Dense(1)])
model.compile("sgd", "mse")
x = ef.ops.ones((32, 2)).numpy()
model.fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0, callbacks=[End()])
"""


@pytest.fixture(autouse=True)
def _as_from_a_terminal():
    """`nohup` and a shell's background start programs with some signals ignored, which a script would inherit."""
    usual = {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL}
    before = {name: signal.signal(getattr(signal, name), handler) for name, handler in usual.items()}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        (tmp_path / "train.py").write_text(text, encoding="utf-8")
        return "train.py"

    return write


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_recording_that_a_signal_ended_is_written(name, status, script, capsys):
    assert main(["run", script(f"{OPS}os.kill(os.getpid(), signal.{name})\nprint('later')\n")]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert f"ended by {name}" in err
    assert "Traceback" not in err
    assert [op.name for op in viz.load("train.efz").ops] == ["exp"]
    assert signal.getsignal(getattr(signal, name)) is signal.SIG_DFL


@pytest.mark.parametrize("command", ["check", pytest.param("estimate", marks=pytest.mark.slow)])
def test_a_command_that_a_signal_ends_leaves_nothing_behind(command, script, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    seen = "import tempfile; assert os.listdir(os.path.dirname(os.path.dirname(tempfile.mkdtemp())))\n"
    assert main([command, script(OPS + seen + "os.kill(os.getpid(), signal.SIGTERM)\n")]) == 143
    assert f"viz {command}: ended by SIGTERM" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_the_step_that_runs_is_finished_first(script):
    assert main(["run", script(TRAINS)]) == 143
    recording = viz.load("train.efz")
    assert len(recording.steps) == 3
    assert [op.name for op in recording.ops if op.step == 2] == [op.name for op in recording.ops if op.step == 1]


def test_the_live_page_tells_the_signal_and_stays_for_who_looks_at_it(script, monkeypatch):
    sent, pages = [], []

    def opened(**options):
        pages.append(viz.live(**options))
        pages[0]._child.mirror = sent.append
        return pages[0]

    monkeypatch.setattr(live, "live", opened)
    assert main(["run", "--live", "--no-open", "-o", "last.efz", script(TRAINS)]) == 143
    (end,) = [each for each in sent if each["is"] == "end"]
    assert (end["how"], end["by"], end["words"]) == ("killed", "SIGTERM", "The program was ended by SIGTERM.")
    assert pages[0].is_served
    assert Path("last.efz").exists()
    pages[0].close(quit=True)


def test_the_second_signal_ends_the_program_at_once(script, capsys):
    source = "try:\n    os.kill(os.getpid(), signal.SIGTERM)\nexcept KeyboardInterrupt:\n    pass\n"
    source += "print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)\n"
    assert main(["run", script(OPS + source)]) == 0  # the script goes on, as it may after Ctrl-C
    assert capsys.readouterr().out == "True\n"


def test_a_script_with_plans_for_a_signal_is_left_alone(script, capsys):
    source = "signal.signal(signal.SIGTERM, lambda *_: print('mine'))\nos.kill(os.getpid(), signal.SIGTERM)\n"
    try:
        assert main(["run", script(OPS + source)]) == 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert capsys.readouterr().out == "mine\n"


@pytest.mark.slow
def test_a_recording_is_written_though_its_terminal_was_closed(script, tmp_path):
    ours, theirs = os.openpty()
    source = "open('ready', 'w').write('!')\nopen('fifo').readline()\nos.kill(os.getpid(), signal.SIGHUP)\n"
    os.mkfifo(tmp_path / "ready")
    os.mkfifo(tmp_path / "fifo")
    gate = os.open(tmp_path / "fifo", os.O_RDWR)  # which doesn't wait for a reader
    command = [sys.executable, "-m", "viz", "run", script(OPS + source)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    assert (tmp_path / "ready").read_text() == "!"  # not through the terminal, where it may be in the middle of a line
    os.close(ours)  # the terminal is gone
    os.write(gate, b"go on\n")
    assert process.wait(60) == 129
    os.close(gate)
    assert [op.name for op in viz.load("train.efz").ops] == ["exp"]
