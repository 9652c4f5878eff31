"""NaN in data or made by the model, weights of classes, and validation rows that were prepared otherwise."""

from __future__ import annotations

import pytest

NET = 'model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])\nmodel.compile("adam", "mse")\n'
SOFTMAX = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(4, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
"""

PLANTED = {
    ("labels", "one of them is no number", "row 90"): NET
    + """
target[90] = np.nan
model.fit(x, target, verbose=0)
""",
    ("labels", "weights that are the shares of their classes", "Turn class_weight round"): """
rare = ((x[:, 0] + 0.3 * rng.normal(size=128)) > 1).astype("int32")
model = ef.Sequential([layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy")
model.fit(x, rare, class_weight={0: (rare == 0).mean(), 1: (rare == 1).mean()}, verbose=0)
""",
    ("first loss", "a root of numbers below 0", "sqrt"): """
inputs = ef.Input((8,))
model = ef.Model(inputs, layers.Dense(1)(ops.sqrt(layers.Dense(8)(inputs))))
model.compile("adam", "mse")
model.fit(x, target, verbose=0)
""",
    ("validation data", "one of them is no number", "row 3"): NET
    + """
held = x[96:].copy()
held[3, 2] = np.nan
model.fit(x[:96], target[:96], validation_data=(held, target[96:]), verbose=0)
""",
    ("validation data", "columns standardized in one part only", "a deviation of 1"): NET
    + """
table = x * [1, 2, 3, 0.5, 2, 1, 1, 2] + [3, 5, 6, 2, 4, 3, 2, 4]
scaled = (table[:96] - table[:96].mean(axis=0)) / table[:96].std(axis=0)
model.fit(scaled, target[:96], validation_data=(table[96:], target[96:]), verbose=0)
""",
    ("validation data", "windows that were shuffled before the split", "cut each part into windows"): """
series = np.cumsum(rng.normal(size=300)).astype("float32") / 10
order = rng.permutation(280)
windows = np.stack([series[i : i + 20] for i in range(280)])[order]
model = ef.Sequential([layers.Dense(1)])
model.compile("adam", "mse")
model.fit(windows, series[20:][order], validation_split=0.2, verbose=0)
""",
    ("validation data", "classes counted from 1", "from 1"): SOFTMAX
    + "model.fit(x[:96], number[:96], validation_data=(x[96:], number[96:] + 1), verbose=0)\n",
    ("validation data", "one-hot rows, and numbers to train with", "one-hot"): SOFTMAX
    + "model.fit(x[:96], number[:96], validation_data=(x[96:], np.eye(4)[number[96:]]), verbose=0)\n",
    ("validation data", "targets scaled in one part only", "Scale the targets"): NET
    + "model.fit(x[:96], target[:96], validation_data=(x[96:], 200 + 50 * target[96:]), verbose=0)\n",
    ("validation data", "a loss whose higher values are taken for better", "higher values of 'val_loss'"): NET
    + """
stop = ef.callbacks.EarlyStopping("val_loss", mode="max", patience=20)
model.fit(x, target, validation_split=0.25, epochs=4, callbacks=[stop], verbose=0)
""",
    ("validation data", "an accuracy by its older name", "'val_accuracy' here"): SOFTMAX.replace(
        'crossentropy")', 'crossentropy", metrics=["accuracy"])'
    )
    + """
stop = ef.callbacks.EarlyStopping("val_acc", patience=20)
model.fit(x, number, validation_split=0.25, epochs=4, callbacks=[stop], verbose=0)
""",
    ("inputs", "pictures torn by reshape", "look torn"): """
rows, columns = np.mgrid[:16, :16] / 16.0
pictures = np.sin(3 * rows[..., None] + 6 * rng.random((64, 1, 1, 3))) + columns[..., None]
stored = pictures.astype("float32").transpose(0, 3, 1, 2)
model = ef.Sequential([layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(stored.reshape(-1, 16, 16, 3), target[:64], verbose=0)
""",
    ("validation data", "a loss that is watched, and not there", "EarlyStopping"): NET
    + "model.fit(x, target, epochs=4, callbacks=[ef.callbacks.EarlyStopping()], verbose=0)\n",
}
QUICK = ("row 90", "row 3", "a deviation of 1", "EarlyStopping")


@pytest.mark.parametrize(
    ("question", "name", "said"), [pytest.param(*k, marks=() if k[2] in QUICK else pytest.mark.slow) for k in PLANTED]
)
def test_what_was_planted_is_found_before_training(question, name, said, rows):
    row = rows(PLANTED[question, name, said])[question]
    assert row.verdict == "fault", row.message
    assert said in f"{row.message} {row.fix}"


def test_a_loss_that_has_nowhere_to_fall_shows_no_learning(rows):
    row = rows(NET + "model.fit(0 * x, 0 * target, verbose=0)\n")["overfits one batch"]
    assert row.verdict == "open"
    assert "as low as it gets before the first step" in row.message
