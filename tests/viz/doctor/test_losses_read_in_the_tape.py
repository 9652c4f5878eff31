"""A loss that Python reads inside of its tape, which then refuses a plain number and ends the script."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import PRELUDE
from viz.doctor.watched_script import examine

LOOP = (
    PRELUDE
    + """
model, optimizer = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)]), ef.optimizers.Adam()
loss_fn = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
for step in range(4):
    with ef.GradientTape() as tape:
        answers = model(x, training=True)
        {inside}
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
"""
)


def examined(tmp_path, inside):
    (script := tmp_path / "train.py").write_text(LOOP.format(inside=inside))
    found = examine(str(script))
    assert found.crashed
    assert not found.failures
    return [(f.rule, script.read_text().splitlines()[f.line - 1].strip()) for f in found.diagnosis]


@pytest.mark.parametrize(
    "read",
    [
        "loss = float(loss_fn(number, answers))",
        "loss = loss_fn(number, answers).item()",
        "loss = loss_fn(number, answers).numpy()",
        "loss = np.mean(answers.numpy() ** 2)",
        "loss = answers.numpy() ** 2",
    ],
)
def test_a_loss_that_is_read_in_the_tape_is_told_with_its_line(read, tmp_path):
    assert examined(tmp_path, read) == [("no_gradient.numpy", read)]


def test_it_is_the_line_whose_number_is_differentiated_not_one_that_is_shown(tmp_path):
    shown = "shown = float(ops.mean(answers))\n        loss = float(loss_fn(number, answers))\n"
    assert examined(tmp_path, shown + "        more = float(ops.max(answers))") == [
        ("no_gradient.numpy", "loss = float(loss_fn(number, answers))")
    ]


@pytest.mark.parametrize("other", ["loss = 0.5", "loss = 'none'", "loss = loss_fn(number, answers); x = x[0, 0, 0]"])
def test_another_error_of_the_tape_is_left_to_its_message(other, tmp_path):
    assert examined(tmp_path, other) == []
