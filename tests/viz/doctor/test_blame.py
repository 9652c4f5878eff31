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
