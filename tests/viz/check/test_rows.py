"""Each question of `viz check` finds what was planted for it, with its line; healthy scripts get no ✗."""

from __future__ import annotations

import json

import pytest

from tests.viz.doctor.healthy import HEALTHY
from tests.viz.doctor.planted import PRELUDE
from viz.check.all_rows import NAMES
from viz.cli import main

FIT = 'model.compile("adam", "mse")\nmodel.fit(x, target, batch_size=16, epochs=2, verbose=0)\n'
NET = 'model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])\n'

LOOP = """
loss_of, optimizer = ef.losses.MeanSquaredError(), ef.optimizers.Adam(0.01)
for step in range(5):
    with ef.GradientTape() as tape:
        loss = loss_of(target, model(x{mode}))
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)  # here
"""
MODES = "model = ef.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)])\n"

PLANTED = {
    ("labels", "labels in another order than their rows"): """
rng.shuffle(number)  # here
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, number, verbose=0)
""",
    ("labels", "a column that is the label"): NET
    + """
model.compile("adam", "mse")
model.fit(np.c_[x, target], target, epochs=2, verbose=0)  # here
""",
    ("layers", "layers that one could stand for"): """
model = ef.Sequential([
    layers.Dense(16),  # here
    layers.Dense(16), layers.Dense(1)])
"""
    + FIT,
    ("inputs", "numbers of words beyond the table"): """
model = ef.Sequential([layers.Input((8,)), layers.Embedding(4, 3),  # here
                       layers.Flatten(), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(np.abs(x * 3).astype("int32"), target, verbose=0)
""",
    ("inputs", "data that are scaled once more than what a normalization was adapted to"): """
scale = layers.Normalization()  # here
x = x + 3
scale.adapt(x)
model = ef.Sequential([scale, layers.Dense(16, activation="relu"), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x / 255, target, verbose=0)
""",
    ("overfits one batch", "a rate a thousand times too high, in spite of which one batch is learnt"): """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1, activation="sigmoid")])
model.compile(ef.optimizers.Adam(3.0), "binary_crossentropy")  # here
model.fit(x, binary, batch_size=16, verbose=0)
""",
    ("labels", "a data set sorted by class"): """
order = np.argsort(number, kind="stable")
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(ef.data.Dataset.from_tensor_slices((x[order], number[order])).batch(8), verbose=0)  # here
""",
    ("overfits one batch", "a dropout of nearly all units"): """
hidden = [layers.Dense(16, activation="relu"), layers.Dropout(0.97)]  # here
model = ef.Sequential([*hidden, layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy")
model.fit(x, binary, batch_size=16, verbose=0)
""",
    ("overfits one batch", "a penalty that outweighs the data"): """
hidden = layers.Dense(32, activation="relu", kernel_regularizer=ef.regularizers.L2(5.0))  # here
model = ef.Sequential([hidden, layers.Dense(1)])
"""
    + FIT,
    ("weights move", "a loop that forgets the training mode"): MODES + LOOP.format(mode=""),
    ("rows apart", "a mean over the batch"): """
class Centred(layers.Layer):
    def call(self, h):
        return h - ops.mean(h, axis=0)
model = ef.Sequential([layers.Dense(16), Centred(), layers.Dense(1)])  # here
"""
    + FIT,
    ("rows apart", "a reshape that mixes, of numbers of words"): """
class Mixed(layers.Layer):
    def call(self, h):
        return ops.reshape(ops.transpose(h), ops.shape(h))
model = ef.Sequential([layers.Embedding(9, 4), layers.Flatten(), Mixed(), layers.Dense(1)])  # here
model.compile("adam", "mse")
model.fit(rng.integers(0, 9, (64, 8)), target[:64], verbose=0)
""",
    ("weights move", "a weight that nothing asks for"): """
class Spare(layers.Layer):
    def build(self, shape):
        self.used = self.add_weight(shape=(shape[-1], 1), name="used")
        self.spare = self.add_weight(shape=(3,), name="spare")
    def call(self, h):
        return h @ self.used
model = ef.Sequential([Spare()])  # here
"""
    + FIT,
    ("weights move", "units that never fire"): """
model = ef.Sequential([
    layers.Dense(16, activation="relu", bias_initializer=ef.initializers.Constant(-99.0)),  # here
    layers.Dense(1)])
"""
    + FIT,
    ("overfits one batch", "a rate that does nothing"): NET
    + """
model.compile(ef.optimizers.SGD(1e-7), "mse")  # here
model.fit(x, target, batch_size=16, verbose=0)
""",
    ("overfits one batch", "outputs that can't be what is wanted"): """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1, activation="tanh")])
model.compile("adam", "mse")  # here
model.fit(x, 100 * target, batch_size=16, verbose=0)
""",
    ("overfits one batch", "units that die from a huge first loss"): """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile(ef.optimizers.SGD(0.5), "sparse_categorical_crossentropy")  # here
model.fit(200 * x, number, verbose=0)
""",
    ("first loss", "weights that begin large"): """
model = ef.Sequential([layers.Dense(64, activation="relu"), layers.Dense(3, activation="softmax",
    kernel_initializer=ef.initializers.RandomNormal(stddev=9.0))])
model.compile("adam", "sparse_categorical_crossentropy")  # here
model.fit(x, number, verbose=0)
""",
    ("validation data", "rows that are trained with"): NET
    + """
model.compile("adam", "mse")
model.fit(x, target, validation_data=(x[20:60], target[20:60]), verbose=0)  # here
""",
    ("validation data", "classes that training never sees"): """
order = np.argsort(number, kind="stable")
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x[order], number[order], validation_split=0.15, verbose=0)  # here
""",
    ("validation data", "another scale"): NET
    + """
model.compile("adam", "mse")
model.fit(x[:64], target[:64], validation_data=(100 * x[64:], target[64:]), verbose=0)  # here
""",
    ("labels", "rows sorted by class"): """
order = np.argsort(number, kind="stable")
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x[order], number[order], batch_size=8, shuffle=False, verbose=0)  # here
""",
    ("inputs", "pixels from 0 to 255"): """
model = ef.Sequential([layers.Flatten(), layers.Dense(16, activation="relu"), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(rng.integers(0, 256, (64, 6, 6)).astype("float32"), target[:64], verbose=0)  # here
""",
    ("inputs", "a normalization that was never adapted"): """
model = ef.Sequential([
    ef.Input((8,)),
    layers.Normalization(),  # here
    layers.Dense(16, activation="relu"), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(200 * x, target, verbose=0)
""",
    ("first loss", "prices, which begin near 0"): NET
    + """
model.compile("adam", "mse")  # here
model.fit(x, 80_000 * target + 250_000, verbose=0)
""",
    ("first loss", "targets far from 0"): NET
    + """
model.compile("adam", "mse")  # here
model.fit(x, 50 * target + 200_000, verbose=0)
""",
    ("inputs", "colours on the wrong axis"): """
model = ef.Sequential([layers.Conv2D(4, 2), layers.Flatten(), layers.Dense(1)])  # here
model.compile("adam", "mse")
model.fit(rng.random((32, 3, 16, 16)).astype("float32"), target[:32], verbose=0)
""",
    ("inputs", "a missing value"): """
x[3, 2] = np.nan
"""
    + NET
    + """
model.compile("adam", "mse")
model.fit(x, target, shuffle=False, verbose=0)  # here
""",
    ("labels", "softmax over one unit"): """
model = ef.Sequential([layers.Dense(16), layers.Dense(1, activation="softmax")])  # here
model.compile("adam", "binary_crossentropy")
model.fit(x, binary, verbose=0)
""",
    ("labels", "classes counted from 1"): """
model = ef.Sequential([layers.Dense(16), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, number + 1, verbose=0)  # here
""",
    ("augmentation", "brightness for pixels up to 255"): """
model = ef.Sequential([layers.RandomBrightness(0.5), layers.Flatten(), layers.Dense(1)])  # here
model.compile("adam", "mse")
model.fit(rng.random((32, 8, 8, 1)).astype("float32"), target[:32], verbose=0)
""",
    ("saving", "a config that forgets"): """
class Scaled(layers.Layer):
    def __init__(self, by, **kwargs):
        super().__init__(**kwargs)
        self.by = by
    def call(self, h):
        return h * self.by
    def get_config(self):
        return {**super().get_config(), "by": 1.0}
model = ef.Sequential([layers.Dense(4), Scaled(3.0), layers.Dense(1)])  # here
"""
    + FIT,
    ("saving", "a checkpoint that can't be loaded"): """
class Scaled(layers.Layer):
    def __init__(self, by):
        super().__init__()
        self.by = by
    def call(self, h):
        return h * self.by
    def get_config(self):
        return {"some": self.by}
model = ef.Sequential([layers.Dense(4), Scaled(3.0), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x, target, verbose=0)
model.save("model.keras")  # here
""",
    ("overfits one batch", "the logarithm of a softmax of the user's own, which becomes 0"): """
def own(labels, answers):
    return -ops.mean(ops.sum(labels * ops.log(answers), axis=-1))  # here
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile(ef.optimizers.Adam(0.5), own)
model.fit(5 * x, onehot, batch_size=16, epochs=5, verbose=0)
""",
    ("overfits one batch", "the logarithm of a softmax in a loop"): """
model, optimizer = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)]), ef.optimizers.Adam(0.5)
for step in range(20):
    with ef.GradientTape() as tape:
        answers = ops.softmax(5 * model(x))
        loss = -ops.mean(ops.sum(onehot * ops.log(answers), axis=-1))  # here
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
""",
}


def planted():
    """The first fault of each question in every run, the others in the slow one."""
    seen: set[str] = set()
    for question, name in PLANTED:
        yield pytest.param(question, name, id=f"{question}: {name}", marks=pytest.mark.slow if question in seen else ())
        seen.add(question)


@pytest.mark.parametrize(("question", "name"), list(planted()))
def test_planted_faults_are_found_with_their_line(question, name, checked, tmp_path, once):
    source = PRELUDE + PLANTED[question, name]
    line = next(i for i, text in enumerate(source.splitlines(), 1) if text.endswith("# here"))
    found = checked(source)
    row = next(row for row in found.rows if row.name == question)
    assert (row.verdict, row.file, row.line) == ("fault", str(tmp_path / "train.py"), line), row
    assert row.fix
    assert not found.ok


@pytest.mark.parametrize(
    ("question", "name", "message"),
    [
        ("inputs", "numbers of words beyond the table", "has vectors for 0 to 3"),
        ("labels", "classes counted from 1", "labels go from 1 to"),
    ],
)
def test_a_step_that_fails_is_told_once(question, name, message, rows):
    found = rows(PLANTED[question, name]).values()
    assert [row.name for row in found if message in row.message] == [question]
    assert [row.name for row in found if "Error" in row.message] in ([], [question])
    assert {row.name for row in found if row.message == f"the first step fails: see {question!r}"} >= {
        "weights move",
        "first loss",
        "overfits one batch",
    }


def faults(found):
    return [name for name, row in found.items() if row.verdict == "fault"]


def test_a_normalization_that_was_adapted_is_not_named(rows):
    source = PLANTED["inputs", "a normalization that was never adapted"]
    adapted = 'model.layers[0].adapt(200 * x)\nmodel.compile("adam"'
    assert rows(source.replace('model.compile("adam"', adapted))["inputs"].verdict == "ok"


def test_the_cure_of_targets_far_from_0_is_to_scale_them(rows):
    assert "scale the targets" in rows(PLANTED["first loss", "targets far from 0"])["first loss"].fix


def test_weights_that_are_frozen_all_together_are_one_fault(rows):
    assert faults(rows(NET + "model.trainable = False\n" + FIT)) == ["weights move"]


QUICK = list(HEALTHY)[:60:12]
OTHERS = [name for name in HEALTHY if name not in QUICK][::6]


@pytest.mark.parametrize("name", [*QUICK, *[pytest.param(n, marks=pytest.mark.slow) for n in OTHERS]])
def test_healthy_scripts_get_no_fault(name, checked, once):
    assert [row for row in checked(HEALTHY[name]).rows if row.verdict == "fault"] == []


@pytest.mark.slow
def test_all_that_can_be_said_of_a_plain_fit_is_said(checked, tmp_path):
    found = checked(PRELUDE + NET + FIT.replace("2,", "2, validation_split=0.25,")).rows
    assert {row.name: row.verdict for row in found} == {n: "open" if n == "augmentation" else "ok" for n in NAMES}
    assert {row.file for row in found} == {str(tmp_path / "train.py")}
    assert found[-1].evidence["events"] > 10
    assert "eagerflow" in found[-1].evidence["seeded"]


PLAIN_LOOP = LOOP.replace("loss_of(target, model(x{mode}))", "LOSS")


@pytest.mark.parametrize(
    "loss", ["loss_of(target, model(x, training=True))", "ops.mean(ops.square(model(x, training=True) - target))"]
)
def test_a_loop_of_ones_own_is_put_together_from_the_ops_that_it_ran(loss, rows):
    found = rows(NET + PLAIN_LOOP.replace("LOSS", loss))
    for name in ("inputs", "labels", "rows apart", "weights move", "overfits one batch"):
        assert found[name].verdict == "ok", name


def test_a_loss_of_more_than_outputs_and_labels_stays_unknown(rows):
    weighted = "ops.mean(ops.square(model(x) - target)) + ops.sum(ops.square(model.trainable_variables[0]))"
    row = rows(NET + PLAIN_LOOP.replace("LOSS", weighted))["overfits one batch"]
    assert row.verdict == "open"
    assert "isn't known" in row.message


def test_a_model_that_draws_at_random_in_inference_is_compared_with_equal_draws(rows):
    source = """
class Sampled(layers.Layer):
    def call(self, h):
        return h + 0.5 * ef.random.normal(ops.shape(h))
model = ef.Sequential([layers.Dense(4), Sampled(), layers.Dense(1)])
"""
    row = rows(source + FIT)["saving"]
    assert (row.verdict, row.evidence["difference"]) == ("ok", 0.0)


@pytest.mark.slow
def test_a_seed_that_is_set_and_data_that_differ_are_a_fault(checked):
    row = checked(PRELUDE.replace("default_rng(1)", "default_rng()") + NET + FIT).rows[-1]
    assert row.verdict == "fault"
    assert "on line 5" in row.message


def test_json_is_alone_on_stdout_and_nothing_is_written(tmp_path, monkeypatch, capsys, once):
    script = tmp_path / "train.py"
    script.write_text(
        PRELUDE + 'with open("kept.txt", "w") as file:\n    file.write("x")\nprint("hello")\n' + NET + FIT
    )
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--json", "train.py"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["ok"] is True
    assert [row["name"] for row in found["rows"]] == list(NAMES)
    assert "hello" in err
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_open_questions_count_where_that_is_asked_for_but_not_of_what_the_script_hasnt(tmp_path, capsys, once):
    (script := tmp_path / "train.py").write_text(PRELUDE + NET + FIT)
    assert [main(["check", *options, str(script)]) for options in ([], ["--strict"])] == [0, 0]
    assert "– validation data" in capsys.readouterr().out
    script.write_text(PRELUDE + NET + FIT.replace('"mse"', "lambda y, p: 3 + ops.mean(ops.square(y - p))"))
    assert [main(["check", *options, str(script)]) for options in ([], ["--strict"])] == [0, 1]
    assert "– first loss" in capsys.readouterr().out


def test_augmentation_is_drawn_where_it_is_asked_for(tmp_path, monkeypatch, capsys, once):
    script = tmp_path / "train.py"
    source = PRELUDE + PLANTED["augmentation", "brightness for pixels up to 255"].replace(
        "0.5)", "0.1, value_range=(0, 1))"
    )
    script.write_text(source)
    assert main(["check", "--augmented", str(tmp_path / "rows.svg"), str(script)]) == 0
    assert (tmp_path / "rows.svg").read_text().count("<image ") == 16
    assert "RandomBrightness" in capsys.readouterr().out


def test_an_op_that_makes_the_loss_infinite_is_blamed_and_not_the_rate(rows):
    name = "the logarithm of a softmax of the user's own, which becomes 0"
    (row,) = [row for row in rows(PLANTED["overfits one batch", name]).values() if "log" in row.message]
    assert "the logarithm of 0" in row.message
    assert "in step" not in row.message
    assert "ops.maximum(x, 1e-7)" in row.fix


def test_the_first_loss_names_the_op_for_what_follows_from_it(rows):
    source = """
model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="relu")])
model.compile("adam", lambda labels, answers: -ops.mean(labels * ops.log(answers)))
model.fit(x, onehot, batch_size=16, verbose=0)
"""
    found = rows(source)
    assert "log made" in found["first loss"].message
    assert found["overfits one batch"].fix.endswith("first mend 'first loss', above, which names the op")


def test_a_high_rate_at_which_one_batch_is_learnt_is_no_pass(rows):
    source = """
(images, digits), _ = ef.datasets.digits.load_data()
model = ef.Sequential([layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile(ef.optimizers.Adam(0.5), "sparse_categorical_crossentropy")
model.fit(images / 16, digits, verbose=0)
"""
    row = rows(source)["overfits one batch"]
    assert row.verdict == "fault"
    assert "learning rate 0.5" in row.message
    source = """
number = x[:, :4].argmax(1)
model = ef.Sequential([layers.Dense(32, activation="relu"), layers.Dense(4, activation="softmax")])
model.compile(ef.optimizers.SGD(5.0), "sparse_categorical_crossentropy")
model.fit(x, number, batch_size=16, verbose=0)
"""
    row = rows(source)["overfits one batch"]
    assert "whether SGD(5), far above the usual, is too high, only other batches show" in row.message


def test_a_usual_rate_at_which_the_loss_grows_and_one_batch_is_learnt_is_no_fault(rows):
    data = "steps = np.minimum(np.geomspace(0.1, 1000, 128), 9)[:, None]\ntarget = target * steps\n"
    row = rows(NET + data + FIT.replace("verbose", "shuffle=False, verbose"))["overfits one batch"]
    assert row.verdict != "fault", row
    assert "nevertheless" in row.message


def test_a_batch_of_one_answer_has_no_base_rate_to_tell(rows):
    source = """
model = ef.Sequential([layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy")
model.fit(x, np.zeros((128, 1)), verbose=0)
"""
    found = rows(source)
    assert "-0" not in found["first loss"].message
    assert "all 0 in the first batch" in found["labels"].message
