"""The page outlives the program: it shows what went wrong, and what there was until then."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.livepage.watching import Reader, data, mlp, watched
from viz.cli import main
from viz.command import live
from viz.livepage.server import handover

ROOT = Path(__file__).parents[3]
linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the page's process is found through /proc")


class Bad(layers.Layer):
    def call(self, x):
        return ef.ops.matmul(x, ef.ops.ones((7, 2)))


def test_the_exception_its_traceback_and_the_op_that_failed():
    model = ef.Sequential([layers.Dense(4), Bad(name="bad")], name="net")
    model.compile("sgd", "mse")
    with watched() as (page, reader):
        with pytest.raises(ValueError, match="matmul"), page:
            model.fit(np.ones((8, 3), "float32"), np.ones((8, 2), "float32"), verbose=0)
        failure = reader.wait(lambda r: r.parts.get("end") and r.parts.get("failure"))
        graph = reader.wait(lambda r: r.get("graph"))  # on a busy machine it comes later
    assert (failure["type"], failure["op"], failure["layer"]) == ("ValueError", "matmul", "net/bad")
    assert "matmul(float32[8, 4], float32[7, 2])" in failure["message"]
    assert [frame[2] for frame in failure["frames"]][-1] == "call"
    assert all("eagerflow/core" not in frame[0] for frame in failure["frames"])
    assert "Traceback" in failure["traceback"]
    assert reader.parts["end"] == {"how": "crashed", "words": "The program ended by ValueError."}
    failed = [i for i in graph["ops"]["error"] if i]
    assert "matmul(float32[8, 4], float32[7, 2])" in graph["texts"][failed[0]]


def test_an_error_in_the_backward_pass_names_the_op():
    @ef.custom_gradient
    def rude(x):
        def gradient(g):
            raise ZeroDivisionError("rude")

        return x * 2.0, gradient

    w = ef.Variable(1.0)
    with watched() as (page, reader):
        with ef.GradientTape() as tape:
            y = rude(w) * 3.0
        with pytest.raises(ZeroDivisionError), page:
            tape.gradient(y, w)
        failure = reader.wait(lambda r: r.parts.get("failure"))
    assert failure["type"] == "ZeroDivisionError"
    assert any(frame[2] == "gradient" for frame in failure["frames"])


def test_an_error_that_is_caught_is_taken_back():
    x, y = data()
    model = mlp()
    with watched() as (_, reader):
        model.fit(x, y, verbose=0)
        with pytest.raises(ValueError):
            model.train_on_batch(x[:, :2], y)
        reader.wait(lambda r: r.parts.get("failure", {}).get("type") == "ValueError")
        model.fit(x, y, verbose=0)
        reader.wait(lambda r: r.parts.get("failure") == {})


def test_errors_that_can_not_even_be_printed():
    class Rude(Exception):
        def __str__(self):
            raise RuntimeError("no")

    with watched() as (page, reader):
        page.report(Rude())
        failure = reader.wait(lambda r: r.parts.get("failure"))
    assert "can't be read" in failure["message"]


SCRIPT = """
import os, sys, time
import numpy as np
import {keras} as keras

model = keras.Sequential([keras.layers.Dense(4, name="only")], name="net")
model.compile("sgd", "mse")
x = np.ones((32, 3), "float32")
model.fit(x, x[:, :1] * np.ones((1, 4), "float32"), batch_size=8, epochs=2, verbose=0)
what = sys.argv[1] if len(sys.argv) > 1 else ""
if what == "crash":
    model.fit(x[:, :2], x, verbose=0)
if what == "stay":
    time.sleep(60)
if what == "leave":
    sys.exit(3)
if what == "kill":
    time.sleep(1)  # until what was made is sent
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(keras="eagerflow", before=""):
        path = tmp_path / "train.py"
        path.write_text(before + SCRIPT.replace("{keras}", keras), encoding="utf-8")
        return str(path)

    return write


def _hears_ctrl_c():
    """A shell lets programs in the background ignore Ctrl-C, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(*arguments):
    """A command, and the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-u", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=_hears_ctrl_c if os.name == "posix" else None,
    )
    assert process.stderr is not None
    url = next(line.split()[1] for line in process.stderr if line.startswith("viz.live: "))
    return process, url


@pytest.mark.slow
@pytest.mark.parametrize("keras", ["eagerflow", "keras"])
def test_run_live_serves_until_ctrl_c(script, keras):
    process, url = started("-m", "viz", "run", "--live", script(keras), "crash")
    reader = Reader(url)
    reader.wait(lambda r: r.parts.get("end") and r.parts.get("failure"))
    assert reader.parts["end"]["how"] == "crashed"
    assert reader.parts["failure"]["frames"][0][0].endswith("train.py")
    assert reader.parts["failure"]["type"] == "ValueError"
    assert len(reader.curves["epoch|loss"]) == 2
    assert reader.get("graph")["ops"]["name"]
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    reader.wait(lambda r: r.ended)
    reader.close()
    assert process.wait(30) == 1
    said = process.stderr.read()
    process.stderr.close()
    assert "ValueError" in said
    assert "until Ctrl-C" in said


@linux
@pytest.mark.slow
def test_a_script_that_is_killed_leaves_its_page(script):
    before = "import viz\nviz.live(open_browser=False, every=0)\n"
    process, url = started(script(before=before), "kill")
    reader = Reader(url)
    end = reader.wait(lambda r: r.parts.get("end"))
    assert end["how"] == "gone"
    assert process.wait(30) == -9
    process.stderr.close()
    assert "batch|loss" in reader.curves
    again = Reader(url)  # another browser finds everything there
    again.wait(lambda r: r.curves == reader.curves and r.parts.get("end"))
    os.killpg(server_of(url), signal.SIGKILL)
    reader.close()
    again.close()


def server_of(url):
    """The number of the process that serves a page: the only one with that port."""
    port = int(url.split(":")[2].split("/")[0])
    wanted = f"{port:04X}"
    inode = next(
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
        if line.split()[1] == f"0100007F:{wanted}" and line.split()[3] == "0A"
    )
    for process in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(process) == f"socket:[{inode}]":
                return int(process.parts[2])
        except OSError:
            continue
    raise AssertionError("nobody listens there")


@linux
@pytest.mark.slow
def test_an_uncaught_exception_ends_the_page_of_a_plain_script(script):
    before = "import viz\nviz.live(open_browser=False, every=0, linger=0)\n"
    process, url = started(script(before=before), "crash")
    reader = Reader(url)
    reader.wait(lambda r: r.parts.get("end"))
    assert reader.parts["end"]["how"] == "crashed"
    assert reader.parts["failure"]["type"] == "ValueError"
    assert process.wait(30) == 1
    assert "ValueError" in process.stderr.read()
    process.stderr.close()
    os.killpg(server_of(url), signal.SIGKILL)  # it stays as long as somebody looks
    reader.close()


@pytest.mark.parametrize(("argument", "status"), [("", 0), ("leave", 3), ("crash", 1)])
def test_run_live_with_exit_ends_with_the_script(script, argument, status, capsys, tmp_path):
    out = tmp_path / "last.efz"
    arguments = ["run", "--live", "--exit", "--no-open", "-o", str(out), script(), argument]
    assert main(arguments) == status
    assert "viz.live: http://127.0.0.1:" in capsys.readouterr().err
    assert out.exists()


def test_run_live_refuses_what_belongs_to_whole_recordings(script, capsys):
    assert main(["run", "--live", "--steps", "1", script()]) == 2
    assert "--steps can't be combined with --live" in capsys.readouterr().err
    assert main(["run", "--live", "--no-open", "nowhere.py"]) == 2
    assert "nowhere.py" in capsys.readouterr().err


@pytest.mark.parametrize(("moment", "status"), [("until Ctrl-C", 0), ("wrote the last", 130)])
def test_ctrl_c_right_after_the_script_frees_the_port(script, monkeypatch, tmp_path, moment, status):
    pages = []

    class Interrupted(io.StringIO):
        def write(self, text):
            if moment in text:
                raise KeyboardInterrupt
            return super().write(text)

    def opened(**options):
        pages.append(viz.live(**options))
        return pages[0]

    monkeypatch.setattr(live, "live", opened)
    monkeypatch.setattr(sys, "stderr", Interrupted())
    out = str(tmp_path / "last.efz")
    assert main(["run", "--live", "--no-open", "-o", out, script()]) == status
    (page,) = pages
    page._child._process.wait(5)
    assert is_free(page._child.port)


def test_a_page_whose_program_has_ended_leaves_its_port_to_the_next_one():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    first = viz.live(port=port, open_browser=False, linger=600)
    reader = Reader(first.url)
    first.close()
    with watched(port=port) as (second, _):
        reader.close()
        assert second.url.split("/")[2] == f"127.0.0.1:{port}"
    first._child._process.wait(10)


def test_who_has_a_port_is_known_to_its_user_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert handover.ask(8765) is None
    claim = handover.Claim(8765, program=7, key="k")
    assert not claim.is_wanted
    assert handover.ask(8765) == 7
    assert claim.is_wanted
    handover.stop_asking(8765)
    assert not claim.is_wanted
    (folder,) = tmp_path.iterdir()
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700
        folder.chmod(0o755)
        assert handover.ask(8765) is None  # somebody else might have written what lies there
        folder.chmod(0o700)
    claim.release()
    assert handover.ask(8765) is None
    (folder / "8765").write_text('{"program": 7, "server": 2000000000}')  # was killed
    assert handover.ask(8765) is None or os.name != "posix"


def test_a_page_knows_the_keys_of_the_last_pages_of_its_port(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    for i in range(10):
        claim = handover.Claim(8765, program=7, key=f"k{i}")
        assert claim.keys == [f"k{k}" for k in range(max(0, i - 8), i)]
    assert handover.Claim(8766, program=7, key="k").keys == []
    (folder,) = tmp_path.iterdir()
    (folder / "8765.keys").write_text('{"keys": 3}')
    assert handover.Claim(8765, program=7, key="k").keys == []


def is_free(port):
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            again.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
