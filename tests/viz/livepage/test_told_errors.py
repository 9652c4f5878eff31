"""What the doctor of the live page finds to be an error is told in the terminal, once."""

from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace

import viz
from viz.doctor.report import text
from viz.livepage.failures import Blame
from viz.livepage.told_errors import ToldErrors

WRONG = """
import numpy as np
import eagerflow as ef
rng = np.random.default_rng(0)
x, y = rng.normal(size=(256, 5)).astype("float32"), rng.integers(0, 3, 256)
model = ef.Sequential([ef.Input((5,)), ef.layers.Dense(8, "relu"), ef.layers.Dense(3, "softmax")])
model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=8, epochs=2, verbose=0)
"""


def finding(kind, severity="error", message="the loss grows"):
    return viz.Finding(kind, severity, message, "Lower it.", file="train.py", line=12)


def test_the_first_error_of_each_kind_is_told_in_the_words_of_viz_doctor(capsys):
    told = ToldErrors()
    first, other = finding("lr_too_high"), finding("frozen", message="a layer is frozen")
    told.hear([finding("overfit", "warning"), finding("unscaled_input", "info")])
    assert capsys.readouterr().err == ""
    told.hear([first])
    (line,) = capsys.readouterr().err.splitlines()
    head, sentence = text([first]).splitlines()[:2]
    assert line.startswith(f"doctor: {head}  {sentence.strip()}")
    told.hear([first, finding("lr_too_high", message="it grows more")])
    assert capsys.readouterr().err == ""
    told.hear([first, other])
    assert "frozen" in capsys.readouterr().err


def test_a_terminal_that_was_closed_ends_nothing(monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    ToldErrors().hear([finding("lr_too_high")])
    monkeypatch.setattr(sys, "stderr", None)
    ToldErrors().hear([finding("lr_too_high")])


def test_viz_run_live_says_what_is_wrong_with_the_script(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    command = [sys.executable, "-m", "viz", "run", "--live", "--exit", "--no-open", "wrong.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    lines = [line for line in ran.stderr.splitlines() if line.startswith("doctor: ")]
    assert len(lines) == 1
    assert lines[0].startswith("doctor: error loss_mismatch  wrong.py:7  The loss takes its input as logits")


def test_an_error_is_not_blamed_on_the_op_of_one_that_is_gone():
    blame = Blame()
    for _ in range(50):  # of one another's place in memory
        error = ValueError("of an op")
        blame.op(SimpleNamespace(name="matmul"), error)
        assert blame.of(error) == {"op": "matmul"}
        del error
        assert blame.of(ValueError("of no op")) == {}


def test_the_innermost_layer_and_the_op_of_the_cause_are_named():
    blame, cause = Blame(), ValueError("of an op")
    blame.op(SimpleNamespace(name="matmul"), cause)
    for name in ("model/dense", "model"):
        blame.scope(SimpleNamespace(kind="layer", name=name, owner=None), cause)
    error = RuntimeError("around")
    error.__cause__ = cause
    assert blame.of(error) == {"op": "matmul", "layer": "model/dense"}
