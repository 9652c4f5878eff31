"""Columns that tell the label: which are found, and which are none of the doctor's business."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import script
from viz.doctor.watched_script import examine

FIT = """
model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense({units}, activation={activation!r})])
model.compile("adam", {loss!r})
model.fit({inputs}, {labels}, epochs=3, batch_size=16, verbose=0)
"""
NUMBER = {"units": 1, "activation": None, "loss": "mse", "labels": "target"}
CLASS = {"units": 3, "activation": "softmax", "loss": "sparse_categorical_crossentropy", "labels": "number"}
YES = {"units": 1, "activation": "sigmoid", "loss": "binary_crossentropy", "labels": "binary"}


def leaks(inputs, tmp_path, **fit):
    """The findings of that kind."""
    (path := tmp_path / "train.py").write_text(script(FIT.format(inputs=inputs, **fit))[0])
    examination = examine(str(path))
    assert examination.failures == []
    return [f for f in examination.diagnosis if f.kind == "label_leak"]


@pytest.mark.parametrize(
    ("inputs", "fit"),
    [
        ("np.c_[x, target]", NUMBER),
        ("np.c_[-target, x]", NUMBER),
        ("np.c_[x, (target - target.mean()) / target.std()]", NUMBER),
        ("np.c_[x, binary]", YES),
        ("np.c_[x, number]", CLASS),
        ("np.c_[x, (number * 2) % 3 + 0.5]", CLASS),
    ],
)
def test_a_column_that_is_the_label_is_found(inputs, fit, tmp_path):
    (found,) = leaks(inputs, tmp_path, **fit)
    assert (found.rule, found.severity) == ("label_leak", "warning")
    assert found.evidence["column"] == (0 if inputs.startswith("np.c_[-") else 8)


@pytest.mark.parametrize(
    ("inputs", "fit"),
    [
        ("x", NUMBER),
        ("x", CLASS),
        ("np.c_[x, target + 1e-3 * rng.normal(size=target.shape)]", NUMBER),  # measured again
        ("np.c_[x, (target + 0.03 * rng.normal(size=target.shape)).round(1)]", NUMBER),  # and rounded
        ("np.c_[x, (10 * target).round()]", NUMBER | {"labels": "(10 * target).round() + 0.1 * x[:, :1]"}),
        ("np.c_[x, number == 1]", CLASS),  # tells one class of three
        ("np.c_[x, onehot + 0.01 * rng.normal(size=onehot.shape)]", CLASS),  # an estimate
        ("np.c_[x, x[:, :1] > 0, x[:, 1:2] > 0]", CLASS),
        ("np.sin(np.arange(128)[:, None] + np.arange(9))", NUMBER | {"labels": "np.sin(np.arange(128) + 9)"}),
        ("np.arange(128)[:, None] * [1, 3, 7, 9, 11] % 31", NUMBER | {"labels": "np.arange(128) * 4"}),
        ("x[:, :1]", YES | {"labels": "binary"}),  # of a single column nothing can be left out
        ("x[:60]", YES | {"labels": "binary[:60]"}),
        ("x", {"units": 8, "activation": None, "loss": "mse", "labels": "x"}),  # an autoencoder
    ],
)
def test_what_only_knows_something_of_the_label_is_not(inputs, fit, tmp_path):
    assert leaks(inputs, tmp_path, **fit) == []


def test_of_several_outputs_the_one_is_named(tmp_path):
    two = """
given = layers.Input((9,))
hidden = layers.Dense(8, "relu")(given)
model = ef.Model(given, {"kind": layers.Dense(3, "softmax")(hidden), "size": layers.Dense(1)(hidden)})
model.compile("adam", {"kind": "sparse_categorical_crossentropy", "size": "mse"})
model.fit(np.c_[x, target], {"kind": np.arange(len(x)) % 3, "size": target}, epochs=3, batch_size=16, verbose=0)
"""
    (path := tmp_path / "train.py").write_text(script(two)[0])
    (found,) = [f for f in examine(str(path)).diagnosis if f.kind == "label_leak"]
    assert "the label of output 'size'" in found.sentence


@pytest.mark.parametrize("together", [False, True])
def test_what_tells_a_generators_rows_from_real_ones_is_no_leak(together, tmp_path):
    gan = """
maker = ef.Sequential([layers.Dense(8, activation="tanh")])
judge = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
loss_of, optimizer = ef.losses.BinaryCrossentropy(), ef.optimizers.Adam()
for step in range(24):
    rows, labels = [3 + x[:16], maker(rng.normal(size=(16, 2)))], [np.ones((16, 1)), np.zeros((16, 1))]
    if TOGETHER:
        rows, labels = [ops.concatenate(rows)], [np.concatenate(labels)]
    for some, label in zip(rows, labels):
        with ef.GradientTape() as tape:
            loss = loss_of(label, judge(some, training=True))
        optimizer.apply(tape.gradient(loss, judge.trainable_variables), judge.trainable_variables)
""".replace("TOGETHER", str(together)).replace("x[:16]", "np.random.default_rng(step).normal(size=(16, 8))")
    (path := tmp_path / "train.py").write_text(script(gan)[0])
    assert [f.kind for f in examine(str(path)).diagnosis if f.kind == "label_leak"] == []


def test_a_discriminator_in_a_script_that_trains_two_networks_has_no_leak(tmp_path):
    gan = """
maker = ef.Sequential([ef.Input((2,)), layers.Dense(8, activation="tanh")])
judge = ef.Sequential([ef.Input((8,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
judge.compile("adam", "binary_crossentropy")
judge.trainable = False
both = ef.Sequential([maker, judge])
both.compile("adam", "binary_crossentropy")
for step in range(20):
    made = maker.predict(rng.normal(size=(16, 2)), verbose=0)  # which no check hears of
    rows, labels = np.concatenate([3 + rng.normal(size=(16, 8)), made]), np.repeat([[1.0], [0.0]], 16, axis=0)
    judge.train_on_batch(rows, labels)
    both.train_on_batch(rng.normal(size=(16, 2)), np.ones((16, 1)))
"""
    (path := tmp_path / "train.py").write_text(script(gan)[0])
    assert [f.kind for f in examine(str(path)).diagnosis if f.kind == "label_leak"] == []
