"""Loops that call several models: what is looked at of each, and what of one alone."""

from __future__ import annotations

import pytest

import viz.check.all_rows as all_rows
from tests.viz.doctor.planted import PRELUDE
from viz.check.all_rows import check_script
from viz.check.row import fine
from viz.cli import main
from viz.shell.program import Script

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
MAKING = """
real = rng.normal(size=(32, 12)).astype("float32")
maker = ef.Sequential([layers.Dense(8{between}), layers.Dense(12, activation="tanh")], name="maker")
judge = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)], name="judge")
loss_of = ef.losses.BinaryCrossentropy(from_logits={logits})
one, two = ef.optimizers.Adam(), ef.optimizers.Adam()
with ef.GradientTape() as tape, ef.GradientTape() as other:
    made, right = judge(maker(x[:32], training=True), training=True), judge({scale} * real, training=True)
    making = loss_of(ops.ones_like(made), made)
    judging = loss_of(ops.ones_like(right), right) + loss_of(ops.zeros_like(made), made)
one.apply(tape.gradient(making, maker.trainable_variables), maker.trainable_variables)
two.apply(other.gradient(judging, judge.trainable_variables), judge.trainable_variables)
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


@pytest.fixture(autouse=True)
def once(monkeypatch):
    """Without the second run of each script."""
    monkeypatch.setattr(all_rows, "check_repeatable", lambda *given: fine("not asked here"))


def rows(tmp_path, source):
    (script := tmp_path / "train.py").write_text(PRELUDE + source)
    checked = check_script(Script(str(script)))
    return checked, {row.name: row for row in checked.rows}


def test_real_rows_of_a_discriminator_are_looked_at_as_made_ones_are(tmp_path):
    checked, found = rows(tmp_path, GAN)
    assert found["inputs"].verdict == "fault"
    assert "0 to 255" in found["inputs"].message
    assert (checked.judged, checked.others) == ("judge", ("maker",))


def test_a_model_whose_weights_are_left_out_is_named(tmp_path, capsys):
    script = tmp_path / "train.py"
    _, found = rows(tmp_path, TWO.format(weights="head.trainable_variables"))
    assert found["weights move"].verdict == "open"
    assert "no gradient of the 2 of 'body'" in found["weights move"].message
    assert main(["check", str(script)]) == 0
    assert "the loop also calls 'body': of that only inputs and weights are checked" in capsys.readouterr().out


def test_models_that_are_trained_together_are_fine(tmp_path):
    _, found = rows(tmp_path, TWO.format(weights=ALL))
    assert {found[name].verdict for name in ("inputs", "weights move")} == {"ok"}
    assert found["inputs"].message.count(" sees 128×8") == 2


def making(tmp_path, between=', activation="relu"', logits="True", scale="1"):
    return rows(tmp_path, MAKING.format(between=between, logits=logits, scale=scale))


def test_a_gan_whose_generator_is_trained_first_has_its_losses_looked_at(tmp_path, capsys):
    checked, found = making(tmp_path)
    assert {found[name].verdict for name in ("inputs", "labels", "layers", "first loss")} == {"ok"}
    assert found["labels"].message.startswith("binary_crossentropy: 32×1, all 1 in the first batch, and 32×1, all 0")
    assert found["first loss"].message.startswith("the first losses are ")
    assert found["first loss"].message.endswith("chance gives 0.69 (ln 2)")
    assert found["overfits one batch"].verdict == "open"
    assert "is recognized" not in found["overfits one batch"].message
    assert (checked.judged, checked.others, checked.together) == ("maker", ("judge",), True)
    main(["check", str(tmp_path / "train.py")])
    assert "rows apart, weights move and saving are about 'maker'" in capsys.readouterr().out


def test_logits_that_a_gan_gives_a_loss_of_probabilities_are_a_fault(tmp_path):
    _, found = making(tmp_path, logits="False")
    assert found["labels"].verdict == "fault"
    assert "logits" in found["labels"].message


def test_a_generator_without_an_activation_between_its_layers_is_a_fault(tmp_path):
    _, found = making(tmp_path, between="")
    assert found["layers"].verdict != "ok"
    assert "maker/" in found["layers"].message


def test_losses_of_a_gan_that_are_far_above_chance_are_a_fault(tmp_path):
    _, found = making(tmp_path, scale="100")
    assert found["first loss"].verdict == "fault"


def test_layers_are_looked_at_in_a_loop_without_loss_objects(tmp_path):
    source = MAKING.replace("loss_of(ops.ones_like(made), made)", "-ops.mean(made)")
    judging = "loss_of(ops.ones_like(right), right) + loss_of(ops.zeros_like(made), made)"
    source = source.replace(judging, "ops.mean(made) - ops.mean(right)")
    for between, verdict in ((', activation="relu"', "ok"), ("", "fault")):
        _, found = rows(tmp_path, source.format(between=between, logits="True", scale="1"))
        assert found["layers"].verdict == verdict
        assert found["labels"].verdict == found["first loss"].verdict == "open"


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


def test_a_step_that_was_not_reached_is_named_and_nobody_is_told_to_write_it(tmp_path, capsys):
    checked, found = rows(tmp_path, TURNS)
    row, source = found["weights move"], (PRELUDE + TURNS).splitlines()
    line = next(i for i, each in enumerate(source, 1) if "one.apply_gradients" in each)
    assert (checked.judged, row.verdict) == ("judge", "open")
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
