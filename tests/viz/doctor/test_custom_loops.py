"""Loops written by hand: what is wrong with them comes first, and what isn't wrong is not accused."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import HERE, PLANTED, PRELUDE, read, script
from viz.doctor.watched_script import examine

BROKEN = read(HERE / "broken_loops.txt")  # the kind of finding stands before the name
HEALTHY = read(HERE / "healthy_loops.txt")
COUNTED = "ops.mean(ops.cast(ops.argmax(model(x[rows]), -1) != number[rows], 'float32'))"
CHOSEN = "loss_of(onehot[rows], ops.one_hot(ops.argmax(model(x[rows]), -1), 3))"
ZEROS = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
loss_of, optimizer = ef.losses.CategoricalCrossentropy(), ef.optimizers.Adam()
for epoch in range(10):
    for i in range(0, 128, 32):
        rows = slice(i, i + 32)
        with ef.GradientTape() as tape:
            loss = {loss}  # here
        found, weights = tape.gradient(loss, model.trainable_weights), model.trainable_weights
        given = [g if g is not None else ops.zeros_like(w) for g, w in zip(found, weights)]
        optimizer.apply_gradients(zip(given, weights))
"""
READ = (
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
ADDED_UP = """
model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")])
loss_of, optimizer = ef.losses.SparseCategoricalCrossentropy(), ef.optimizers.SGD(0.1)
for epoch in range(3):
    with ef.GradientTape() as tape:
        loss = sum(loss_of(number[i : i + 8], model(x[i : i + 8], training=True)) for i in range(0, 128, 8)) / 16
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
"""


def diagnosed(source, tmp_path):
    """The findings for a script."""
    (path := tmp_path / "train.py").write_text(script(source)[0])
    examination = examine(str(path))
    assert examination.failures == []
    assert not examination.crashed
    return examination.diagnosis


@pytest.mark.filterwarnings("ignore:No gradient")
@pytest.mark.parametrize("loss", [COUNTED, CHOSEN])
def test_weights_without_gradients_are_not_taken_for_new_ones(loss, tmp_path):
    source = ZEROS.format(loss=loss)
    found = [f for f in diagnosed(source, tmp_path) if f.severity != "info"]
    assert [f.kind for f in found] == ["no_gradient"]
    assert found[0].line == script(source)[1]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_loop_comes_first(name, tmp_path):
    found = [f for f in diagnosed(BROKEN[name], tmp_path) if f.severity != "info"]
    assert [(f.kind, f.line) for f in found] == [(name.partition(":")[0], script(BROKEN[name])[1])]


@pytest.mark.parametrize("name", HEALTHY)
def test_loops_that_may_be_meant_are_not_accused(name, tmp_path):
    found = diagnosed(HEALTHY[name], tmp_path)
    assert [f for f in found if f.severity != "info"] == [], found.text


def test_a_line_that_reads_numbers_is_told_of_once_for_all_layers(tmp_path):
    diagnosis = diagnosed(PLANTED["no_gradient"]["through numpy, in the function of the loss"], tmp_path)
    (found,) = [f for f in diagnosis if f.kind == "no_gradient"]
    assert (found.rule, found.severity) == ("no_gradient.numpy", "error")
    assert found.message.endswith(
        "is None in all 10 steps: .numpy() gives plain numbers inside the tape, through which no gradient goes"
    )


def read_in_tape(tmp_path, inside):
    (script := tmp_path / "train.py").write_text(READ.format(inside=inside))
    found = examine(str(script))
    assert found.crashed
    assert not found.failures
    return [(f.rule, script.read_text().splitlines()[f.line - 1].strip()) for f in found.diagnosis]


@pytest.mark.parametrize("other", ["loss = 0.5", "loss = 'none'", "loss = loss_fn(number, answers); x = x[0, 0, 0]"])
def test_another_error_of_the_tape_is_left_to_its_message(other, tmp_path):
    assert read_in_tape(tmp_path, other) == []


def test_steps_are_updates_where_each_is_made_of_many_batches(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(f"{PRELUDE}{ADDED_UP}", encoding="utf-8")
    (few,) = examine(str(path)).diagnosis
    assert (few.kind, few.evidence["steps"]) == ("too_few_steps", 3)
    assert few.message.startswith("training ended after 3 steps with a loss of")
