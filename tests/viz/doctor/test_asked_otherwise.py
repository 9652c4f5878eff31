"""Networks that are asked for answers as if they were still trained, and gradients that are asked of something else."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import script
from viz.doctor.watched_script import examine

LOOP = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dropout(0.5), layers.Dense(3)])
loss_of, optimizer = ef.losses.SparseCategoricalCrossentropy(from_logits=True), ef.optimizers.Adam(0.01)
for epoch in range(8):
    for i in range(0, 96, 32):
        rows = slice(i, i + 32)
        with ef.GradientTape() as tape:
            loss = loss_of(number[rows], model(x[rows], training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights))
"""
PENALTY = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)])
loss_of, optimizer = ef.losses.SparseCategoricalCrossentropy(from_logits=True), ef.optimizers.Adam(0.01)
for step in range(40):
    with ef.GradientTape(persistent=True) as tape:
        answers = model(x, training=True)
        loss = {loss}
        penalty = sum(ops.sum(w ** 2) for w in model.trainable_weights)
    found = tape.gradient({asked}, model.trainable_weights){line}
    optimizer.apply_gradients(zip(found, model.trainable_weights))
"""
OF_CLASS = "loss_of(number, answers)"
BY_HAND = "-ops.mean(ops.sum(onehot * ops.log_softmax(answers), axis=-1))"


def found_in(source, tmp_path):
    """What is worse than a hint, and the guilty line."""
    whole, line = script(source)
    (path := tmp_path / "train.py").write_text(whole)
    examination = examine(str(path))
    assert examination.failures == []
    assert not examination.crashed
    return [f for f in examination.diagnosis if f.severity != "info"], line


def test_dropout_that_is_left_on_for_the_test_rows_is_named_with_the_line_of_the_call(tmp_path):
    found, line = found_in(LOOP + "print(ops.argmax(model(x[96:], training=True), -1))  # here\n", tmp_path)
    assert [(f.rule, f.line) for f in found] == [("dropout_high.asked", line)]


def test_dropout_that_is_left_on_behind_fit_is_named(tmp_path):
    source = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dropout(0.5), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x[:96], target[:96], epochs=10, verbose=0)
print(ops.mean(ops.abs(model(x[96:], training=True) - target[96:])))  # here
"""
    found, line = found_in(source, tmp_path)
    assert [(f.rule, f.line) for f in found] == [("dropout_high.asked", line)]


@pytest.mark.parametrize(
    "asked",
    [
        "print(ops.argmax(model(x[96:]), -1))",
        "print(ops.mean(ops.stack([model(x[96:], training=True) for _ in range(8)]), axis=0))",
        "print(model(np.repeat(x[96:97], 50, axis=0), training=True).numpy().std(0))",
        "print(np.mean(ops.argmax(model(x[64:96], training=True), -1).numpy() == number[64:96]))",
    ],
)
def test_dropout_on_purpose_and_in_what_was_trained_is_left_alone(asked, tmp_path):
    assert found_in(f"{LOOP}{asked}\n", tmp_path)[0] == []


def test_answers_with_dropout_during_training_are_left_alone(tmp_path):
    inner = "        chosen = model(x[96:], training=True).numpy().argmax(-1)\n        with ef.Grad"
    assert found_in(LOOP.replace("        with ef.Grad", inner), tmp_path)[0] == []


@pytest.mark.parametrize("loss", [OF_CLASS, BY_HAND])
def test_gradients_of_a_penalty_alone_are_named_with_their_line(loss, tmp_path):
    found, line = found_in(PENALTY.format(loss=loss, asked="penalty", line="  # here"), tmp_path)
    assert [(f.rule, f.line) for f in found] == [("no_gradient.elsewhere", line)]


@pytest.mark.parametrize("asked", ["loss + 1e-4 * penalty", "loss"])
def test_gradients_of_a_loss_beside_a_penalty_are_as_they_should_be(asked, tmp_path):
    source = PENALTY.format(loss=OF_CLASS, asked="total", line="")
    source = source.replace("    found =", f"        total = {asked}\n    found =", 1)
    assert found_in(source, tmp_path)[0] == []


def test_gradients_of_a_penalty_that_follow_those_of_the_loss_are_left_alone(tmp_path):
    both = "[a + 1e-4 * b for a, b in zip(tape.gradient(loss, model.trainable_weights), found)]"
    source = PENALTY.format(loss=OF_CLASS, asked="penalty", line="").replace("zip(found,", f"zip({both},")
    assert found_in(source, tmp_path)[0] == []


def test_the_gradient_of_a_crossentropy_that_goes_past_the_softmax_is_that_of_the_answers(tmp_path):
    source = """
model = ef.Sequential([ef.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile(ef.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
model.fit(x, number, epochs=10, verbose=0)
"""
    assert found_in(source, tmp_path)[0] == []
