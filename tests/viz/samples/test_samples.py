from __future__ import annotations

import json
import re

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.core.observe import observing
from viz.cli import main
from viz.recorder.listening import Listening
from viz.recorder.names.shown_names import ShownNames
from viz.samples.judging import classes_of, far_off, likely_wrong
from viz.samples.loss_tracking import Gatherer, Gathering
from viz.samples.page import page
from viz.samples.scoring import judged


def samples_of(train, shown=8, seconds=9.0):
    gatherer = Gatherer()
    with observing(Listening.to(gatherer)):
        train()
    return judged(gatherer.chosen(), shown, seconds, gatherer.notes)


def digits(count=None):
    (x, y), _ = ef.datasets.digits.load_data()
    return (x[:count] / 16).astype("float32"), y[:count].astype(int)


def classifier(*before):
    model = ef.Sequential([*before, layers.Flatten(), layers.Dense(48, activation="relu"), layers.Dense(10)])
    model.compile(ef.optimizers.Adam(0.003), ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_flipped_labels_are_among_the_hardest_samples_and_marked():
    ef.utils.set_random_seed(0)
    x, y = digits()
    rng = np.random.default_rng(0)
    flipped = rng.choice(len(y), len(y) // 20, replace=False)
    y[flipped] = (y[flipped] + rng.integers(1, 10, len(flipped))) % 10
    found = samples_of(lambda: classifier().fit(x, y, epochs=6, verbose=0), seconds=0.0)
    assert len(found.samples) == len(y)
    hardest = {sample.row for sample in found.samples[: len(y) // 10]}
    assert len(hardest & set(flipped)) >= 0.8 * len(flipped)
    marked = {sample.row for sample in found.marked("label likely")}
    assert len(marked & set(flipped)) >= 0.8 * len(marked)
    assert len(marked & set(flipped)) >= 0.5 * len(flipped)
    assert "rather" in found.marked("label likely")[0].marks[0]


def test_a_loss_that_gives_one_number_for_the_batch_is_asked_row_by_row():
    x, y = digits(40)

    def mean_of_all(y_true, y_pred):
        return ef.ops.mean(ef.ops.square(y_true - y_pred))

    def of_the_whole_batch(y_true, y_pred):
        return ef.ops.max(ef.ops.square(y_true - y_pred)) * 2

    def train(loss):
        ef.utils.set_random_seed(1)
        model = ef.Sequential([layers.Flatten(), layers.Dense(1)])
        model.compile("sgd", loss)
        return lambda: model.fit(x, y / 10, batch_size=16, verbose=0)

    found, usual = samples_of(train(mean_of_all)), samples_of(train("mse"))
    assert [sample.row for sample in found.samples] == [sample.row for sample in usual.samples]
    assert [sample.loss for sample in found.samples] == pytest.approx(
        [sample.loss for sample in usual.samples], rel=1e-4
    )
    gatherer = Gatherer()
    with observing(Listening.to(gatherer)):
        train(of_the_whole_batch)()
    assert gatherer.chosen() is None
    assert "no mean or sum of the rows'" in gatherer.notes[0]


@pytest.mark.parametrize("epochs", [1, 8])  # wrong still; mostly right, and not sure of it
def test_a_network_that_still_learns_marks_no_right_label(epochs):
    ef.utils.set_random_seed(4)
    x = np.random.default_rng(0).normal(size=(320, 12)).astype("float32")
    model = ef.Sequential([layers.Dense(32, activation="relu"), layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    found = samples_of(lambda: model.fit(x, x[:, 0] + x[:, 1] > 0, epochs=epochs, verbose=0), seconds=0.0)
    assert found.marked("label likely") == []
    (note,) = [note for note in found.notes if "it has learned too little" in note]
    assert re.search(r"finds \d\d of 320 labels wrong", note)


def test_answers_of_all_passes_are_averaged_as_chances():
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    gathering = Gathering(None, ShownNames())
    gathering.losses = [loss]
    x, y = np.zeros((1, 2), "float32"), np.array([1])
    for logits in ([[200.0, 0.0]], [[0.0, 9.0]], [[0.0, 9.0]]):  # an untrained network may be very sure
        gathering.add([x], y, np.zeros(1), ef.Tensor(np.array(logits, "float32")), None)
    assert gathering.answers.tolist() == [pytest.approx([1.0, 2.0], abs=1e-3)]


def test_losses_gradients_and_rows_are_those_of_the_trained_model():
    x, y = digits(50)
    model = classifier(layers.Dropout(0.5))
    found = samples_of(lambda: model.fit(x, y, batch_size=16, epochs=2, verbose=0))
    assert sorted(sample.row for sample in found.samples) == list(range(50))
    assert {sample.times for sample in found.samples} == {2}
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    for sample in (found.samples[0], found.samples[-1]):
        part = slice(sample.row, sample.row + 1)
        with ef.GradientTape() as tape:
            value = loss(y[part], model(x[part], training=False))
        gradients = tape.gradient(value, model.trainable_variables)
        norm = np.sqrt(sum(float((g.numpy() ** 2).sum()) for g in gradients))
        assert sample.loss == pytest.approx(float(value), rel=1e-5)
        assert sample.gradient == pytest.approx(norm, rel=1e-4)
        assert sample.label == str(y[sample.row])
    hardness = [s.loss + s.mean_loss for s in found.samples]
    assert hardness == sorted(hardness, reverse=True)
    assert not found.notes


def test_training_is_the_same_while_samples_are_gathered():
    x, y = digits(64)
    results = []
    for watched in (False, True):
        ef.utils.set_random_seed(1)
        model = classifier(layers.Dropout(0.3))
        run = samples_of if watched else (lambda train: train())
        run(lambda model=model: model.fit(x, y, epochs=2, verbose=0))
        results.append(model.get_weights())
    assert all((a == b).all() for a, b in zip(*results))


def test_steps_that_fit_does_not_make_are_no_part_of_its_arrays():
    x, y = digits(40)
    model = classifier()

    def train():
        model.fit(x, y, epochs=2, validation_data=(x[:8] + 1, y[:8]), verbose=0)
        model.train_on_batch(x[:4] * 0.5, y[:4])

    found = samples_of(train)
    assert sorted(sample.row for sample in found.samples) == list(range(40))


def test_steps_that_make_their_own_data_and_losses_of_something_else():
    x, y = digits(24)

    class Own(ef.Model):
        def __init__(self):
            super().__init__()
            self.inner = ef.Sequential([layers.Flatten(), layers.Dense(10)])

        def train_step(self, data):
            for images in (data[0] * 0.5, data[0][:4] * 0.25):  # two passes of the same model in one step
                with ef.GradientTape() as tape:
                    loss = self.loss(data[1][: len(images)], self.inner(images))
                weights = self.inner.trainable_variables
                self.optimizer.apply(tape.gradient(loss, weights), weights)
            with ef.GradientTape() as tape:
                loss = self.loss(data[1], self.inner(data[0]) * 2.0)
            tape.gradient(loss, self.inner.trainable_variables)
            return {"loss": loss}

    model = Own()
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = samples_of(lambda: model.fit(x, y, batch_size=8, verbose=0))
    assert len(found.samples) == 24 + 3 * 4
    assert "compares something other than a model" in found.text()


def test_duplicates_are_marked_and_those_with_another_label_told_apart():
    x, y = digits(40)
    x[30], y[30] = x[4], y[4]
    x[31], y[31] = x[5], (y[5] + 1) % 10
    found = samples_of(lambda: classifier().fit(x, y, verbose=0))
    marks = {sample.row: [m for m in sample.marks if m.startswith("dup")] for sample in found.marked("duplicate")}
    assert marks == {
        5: ["duplicate of 31 with another label"],
        30: ["duplicate of 4"],
        31: ["duplicate of 5 with another label"],
    }


def test_what_reaches_the_first_weight_is_shown_after_preparing_layers():
    x, y = digits(30)
    found = samples_of(lambda: classifier(layers.Rescaling(2.0, offset=-1.0)).fit(x, y, verbose=0))
    assert re.search(r"first weight \(.*kernel\): 64 float32 .* from -1 to 1", found.met)
    assert found.pictures[0].shape == (8, 8)
    assert np.allclose(found.pictures[0], 2 * x[found.samples[0].row] - 1)
    assert page(found).count("<img") >= 8


def test_a_loop_of_ones_own_is_heard_too():
    x, y = digits(32)
    model, optimizer = classifier(), ef.optimizers.SGD(0.1)
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)

    def train():
        for _ in range(2):
            with ef.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        loss(y, model(x))  # no training

    found = samples_of(train)
    assert len(found.samples) == 32
    assert found.samples[0].times == 2


def test_regressions_texts_and_several_outputs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)).astype("float32")
    y = x.sum(1)
    y[7] = 90.0
    model = ef.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    found = samples_of(lambda: model.fit(x, y, epochs=4, verbose=0))
    assert found.samples[0].row == 7
    assert found.samples[0].marks == ["far off"]
    assert 'class="numbers"' in page(found)

    inputs = ef.Input((4,))
    two = ef.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(3, activation="softmax")(inputs)])
    two.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    found = samples_of(lambda: two.fit(x, [y, rng.integers(0, 3, 60)], verbose=0))
    assert len(found.samples) == 60
    assert found.samples[0].row == 7

    words = np.array(["good film", "bad film", "very good", "so bad"] * 4)
    table = layers.TextVectorization(output_sequence_length=3)
    table.adapt(words)
    text = ef.Sequential([table, layers.Embedding(12, 3), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    text.compile("adam", "binary_crossentropy")
    found = samples_of(lambda: text.fit(words, np.array([1, 0, 1, 0] * 4), verbose=0))
    assert found.pictures[0] in words
    assert found.samples[0].chance is not None


def test_what_are_classes_is_seen_from_targets_outputs_and_loss():
    sparse = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = classes_of(np.array([[1], [0]]), np.array([[0.0, 2.0], [0.0, 2.0]]), sparse)
    assert found.labels.tolist() == [1, 0]
    assert found.chances[0] == pytest.approx([0.1192, 0.8808], abs=1e-4)
    one_hot = classes_of(np.eye(2), np.array([[0.5, 0.5], [0.1, 0.9]]), ef.losses.CategoricalCrossentropy())
    assert one_hot.labels.tolist() == [0, 1]
    yes = classes_of(np.array([1.0, 0.0]), np.array([[3.0], [-3.0]]), ef.losses.BinaryCrossentropy(from_logits=True))
    assert yes.predicted.tolist() == [1, 0]
    assert classes_of(np.array([0.0, 1.0]), np.array([[0.2], [0.9]]), ef.losses.MeanSquaredError()) is None
    sure = np.array([[0.9, 0.1]] * 5 + [[0.1, 0.9]] * 5)
    labels = np.array([0] * 5 + [1] * 4 + [0])
    assert likely_wrong(type(found)(labels, sure)).tolist() == [False] * 9 + [True]
    assert far_off(np.array([1.0, 1.1, 0.9, 1.0, 30.0])).tolist() == [False] * 4 + [True]


SCRIPT = """
import numpy as np
import eagerflow as ef
x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
model = ef.Sequential([ef.layers.Dense(2, activation="softmax")], name="little")
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(x, (x[:, 0] > 0).astype(int), epochs=3, verbose=0)
print("done")
"""


def test_the_command_lists_writes_a_page_and_prints_json(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    assert main(["data", "-n", "3", "--html", "a.html", "train.py"]) == 0
    out = capsys.readouterr().out
    assert "little: 40 samples" in out
    assert "… 37 samples more" in out
    assert (tmp_path / "a.html").read_text().count('class="card') >= 40
    assert main(["data", "--json", "train.py"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["samples"]) == 40
    assert found["samples"][0]["gradient"] > 0
    (tmp_path / "none.py").write_text("print(1)")
    assert main(["data", "none.py"]) == 3
    assert "no samples to judge" in capsys.readouterr().err
    (tmp_path / "fails.py").write_text(SCRIPT + "raise ValueError('late')")
    assert main(["data", "fails.py"]) == 3
    assert "the samples until then" in capsys.readouterr().out
    assert main(["data", "missing.py"]) == 2


def test_where_most_rows_come_with_several_labels_none_is_a_duplicate():
    """A GAN's fakes are labelled 0 for one of its networks, and 1 for the other."""
    x, y = digits(40)
    found = samples_of(lambda: classifier().fit(np.concatenate([x, x]), np.concatenate([y, (y + 1) % 10]), verbose=0))
    assert found.marked("duplicate") == []
    assert any("80 of 80 rows come with several labels" in note for note in found.notes)
