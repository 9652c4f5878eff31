"""What is blamed for a training that fails is its cause, and the cure is one that helps there."""

from __future__ import annotations

import pytest

from viz.doctor.watched_script import examine

DATA = """\
import numpy as np
import eagerflow as ef
from eagerflow import layers, ops
ef.utils.set_random_seed(0)
rng = np.random.default_rng(0)
(x, y), (held_x, held_y) = ef.datasets.digits.load_data()
x, held_x = x / 16, held_x / 16
"""

DEEP = """\
deep = [layers.Dense(32, activation="sigmoid") for _ in range(12)]
model = ef.Sequential([layers.Flatten(), *deep, layers.Dense(10, activation="softmax")])
model.compile(ef.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
model.fit(x, y, epochs=6, verbose=0)
"""

GROWING = """\
sequences = rng.normal(size=(64, 80, 3)).astype("float32")
grows = ef.initializers.RandomNormal(stddev=2.0)
model = ef.Sequential([layers.SimpleRNN(32, activation="linear", recurrent_initializer=grows), layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(sequences, sequences[:, 0, :1], verbose=0)
"""

LOGARITHM = """\
def likelihood(t, p):
    return -ops.mean(t * ops.log(p) + (1 - t) * ops.log(1 - p), axis=-1)

model = ef.Sequential([layers.Flatten(), layers.Dense(16, activation="relu"), layers.Dense(1, activation="relu")])
model.compile("adam", likelihood)
model.fit(x, (y > 4).astype("float32")[:, None], verbose=0)
"""


@pytest.fixture
def diagnosed(tmp_path):
    def of(source):
        path = tmp_path / "train.py"
        path.write_text(DATA + source)
        examination = examine(str(path))
        assert examination.failures == []
        return list(examination.diagnosis)

    return of


def test_updates_too_small_to_show_follow_from_the_vanishing_gradient(diagnosed):
    first, *others = diagnosed(DEEP)
    assert (first.kind, first.severity) == ("vanishing_gradient", "error")
    assert {f.because for f in others} == {"vanishing_gradient"}
    assert {"frozen", "constant_output"} <= {f.kind for f in others}
    assert not any("isn't given it" in f.message for f in others)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_no_steps_before_are_blamed_for_the_first_one(diagnosed):
    found = next(f for f in diagnosed(GROWING) if f.kind == "nonfinite")
    assert "no update is to blame" in found.fix
    assert "lower the learning rate" not in found.fix


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_relus_are_not_dead_of_nan(diagnosed):
    assert [f.kind for f in diagnosed(LOGARITHM)] == ["nonfinite"]


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("loss = ops.mean(ops.cast(ops.argmax(model(x), axis=-1), 'float32'))", ["no_gradient.cut"]),
        ("answers = model(x)", ["no_gradient.behind_tape"]),  # the loss outside of the tape: no op of it is to blame
    ],
)
def test_an_op_without_slope_is_named_once_for_all_weights(line, rules, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(
        f"{DATA}model = ef.Sequential([layers.Flatten(), layers.Dense(4), layers.Dense(3)])\n"
        f"for step in range(4):\n    loss = None\n    with ef.GradientTape() as tape:\n        {line}\n"
        "    loss = ops.mean(ops.square(answers)) if loss is None else loss\n"
        "    tape.gradient(loss, model.trainable_variables)\n"
    )
    found = [finding for finding in examine(str(path)).diagnosis if finding.kind == "no_gradient"]
    assert [finding.rule for finding in found] == rules
