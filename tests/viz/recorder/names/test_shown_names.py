"""What is said of a run calls layers as its recordings do."""

from __future__ import annotations

import gc
import sys

import eagerflow as ef
import viz
from eagerflow import layers
from viz.cli import main
from viz.recorder.names.shown_names import ShownNames


class Net(ef.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(4, activation="relu")
        self.out = layers.Dense(1, name="chosen")

    def call(self, x):
        return self.out(self.hidden(x))


def heard(*owners):
    names = ShownNames()
    for owner in owners:
        names.hear_inside(owner, sys._getframe(1))
    return names


def test_paths_in_a_sentence_are_those_of_recordings():
    ef.backend.clear_session()
    critic, net = ef.Sequential([layers.Dense(2)]), Net()
    names = heard(critic, net)
    said = names.in_words(
        "'sequential' and 'sequential/dense', sequential/dense/kernel of net/dense_1/bias; 'net/chosen'"
    )
    assert said == "'critic' and 'critic/dense', critic/dense/kernel of net/hidden/bias; 'net/chosen'"
    assert names.of("net/dense_1") == "net/hidden"


def test_words_that_are_no_paths_stay():
    ef.backend.clear_session()
    critic = ef.Sequential([layers.Dense(2)])
    text = "a sequential model; ef.Sequential(...), /tmp/sequential/dense.py, 'sequentially'"
    assert heard(critic).in_words(text) == text


def test_layers_are_not_kept_alive():
    names = ShownNames()
    net = ef.Sequential([layers.Dense(1)])
    names.hear_inside(net, sys._getframe())
    before = len(gc.get_referrers(net))
    del names
    assert len(gc.get_referrers(net)) == before


SCRIPT = """
import numpy as np, eagerflow as ef
from eagerflow import layers
x = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
made = ef.Sequential([layers.Dense(8, activation="relu", bias_initializer=ef.initializers.Constant(-50.0)),
                      layers.Dense(1)])
made.compile("adam", "mse")
made.fit(x, x[:, 1:2] + x[:, :1], batch_size=16, epochs=2, verbose=0)
"""


def test_doctor_and_check_call_a_model_as_its_recording_does(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    main(["doctor", "train.py"])
    said = capsys.readouterr().out
    assert "layer 'made/dense" in said
    assert "sequential" not in said
    main(["check", "train.py"])
    said = capsys.readouterr().out
    assert "'made/dense" in said
    assert "sequential" not in said
    main(["data", "train.py"])
    said = capsys.readouterr().out
    assert "made: 256 samples" in said
    assert "(made/dense" in said
    main(["run", "train.py"])
    assert main(["summary", "train.efz"]) == 0
    assert "made (Sequential)" in capsys.readouterr().out


def test_nonfinite_calls_a_weight_as_its_recording_does():
    ef.backend.clear_session()
    made = ef.Sequential([layers.Input((2,)), layers.Dense(3)])
    made.weights[0].assign([[float("nan")] * 3] * 2)
    with viz.trace(stats="basic") as t:
        made(ef.ops.ones((1, 2)))
    found = viz.find_nonfinite(t)
    assert "the weight made/dense/kernel held 6 NaN" in str(found)
    assert found.layer == "made/dense"
