"""What is printed: no encoding of the output ends a training or a command."""

from __future__ import annotations

import ast
import codecs
import io
import os
import subprocess
import sys

import pytest

from eagerflow.base.output import printable, write
from eagerflow.cli.streams import any_encoding
from tests.sources import ROOT, SOURCES
from viz.facts.text_table import Text

TRAINING = """
import numpy as np
import eagerflow as ef
import viz

x, y = np.ones((16, 4)), np.ones((16, 3))
model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3, name="größe→层")])
model.compile("sgd", "mse", metrics=[ef.metrics.MeanSquaredError(name="误差")])
model.summary()
stopped = ef.callbacks.EarlyStopping("loss", patience=0, verbose=1)
model.fit(x, y, epochs=2, callbacks=[stopped, ef.callbacks.ModelCheckpoint("дом.keras", verbose=1)])
with viz.trace(stats="basic") as t:
    model.train_on_batch(x, y)
for shown in (t, t.summary(), t.top(), t.memory(), t.grad_flow(), viz.diagnose(model, x, y), viz.gap(model, x, y)):
    print(shown)
    print(repr(shown))
    print(f"{shown}")
t.save("step.efz")
"""


def environment(encoding):
    return {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


@pytest.mark.parametrize(
    "encoding", ["cp1252", *[pytest.param(each, marks=pytest.mark.slow) for each in ("ascii", "gbk", "utf-16")]]
)
def test_a_training_and_the_commands_for_its_recording_print_in_every_encoding(tmp_path, encoding):
    (tmp_path / "train.py").write_text(TRAINING, encoding="utf-8")
    commands = [["train.py"], *[["-m", "viz", name, "step.efz"] for name in ("show", "summary", "top", "annotate")]]
    if encoding != "cp1252":  # which train again, some seconds each
        commands += [["-m", "viz", "check", "train.py"], ["-m", "viz", "doctor", "train.py"]]
    for command in commands:
        ended = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment(encoding), capture_output=True, check=False
        )
        said = ended.stderr.decode(encoding, "replace")
        assert "UnicodeEncodeError" not in said, (command, said)
        assert "can't encode" not in said, (command, said)
        assert ended.returncode in ((0, 1) if "train.py" in command[2:] else (0,)), (
            command,
            said,
        )  # 1: found something
        assert len(ended.stdout.decode(encoding)) > 50


class Screen(io.TextIOWrapper):
    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding)

    def shown(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


class Tee:
    """A stream of the user's, which says nothing of the encoding of the file behind it."""

    def __init__(self, file):
        self.file = file

    def write(self, text):
        self.file.write(text)

    def flush(self):
        self.file.flush()


def test_signs_keep_their_places_in_tables():
    assert printable("┏━┓ 3×4 ✓ ─│", Screen("ascii")) == "+-+ 3x4 + -|"
    assert printable("é ── ×", Screen("cp1252")) == "é -- ×"
    assert printable("é 层 \udc80 Ω", Screen("ascii")) == "e ? ? ?"
    assert printable("é 层 ─", Screen("utf-8")) == "é 层 ─"


def test_a_stream_that_does_not_know_its_encoding_is_written_to_in_ascii():
    screen = Screen("cp1252")
    write("━ é\n", Tee(screen))
    assert screen.shown() == "- e\n"


def test_a_stream_whose_encoding_nobody_knows_is_written_to_in_ascii():
    class Odd(io.StringIO):
        encoding = "house-made"

    odd = Odd()
    write("━ é", odd)
    assert odd.getvalue() == "- e"


def test_a_program_without_a_console_writes_nothing(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    write("text")


def test_commands_leave_the_streams_as_they_were(monkeypatch):
    out, error = Screen("cp1252"), Screen("ascii")
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", error)
    with any_encoding():
        print("─ naïve")
        print("✗", file=sys.stderr)
    assert (out.shown(), error.shown()) == ("- naïve\n", "x\n")
    with pytest.raises(UnicodeEncodeError):
        print("─")


def test_handlers_that_somebody_chose_stay(monkeypatch):
    out = Screen("ascii")
    out.reconfigure(errors="backslashreplace")
    monkeypatch.setattr("sys.stdout", out)
    with any_encoding():
        print("─")
    assert out.shown() == "\\u2500\n"


def test_only_encoding_is_forgiven():
    with pytest.raises(UnicodeDecodeError):
        codecs.decode(b"\xff", "ascii", "eagerflow.plain")


def test_texts_stay_what_they_are(monkeypatch):
    text = Text("a ─ b")
    monkeypatch.setattr("sys.stdout", Screen("ascii"))
    assert text == "a ─ b"
    assert text.encode() == "a ─ b".encode()
    assert str(text) == f"{text}" == repr(text) == "a - b"


# What ends with its process, or is called from a command line only.
COMMAND_LINES = ("eagerflow.__main__", "eagerflow.demo", "eagerflow.launch", "eagerflow._warm_up", "viz.cli")
COMMAND_LINES += ("eagerflow._info", "eagerflow.cli.statuses")
COMMAND_LINES += ("eagerflow.compat.run", "viz.command", "viz.add_ons", "viz.shell", "viz.replay.prompt")
COMMAND_LINES += ("viz.doctor.watched_script",)


def test_libraries_print_by_way_of_one_place():
    printing = {
        source.name
        for source in SOURCES
        if "print(" in source.text
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert [name for name in sorted(printing) if not name.startswith(COMMAND_LINES)] == []
