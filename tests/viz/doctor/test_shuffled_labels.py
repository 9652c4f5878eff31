"""Labels that belong to other rows: that single ones are learnt by heart must not hide that nothing else is."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import PRELUDE
from viz.doctor.facts.reordered import Reordered, reordered_apart
from viz.doctor.watched_script import examine

SCRIPT = """\
(train, labels), (test, expected) = ef.datasets.digits.load_data()
train, test = train / 16.0, test / 16.0
{fault}
model = ef.Sequential([layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(train, labels, epochs={epochs}, {more}verbose=0)
"""
HELD = "validation_data=(test, expected), "


def diagnosed(source, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(PRELUDE + source)
    examination = examine(str(path))
    assert examination.failures == []
    return {finding.kind: finding for finding in examination.diagnosis}


def test_longer_training_is_not_advised_while_the_validation_loss_stays(tmp_path):
    labels_of_others = "labels = labels[np.argsort(np.random.default_rng(3).random(len(labels)))]"
    found = diagnosed(SCRIPT.format(fault=labels_of_others, epochs=20, more=HELD), tmp_path)
    assert found["validation_chance"].severity in ("info", "warning")
    assert "too_few_steps" not in found


def test_shares_as_labels_are_judged_by_what_can_be_reached(tmp_path):
    # No answer is far below the constant one here: the labels are all near one half.
    found = diagnosed(
        """\
shares = 0.5 + 0.05 * np.tanh(x[:, :4])
model = ef.Sequential([layers.Dense(4, activation="sigmoid")])
model.compile(ef.optimizers.Adam(0.01), "binary_crossentropy")
model.fit(np.tanh(x), shares, epochs=100, batch_size=16, verbose=0)
""",
        tmp_path,
    )
    assert "not_learning" not in found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = rng.permutation(x)\n", ("x", 1, "y")),
        ("order = rng.permutation(len(x))\nx = x[order]\n", ("x", 2, "y")),
        ("order = rng.permutation(len(x))\nx, y = x[order], y[order]\n", None),
        ("order = np.arange(9)\nrng.shuffle(order)\ny = y[order[:5]]\n", ("y", 3, "x")),
        ("x = np.stack([x[i] for i in random.sample(range(9), 9)])\n", None),  # what it doesn't know it leaves alone
        ("x = x[:, rng.permutation(4)]\n", None),  # columns
        ("rng.shuffle(x)\ny = x[:, 0] > 0\n", None),  # made of the shuffled rows
        ("def both(a, b):\n    o = rng.permutation(len(a))\n    return a[o], b[o]\nx, y = both(x, y)\n", None),
        ("np.random.seed(1)\nx = np.random.permutation(x)\nnp.random.seed(1)\ny = np.random.permutation(y)\n", None),
        ("x, y = shuffle(x, y)\n", None),
        ("rng.shuffle(x)\nrng.shuffle(y)\n", ("y", 2, "x")),
        ("np.random.seed(1)\nnp.random.shuffle(x)\nnp.random.seed(1)\nnp.random.shuffle(y)\n", None),
        ("s = np.random.get_state()\nnp.random.shuffle(x)\nnp.random.set_state(s)\nnp.random.shuffle(y)\n", None),
        ("np.random.default_rng(0).shuffle(x)\nnp.random.default_rng(0).shuffle(y)\n", None),
        ("a.shuffle(x)\nb.shuffle(y)\n", None),  # generators with one seed, perhaps
    ],
)
def test_the_orders_of_both_are_read(source, found, tmp_path):
    path = tmp_path / f"{abs(hash(source))}.py"
    path.write_text(source + "model.fit(x, y)\n")
    read = reordered_apart(str(path))
    assert read == (None if found is None else Reordered(*found))


TAPE = "    with tf.GradientTape() as tape:\n        loss = f({}, model({}))\n"
ROWS = "for i in range(0, 9, 3):\n"


@pytest.mark.parametrize(
    ("loop", "found"),
    [
        (ROWS + TAPE.format("y[i : i + 3]", "x[p[i : i + 3]]"), ("x", 4, "y")),
        (ROWS + TAPE.format("y[p[i : i + 3]]", "x[i : i + 3]"), ("y", 4, "x")),
        (ROWS + TAPE.format("y[p[i : i + 3]]", "x[p[i : i + 3]]"), None),
        (ROWS + TAPE.format("y[i : i + 3]", "x[i : i + 3]"), None),
        (ROWS + "    r = p[i : i + 3]\n" + TAPE.format("y[r]", "x[r]"), None),
        (ROWS + "    r = p[i : i + 3]\n    a, b = x[r], y[i : i + 3]\n" + TAPE.format("b", "a"), ("x", 4, "y")),
        (ROWS + "    a = x[p[i : i + 3]]\n    b = y[p[i : i + 3]]\n" + TAPE.format("b", "a"), None),
        (ROWS + "    a = x[p[i : i + 3]]\n    print(seen[i : i + 3])\n" + TAPE.format("y[p[i : i + 3]]", "a"), None),
        (ROWS + TAPE.format("y[rng.integers(0, 9, 3)]", "x[rng.integers(0, 9, 3)]"), ("x", 4, "y")),
        (ROWS + "    r = rng.integers(0, 9, 3)\n" + TAPE.format("y[r]", "x[r]"), None),
        (ROWS + TAPE.format("y[Random(i).choice(9, 3)]", "x[Random(i).choice(9, 3)]"), None),
        (ROWS + TAPE.format("y[a.permutation(9)]", "x[b.permutation(9)]"), None),
        (ROWS + "    b = x[R.permutation(9)]\n    R.seed(i)\n" + TAPE.format("y[R.permutation(9)]", "b"), None),
        ("rng.shuffle(y)\n" + ROWS + TAPE.format("y[i : i + 3]", "x[i : i + 3]"), ("y", 2, "x")),
        ("y = rng.permutation(x)\n" + ROWS + TAPE.format("y[i : i + 3]", "x[i : i + 3]"), None),  # others, on purpose
    ],
)
def test_rows_drawn_by_an_order_beside_labels_as_they_come_are_read_in_a_loop(loop, found, tmp_path):
    path = tmp_path / f"{abs(hash(loop))}.py"
    path.write_text("p = np.random.permutation(9)\n" + loop)
    read = reordered_apart(str(path))
    assert read == (None if found is None else Reordered(*found))


IN_A_LOOP = """\
optimizer, loss_of = ef.optimizers.Adam(), ef.losses.SparseCategoricalCrossentropy()
for _ in range(5):
    for i in range(0, len(train), 32):
        with ef.GradientTape() as tape:
            loss = loss_of(labels[i : i + 32], model(train[i : i + 32], training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
"""


@pytest.mark.parametrize("fault", ["np.random.shuffle(train)\nnp.random.shuffle(labels)", "rng.shuffle(labels)"])
@pytest.mark.parametrize("rows", ["order[i : i + 32]", "slice(i, i + 32)"])
def test_what_is_shuffled_before_a_loop_is_the_cause_and_a_warning(fault, rows, tmp_path):
    loop = IN_A_LOOP.replace("range(5)", "range(9)").replace("[i : i + 32]", "[rows]")
    loop = loop.replace("        with", f"        rows = {rows}\n        with")
    source = SCRIPT.format(fault=f"{fault}\norder = np.random.permutation(len(train))", epochs=8, more="")
    found = diagnosed(source[: source.index("model.compile")] + loop, tmp_path)
    assert next(iter(found)) == "shuffled_apart"
    assert found["shuffled_apart"].severity == "warning"
    assert found["not_learning"].because == "shuffled_apart"


YES_OR_NO = """\
rng = np.random.default_rng(0)
x = rng.normal(size=(1200, 8)).astype("float32")
y = {labels}
order = np.argsort(y)
x, y = x[order], y[order]
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1, activation={activation!r})])
model.compile("adam", "mse")
model.fit(x, y, epochs=6, {more}verbose=0)
"""


@pytest.mark.parametrize("kind", ["float32", "int64"])
def test_classes_of_a_squared_error_are_looked_at_as_those_of_a_crossentropy(tmp_path, kind):
    labels = f'(x[:, 0] + x[:, 1] > 0).astype("{kind}")'
    source = YES_OR_NO.format(labels=labels, activation="sigmoid", more="{more}")
    assert "sorted_rows" in diagnosed(source.format(more="shuffle=False, "), tmp_path)
    assert "validation_mismatch" in diagnosed(source.format(more="validation_split=0.2, "), tmp_path)
    mixed = source.replace("order = np.argsort(y)", "order = rng.permutation(len(y))")
    found = diagnosed(mixed.format(more="shuffle=False, validation_split=0.2, "), tmp_path)
    assert not {"sorted_rows", "validation_mismatch"} & {*found}


def test_amounts_that_begin_with_zeros_and_ones_are_no_classes(tmp_path):
    source = YES_OR_NO.format(labels="rng.poisson(1.0, 1200)", activation="relu", more="shuffle=False, ")
    assert "sorted_rows" not in diagnosed(source, tmp_path)
