"""`viz gap SCRIPT`."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from viz.cli import main
from viz.fit_gap.of_script import listening

SCRIPT = """\
import sys
import numpy as np
import keras
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(64, 4)) + 4
y = x[:, :1] - 4
model = keras.Sequential([keras.Input((4,)), BODY, keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=["mae"])
model.fit(x, y, epochs=2, verbose=0)
model.fit(x, y, epochs=1, verbose=0)
print("done", *sys.argv[1:])
"""
WELL = SCRIPT.replace("BODY", "keras.layers.Dropout(0.2)")
SICK = SCRIPT.replace("BODY", "keras.layers.BatchNormalization(momentum=0.999)")


def run(tmp_path, capsys, source, *options):
    script = tmp_path / "train.py"
    script.write_text(source)
    status = main(["gap", *options[:-1], str(script), *([options[-1]] if options else [])])
    said = capsys.readouterr()
    return status, said.out if "--json" in options else said.out + said.err


def test_the_last_fit_is_taken_apart(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--metric", "mae", "hello")
    assert status == 0
    assert out.startswith("done hello")
    assert "train.py:10)" in out
    assert out.count("evaluate gives") == 2
    assert re.search(r"^fit and evaluate on .*\nevaluate gives", out, re.MULTILINE)  # the table right below
    assert "dropout" in out


def test_each_fit_is_taken_apart_where_one_asks_for_it(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--each", "")
    assert status == 0
    assert "train.py:9)" in out
    assert "train.py:10)" in out


def test_statistics_that_lag_behind_are_told_by_the_exit_status(tmp_path, capsys):
    status, out = run(tmp_path, capsys, SICK)
    assert status == 1
    assert "of their first values" in out


def test_json_is_for_programs(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--json", "--draw", str(tmp_path / "gap.svg"), "")
    (found,) = json.loads(out)["gaps"]
    loss = found["numbers"]["loss"]
    assert status == 0
    assert found["line"] == 10
    assert sum(loss["parts"].values()) == pytest.approx(loss["fit"] - loss["evaluate"], abs=1e-9)
    assert (tmp_path / "gap.svg").read_text().startswith("<?xml")


def test_a_script_without_fit_or_that_fails_says_so(tmp_path, capsys):
    status, out = run(tmp_path, capsys, "print(1)\n")
    assert status == 3
    assert "viz gap: failed: no epoch of fit was finished" in out
    status, out = run(tmp_path, capsys, WELL + "raise SystemExit(4)\n")
    assert status == 3
    assert "dropout" in out  # what was known until then


def test_a_pdf_that_nothing_here_can_make_is_refused_before_the_script_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    monkeypatch.setenv("PATH", "")
    (tmp_path / "script.py").write_text("raise SystemExit('it ran')")
    for command in ("gap", "estimate"):
        assert main([command, "--draw", str(tmp_path / "a.pdf"), str(tmp_path / "script.py")]) == 3
        said = capsys.readouterr().err
        assert "pip install cairosvg" in said
        assert "it ran" not in said


def test_a_metric_that_is_not_there_is_wrong_usage(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--metric", "mea", "hello")
    assert status == 2
    assert "viz gap: error: --metric mea: expected one of loss, mae; did you mean 'mae'?" in out


def test_a_refusal_is_told(tmp_path, capsys):
    own = "class Own(keras.Sequential):\n    def test_step(self, data):\n        return {'other': 1.0}\n"
    source = WELL.replace("model =", f"{own}model =").replace("keras.Sequential([", "Own([")
    status, out = run(tmp_path, capsys, source)
    assert status == 3
    assert "viz gap: failed: gap: Own has a train_step or test_step of its own" in out


def trained(watched):
    ef.utils.set_random_seed(5)
    x = np.random.default_rng(1).normal(size=(96, 4)).astype("float32")
    body = layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.4), layers.Dense(1, kernel_regularizer="l2")
    model = ef.Sequential([layers.Input((4,)), *body])
    model.compile("adam", "mse")
    for _ in range(2):
        if watched:
            with listening(every=True) as found:
                history = model.fit(x, x[:, :1], epochs=2, verbose=0)
            assert len(found.gaps) == 1
        else:
            history = model.fit(x, x[:, :1], epochs=2, verbose=0)
    return b"".join(v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)), history.history


def test_a_training_that_is_watched_has_the_bits_of_one_that_is_not():
    assert trained(True) == trained(False)


def test_a_fit_that_is_broken_off_is_taken_apart_as_its_last_epoch_left_it():
    class Stops(ef.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.optimizer.iterations == 7:  # the last of the second epoch
                raise KeyboardInterrupt

    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    ef.utils.set_random_seed(0)
    model = ef.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt), listening() as found:
        model.fit(x, x[:, :1], batch_size=16, epochs=3, verbose=0, callbacks=[Stops()])
    (gap,) = found.gaps
    assert gap.epoch == 1
    assert list(gap.parts) == ["running mean"]


NAN = """\
import numpy as np, keras
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.2), keras.layers.Dense(1)])
model.compile("sgd", "mse")
spoil = keras.callbacks.LambdaCallback(
    on_epoch_begin=lambda epoch, logs: epoch == BEGIN and model.layers[-1].bias.assign([np.nan]),
    on_train_end=lambda logs: END and model.set_weights(good))
good = model.get_weights()
model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[spoil])
"""


@pytest.mark.filterwarnings("ignore:the loss is nan")
def test_a_loss_that_is_nan_is_told_since_its_epoch_with_the_script_and_no_parts(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "late.py").write_text(NAN.replace("BEGIN", "1").replace("END", "False"))
    assert main(["gap", "late.py", "--lr", "1"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "The loss is NaN from epoch 2 on: find where it begins with `viz nonfinite late.py --lr 1`." in out
    for cause in ("other layers", "running mean", "dropout"):
        assert cause not in out
    assert main(["gap", "--json", "late.py"]) == 1
    (gap,) = json.loads(capsys.readouterr().out)["gaps"]
    assert gap["nonfinite_since_epoch"] == 2
    assert gap["numbers"]["loss"]["parts"] == {}
    assert gap["averaged_over_orders"] == ["dropout"]
    main(["doctor", "--gap", "late.py"])
    assert "`viz nonfinite late.py`" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:the loss is nan")
def test_which_of_the_two_numbers_is_nan_is_told(tmp_path, capsys):
    status, out = run(tmp_path, capsys, NAN.replace("BEGIN", "2").replace("END", "True"))
    assert status == 1
    assert "The loss that fit reported is NaN in epoch 3, that of evaluate isn't" in out
