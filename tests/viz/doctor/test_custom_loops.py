"""Loops written by hand: what is wrong with them comes first, and what isn't wrong is not accused."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import HERE, PLANTED, read, script
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
KEPT = """
members = [ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)]) for _ in range(24)]
for member in members:
    with ef.GradientTape() as tape:
        loss = ops.mean(ops.square(member(x) - target))
    for weight, gradient in zip(member.trainable_weights, tape.gradient(loss, member.trainable_weights)):
        weight.assign_sub(0.05 * gradient)
"""
LAYERS_IN_TURNS = """
inner = [layers.Dense(8, activation="tanh") for _ in range(24)]
model = ef.Sequential([*inner, layers.Dense(8)])
for layer in inner:
    with ef.GradientTape() as tape:
        loss = ops.mean(ops.square(model(x) - x))
    for weight, gradient in zip(layer.trainable_weights, tape.gradient(loss, layer.trainable_weights)):
        weight.assign_sub(0.05 * gradient)
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


@pytest.mark.parametrize("source", [KEPT, LAYERS_IN_TURNS])
def test_weights_that_are_trained_in_turns_and_kept_are_not_called_thrown_away(source, tmp_path):
    assert [f for f in diagnosed(source, tmp_path) if f.kind == "frozen"] == []


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_loop_comes_first(name, tmp_path):
    found = [f for f in diagnosed(BROKEN[name], tmp_path) if f.severity != "info"]
    assert [(f.kind, f.line) for f in found] == [(name.partition(":")[0], script(BROKEN[name])[1])]


@pytest.mark.parametrize("name", HEALTHY)
def test_loops_that_may_be_meant_are_not_accused(name, tmp_path):
    found = diagnosed(HEALTHY[name], tmp_path)
    assert [f for f in found if f.severity != "info"] == [], found.text


LOOPS = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)])
optimizer, loss_of = ef.optimizers.Adam(0.001), ef.losses.SparseCategoricalCrossentropy(from_logits=True)
def train_step(a, b):
    with ef.GradientTape() as tape:
        loss = loss_of(b, model(a, training=True))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
part, chosen, some = x[:16], rng.permutation(128)[:16], number[:16]
for epoch in range({epochs}):
    for i in range(0, 128, 16):
        train_step({rows}, {labels})  # here
"""


@pytest.mark.parametrize("rows", ["x[:16], number[:16]", "x[chosen], number[chosen]"])
def test_a_loop_over_the_same_few_rows_gets_a_hint(rows, tmp_path):
    a, b = rows.split(", ")
    source = LOOPS.format(epochs=5, rows=a, labels=b)
    found = [f for f in diagnosed(source, tmp_path) if f.rule == "sorted_rows.repeated"]
    assert [(f.severity, f.line) for f in found] == [("info", script(source)[1])]
    assert "16 rows of the 128 of 'x'" in found[0].message
    assert "on purpose" in found[0].fix


@pytest.mark.parametrize(
    ("rows", "labels", "epochs"),
    [
        ("x[i : i + 16]", "number[i : i + 16]", 5),
        ("x[:16]", "number[:16]", 2),  # just tried out
        ("x[:16]", "rng.integers(0, 3, 16)", 5),  # other labels, as of what was tried in a state
        ("x[:100]", "number[:100]", 5),  # what a split left
        ("x", "number", 5),
        ("part", "some", 5),  # all that there is, perhaps
    ],
)
def test_batches_that_change_and_whole_data_get_none(rows, labels, epochs, tmp_path):
    found = diagnosed(LOOPS.format(rows=rows, labels=labels, epochs=epochs), tmp_path)
    assert [f for f in found if f.rule == "sorted_rows.repeated"] == []


def test_a_line_that_reads_numbers_is_told_of_once_for_all_layers(tmp_path):
    diagnosis = diagnosed(PLANTED["no_gradient"]["through numpy, in the function of the loss"], tmp_path)
    (found,) = [f for f in diagnosis if f.kind == "no_gradient"]
    assert (found.rule, found.severity) == ("no_gradient.numpy", "error")
    assert found.message.endswith(
        "is None in all 10 steps: .numpy() gives plain numbers inside the tape, through which no gradient goes"
    )
