"""Loops that call several models: what is looked at of each, and what of one alone."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import PRELUDE
from viz.cli import main

pytestmark = pytest.mark.usefixtures("once")

GAN = """
real = rng.integers(0, 256, size=(32, 12)).astype("float32")
maker = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(12, activation="tanh")], name="maker")
judge = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)], name="judge")
loss_of = ef.losses.BinaryCrossentropy(from_logits=True)
with ef.GradientTape() as tape:
    made = judge(maker(x[:32], training=True), training=True)
    right = judge(real, training=True)
    loss = loss_of(ops.ones_like(right), right) + loss_of(ops.zeros_like(made), made)
ef.optimizers.Adam().apply(tape.gradient(loss, judge.trainable_variables), judge.trainable_variables)
"""
TWO = """
body = ef.Sequential([layers.Dense(8, activation="relu")], name="body")
head = ef.Sequential([layers.Dense(3, activation="softmax")], name="head")
with ef.GradientTape() as tape:
    loss = ef.losses.SparseCategoricalCrossentropy()(number, head(body(x, training=True), training=True))
weights = {weights}
ef.optimizers.Adam().apply(tape.gradient(loss, weights), weights)
"""
ALL = "body.trainable_variables + head.trainable_variables"


def test_real_rows_of_a_discriminator_are_looked_at_as_made_ones_are(checked):
    whole = checked(PRELUDE + GAN)
    found = whole.rows[0]
    assert (found.name, found.verdict) == ("inputs", "fault")
    assert "0 to 255" in found.message
    assert (whole.judged, whole.others) == ("judge", ("maker",))


def test_a_model_whose_weights_are_left_out_is_named(rows, tmp_path, capsys):
    found = rows(TWO.format(weights="head.trainable_variables"))
    assert found["weights move"].verdict == "open"
    assert "no gradient of the 2 of 'body'" in found["weights move"].message
    assert main(["check", str(tmp_path / "train.py")]) == 0
    assert "the loop also calls 'body': of that only inputs and weights are checked" in capsys.readouterr().out


def test_models_that_are_trained_together_are_fine(rows):
    found = rows(TWO.format(weights=ALL))
    assert {found[name].verdict for name in ("inputs", "weights move")} == {"ok"}
    assert found["inputs"].message.count(" sees 128×8") == 2


TURNS = """
maker = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(12)], name="maker")
judge = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)], name="judge")
loss_of = ef.losses.BinaryCrossentropy(from_logits=True)
one, two = ef.optimizers.Adam(), ef.optimizers.Adam()
real = rng.normal(size=(32, 12)).astype("float32")
for _ in range(3):
    with ef.GradientTape() as tape, ef.GradientTape() as other:
        made, right = judge(maker(x[:32], training=True), training=True), judge(real, training=True)
        making = loss_of(ops.ones_like(made), made)
        judging = loss_of(ops.ones_like(right), right) + loss_of(ops.zeros_like(made), made)
    two.apply_gradients(zip(other.gradient(judging, judge.trainable_variables), judge.trainable_variables))
    one.apply_gradients(zip(tape.gradient(making, maker.trainable_variables), maker.trainable_variables))
"""


def test_a_step_that_was_not_reached_is_named_and_nobody_is_told_to_write_it(checked, tmp_path, capsys):
    whole, source = checked(PRELUDE + TURNS), (PRELUDE + TURNS).splitlines()
    row = next(row for row in whole.rows if row.name == "weights move")
    line = next(i for i, each in enumerate(source, 1) if "one.apply_gradients" in each)
    assert (whole.judged, row.verdict) == ("judge", "open")
    assert f"whether the 4 of 'maker' move isn't known, as the step that may train them, on line {line}," in row.message
    assert "give them to tape.gradient" not in row.message
    assert row.evidence == {"unreached": ["maker"], "unreached_lines": [line]}
    main(["check", str(tmp_path / "train.py")])
    assert "calls 'maker': of that only inputs are checked, no step of its own" in capsys.readouterr().out


def test_lines_above_the_table_fit_into_a_narrow_terminal(tmp_path, capsys, monkeypatch):
    (tmp_path / "train.py").write_text(PRELUDE + TURNS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    main(["check", "train.py"])
    lines = capsys.readouterr().out.splitlines()
    assert "the loop also calls 'maker'" in " ".join(lines)
    assert max(map(len, lines)) <= 60
