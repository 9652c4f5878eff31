"""Trainings that run and teach nothing, each with the way in which that came about, and what comes near to them."""

from __future__ import annotations

import textwrap

import pytest

from tests.viz.doctor.planted import PLANTED, script
from viz.doctor.patches import changed_line
from viz.doctor.watched_script import examine

SOFTMAX = 'model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])\n'
SIGMOID = 'model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])\n'
RARE = """
rare = (rng.random(2000) < 0.1).astype("int32")
many = rng.normal(size=(2000, 6)).astype("float32") + 0.8 * rare[:, None]
"""
PADDED = """
words = np.where(np.arange(100) < 10, rng.integers(1, 50, (128, 100)), 0)
model = ef.Sequential([layers.Embedding(50, 8), layers.GRU(8), layers.Dense(1, activation="sigmoid")])  # here
model.compile("adam", "binary_crossentropy")
model.fit(words, {labels}, epochs={epochs}, verbose=0)
"""
FIT = 'model.compile("adam", "sparse_categorical_crossentropy")\nmodel.fit(x, number, epochs=8, verbose=0)\n'

FOUND = {
    "the frequent class weighs more": (
        "class_imbalance.weights",
        "warning",
        RARE
        + SIGMOID
        + 'model.compile("adam", "binary_crossentropy")\n'
        + "model.fit(many, rare, epochs=4, class_weight={0: 9.0, 1: 1.0}, verbose=0)  # here\n",
    ),
    "weights of zero": (
        "no_gradient.ignored",
        "error",
        SOFTMAX
        + 'model.compile("adam", "sparse_categorical_crossentropy")\n'
        + "model.fit(x, number, sample_weight=np.zeros(len(x)), epochs=4, verbose=0)  # here\n",
    ),
    "an input that nothing is made of": (
        "constant_output",
        "error",
        """
a, b = ef.Input((8,)), ef.Input((8,))
tower = layers.Dense(4)
apart = layers.Subtract()([tower(a), tower(a)])  # here
model = ef.Model([a, b], layers.Dense(1, activation="sigmoid")(apart))
model.compile("adam", "binary_crossentropy")
model.fit([x, x[::-1]], binary, batch_size=16, epochs=3, verbose=0)
""",
    ),
    "a discriminator that is never trained": (
        "frozen.all",
        "error",
        """
judge = ef.Sequential([ef.Input((8,)), layers.Dense(1, activation="sigmoid")])
judge.trainable = False
judge.compile("adam", "binary_crossentropy")
maker = ef.Sequential([ef.Input((8,)), layers.Dense(8), judge])
maker.compile("adam", "binary_crossentropy")
for step in range(10):
    judge.train_on_batch(x[:16], np.ones((16, 1)))  # here
    maker.train_on_batch(x[:16], np.ones((16, 1)))
""",
    ),
    "a model for each of three epochs": (
        "frozen.anew",
        "warning",
        """
for epoch in range(3):
    model = ef.Sequential([layers.Dense(16), layers.Dense(3, activation="softmax")])  # here
    model.compile("adam", "sparse_categorical_crossentropy")
    for i in range(0, 128, 16):
        model.train_on_batch(x[i : i + 16], number[i : i + 16])
""",
    ),
    "a schedule that counts epochs": (
        "lr_too_low.faded",
        "error",
        SOFTMAX
        + "rate = ef.optimizers.schedules.CosineDecay(1e-3, decay_steps=10)\n"
        + 'model.compile(ef.optimizers.Adam(rate), "sparse_categorical_crossentropy")\n'
        + "model.fit(x, number, epochs=10, verbose=0)\n",
    ),
    "a scheduler that lowers what it lowered": (
        "lr_too_low.faded",
        "error",
        SOFTMAX
        + 'model.compile("adam", "sparse_categorical_crossentropy")\n'
        + "lower = ef.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 * rate)\n"
        + "model.fit(x, number, epochs=12, callbacks=[lower], verbose=0)\n",
    ),
    "padding behind words of equal numbers, and one answer for all": (
        "vanishing_gradient.padding",
        "error",
        PADDED.format(labels="binary", epochs=3),
    ),
}


@pytest.mark.filterwarnings("ignore:.*makes a new Dense each time", "ignore:the model has no trainable weights")
@pytest.mark.parametrize("name", FOUND)
def test_what_teaches_nothing_is_named(name, tmp_path, capsys):
    rule, severity, source = FOUND[name]
    whole, line = script(textwrap.dedent(source))
    path = tmp_path / "train.py"
    path.write_text(whole)
    examination = examine(str(path))
    assert examination.failures == []
    assert not examination.crashed, capsys.readouterr().err
    found = [f for f in examination.diagnosis if f.rule == rule]
    assert [f.severity for f in found] == [severity], examination.diagnosis.text
    if line is not None:
        assert (found[0].file, found[0].line) == (str(path), line)


NONE = {
    "dropout that is only trained with": SOFTMAX.replace("[layers", "[layers.Dropout(0.3), layers") + FIT,
    "the rare class weighs more": RARE
    + SIGMOID
    + 'model.compile("adam", "binary_crossentropy")\n'
    + "model.fit(many, rare, epochs=4, class_weight={0: 1.0, 1: 9.0}, verbose=0)\n",
    "nothing left to learn": """
model = ef.Sequential([layers.Dense(1, kernel_initializer="zeros")])
model.compile("sgd", "mse")
model.fit(x, 0 * target, epochs=8, verbose=0)
""",
    "a discriminator that is frozen within the whole": """
judge = ef.Sequential([ef.Input((8,)), layers.Dense(1, activation="sigmoid")])
maker = ef.Sequential([ef.Input((8,)), layers.Dense(8)])
first, second = ef.optimizers.Adam(), ef.optimizers.Adam()
loss_of = ef.losses.BinaryCrossentropy()
for step in range(20):
    for optimizer, part, aim in ((first, judge, 0.0), (second, maker, 1.0)):
        with ef.GradientTape() as tape:
            loss = loss_of(aim * np.ones((16, 1)), judge(maker(x[:16])))
        optimizer.apply(tape.gradient(loss, part.trainable_variables), part.trainable_variables)
""",
    "a variable that is made once, outside of all layers": """
scale = ef.Variable(np.ones((8, 16), "float32"), trainable=False)
class Scaled(layers.Layer):
    def call(self, h):
        return ops.matmul(h, scale)
model = ef.Sequential([Scaled(), layers.Dense(3, activation="softmax")])
"""
    + FIT,
    "a discriminator's epochs of ones and of zeros": SIGMOID
    + 'model.compile("adam", "binary_crossentropy", metrics=["accuracy"])\n'
    + "for step in range(4):\n"
    + "    model.fit(x, 0 * number, verbose=0)\n    model.fit(x + 2, 0 * number + 1, verbose=0)\n",
}


@pytest.mark.parametrize("name", NONE)
def test_what_comes_near_gets_none_of_these(name, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(script(NONE[name])[0])
    rules = [f.rule for f in examine(str(path)).diagnosis]
    assert not {rule for rule, _, _ in FOUND.values()} & set(rules), rules


def _watched(source, tmp_path):
    (path := tmp_path / "train.py").write_text(script(source)[0])
    return list(examine(str(path)).diagnosis)


def test_a_wrong_mode_explains_the_rate_that_it_lowered(tmp_path):
    source = PLANTED["callback_mismatch"]["a rate that is lowered while the loss falls"].replace(
        "patience=2", "patience=0, factor=1e-3"
    )
    found = _watched(source, tmp_path)
    assert found[0].rule == "callback_mismatch.mode"
    assert [f.because for f in found if f.kind == "lr_too_low"] == ["callback_mismatch"]
    assert 'mode="min"' in (changed_line(found[0]) or "")


@pytest.mark.filterwarnings("ignore::UserWarning")  # of the number that isn't there
def test_callbacks_that_all_miss_one_number_are_told_once(tmp_path):
    source = """
model = ef.Sequential([layers.Dense(1)])
model.compile("adam", "mse")
watching = [ef.callbacks.EarlyStopping(), ef.callbacks.ReduceLROnPlateau()]
model.fit(x, target, epochs=3, callbacks=watching, verbose=0)
"""
    found = [f for f in _watched(source, tmp_path) if f.kind == "callback_mismatch"]
    assert len(found) == 1
    assert "EarlyStopping" in found[0].message
    assert "ReduceLROnPlateau" in found[0].message
