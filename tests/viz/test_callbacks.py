from __future__ import annotations

import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
import viz
from tests.viz.nets import Trainer, mlp
from viz.callbacks import TensorBoard, Trace
from viz.export.conceptual_graph import conceptual_of
from viz.page.data import data as page_data

pytest.importorskip("tensorboard")

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tests.viz.export.test_tensorboard_graph import read


def fit(callback, trainer=None, epochs=2, batches=3, validate=True):
    """What `fit` announces to a callback."""
    trainer = trainer or Trainer()
    callback.set_model(trainer.model)
    callback.set_params({"epochs": epochs})
    callback.on_train_begin()
    for epoch in range(epochs):
        callback.on_epoch_begin(epoch)
        for batch in range(batches):
            callback.on_train_batch_begin(batch)
            loss = trainer.step()
            callback.on_train_batch_end(batch, {"loss": float(loss), "accuracy": 0.5})
        if validate:
            callback.on_test_begin()
            callback.on_test_end({"loss": 0.7, "accuracy": 0.6})
        logs = {"loss": 0.9, "accuracy": 0.5, "val_loss": 0.7, "val_accuracy": 0.6}
        callback.on_epoch_end(epoch, logs if validate else {"loss": 0.9, "accuracy": 0.5})
    callback.on_train_end()
    return trainer


def steps_of(found, tag):
    return [event.step for event in found.Scalars(tag)]


def test_epochs_in_keras_layout(tmp_path):
    fit(TensorBoard(tmp_path))
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert set(train.Tags()["scalars"]) >= {"epoch_loss", "epoch_accuracy"}
    assert set(validation.Tags()["scalars"]) == {
        "epoch_loss",
        "epoch_accuracy",
        "evaluation_loss_vs_iterations",
        "evaluation_accuracy_vs_iterations",
    }
    assert steps_of(train, "epoch_loss") == steps_of(validation, "epoch_loss") == [0, 1]
    assert [round(event.value, 3) for event in validation.Scalars("epoch_loss")] == [0.7, 0.7]
    assert not any("batch" in tag for tag in train.Tags()["scalars"])


@pytest.mark.parametrize(("update_freq", "expected"), [("batch", [1, 2, 3, 4, 5, 6]), (2, [2, 4, 6])])
def test_batches(tmp_path, update_freq, expected):
    fit(TensorBoard(tmp_path, update_freq=update_freq, write_steps_per_second=True), validate=False)
    train = read(tmp_path / "train")
    assert steps_of(train, "batch_loss") == expected
    assert steps_of(train, "batch_steps_per_second") == expected
    assert steps_of(train, "epoch_steps_per_second") == [0, 1]
    assert not (tmp_path / "validation").exists()


def test_learning_rate_and_iterations_come_from_the_optimizer(tmp_path):
    trainer = Trainer()
    callback = TensorBoard(tmp_path)
    callback.set_model = lambda model: None
    callback._model = SimpleNamespace(optimizer=trainer.optimizer, weights=[], layers=[])
    fit(callback, trainer)
    assert [round(e.value, 4) for e in read(tmp_path / "train").Scalars("epoch_learning_rate")] == [0.1, 0.1]
    assert steps_of(read(tmp_path / "validation"), "evaluation_loss_vs_iterations") == [3, 6]


def test_histograms_and_images_of_weights(tmp_path):
    trainer = fit(TensorBoard(tmp_path, histogram_freq=2, write_images=True), epochs=3)
    train = read(tmp_path / "train")
    paths = {weight.path for weight in trainer.model.weights}
    assert set(train.Tags()["histograms"]) == {f"{path}/histogram" for path in paths}
    assert {f"{path}/image" for path in paths} <= set(train.Tags()["tensors"])
    kernel = trainer.model.weights[0].path
    assert [event.step for event in train.Histograms(f"{kernel}/histogram")] == [0, 2]
    width, height, png = train.Tensors(f"{kernel}/image")[0].tensor_proto.string_val
    assert (width, height, png[:4]) == (b"16", b"5", b"\x89PNG")


def test_convolution_kernels_become_three_pictures(tmp_path):
    model = ef.Sequential([ef.layers.Conv2D(4, 3)])
    model(np.zeros((1, 8, 8, 2), "float32"))
    callback = TensorBoard(tmp_path, histogram_freq=1, write_images=True)
    callback.set_model(model)
    callback.on_epoch_end(0, {})
    callback.on_train_end()
    tags = read(tmp_path / "train").Tags()["tensors"]
    assert not any("kernel" in tag for tag in tags)  # four dimensions
    assert any("bias" in tag for tag in tags)


def test_profiled_batches_are_written(tmp_path):
    fit(TensorBoard(tmp_path, profile_batch=" 3, 4"))
    assert read(tmp_path / "train").Tags()["run_metadata"] == ["step_3", "step_4"]


def test_the_layers_are_written_for_the_conceptual_graph(tmp_path):
    class Model:
        weights = layers = ()

        def to_json(self):
            return json.dumps(
                {"class_name": "Sequential", "config": {"name": "é", "layers": [{"config": {"name": "a"}}]}}
            )

    callback = TensorBoard(tmp_path)
    callback.set_model(Model())
    callback.on_train_begin()
    callback.on_train_batch_begin(0)
    callback.on_train_batch_end(0, {})
    callback.on_train_end()
    (event,) = read(tmp_path / "train").Tensors("keras")
    assert json.loads(event.tensor_proto.string_val[0])["config"]["name"] == "é"


def test_models_of_every_form_have_a_conceptual_graph_that_tensorboard_reads(tmp_path):
    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    a, b = ef.Input((4,), name="a"), ef.Input((4,), name="b")
    inner = ef.Model(a, ef.layers.Dense(3)(a), name="inner")
    several = ef.Model(a, {"x": ef.layers.Dense(3)(a), "y": ef.layers.Dense(1)(a)}, name="several")
    models = [
        *(several, ef.Model({"a": a, "b": b}, ef.layers.Add()([a, b])), ef.Model(a, inner(a) * 2 + 1)),
        *(ef.Sequential([ef.Input((4,)), inner, ef.layers.Dense(1)]), ef.Model(b, several(b)["x"])),
        ef.Sequential([ef.Input((5, 4)), ef.layers.Bidirectional(ef.layers.LSTM(2)), ef.layers.Dense(1)]),
    ]
    for model in models:
        graph = keras_model_to_graph_def(json.loads(conceptual_of(model)))
        names = {node.name for node in graph.node}
        assert {name for node in graph.node for name in node.input} <= names
        assert len(names) >= 2


def test_batches_are_counted_on_where_a_training_is_resumed(tmp_path):
    model = ef.Sequential([ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    for first in (0, 2):
        board = TensorBoard(tmp_path, update_freq=first + 1, profile_batch=(3, 3), write_steps_per_second=True)
        options = {"batch_size": 2, "initial_epoch": first, "epochs": first + 2, "verbose": 0}
        model.fit(np.ones((8, 3)), np.ones((8, 2)), callbacks=[board], **options)
    train = read(tmp_path / "train")
    assert [event.step for event in train.Scalars("batch_loss")] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15]
    assert [event.step for event in train.Scalars("batch_steps_per_second")] == [*range(1, 10), 12, 15]
    assert train.Tags()["run_metadata"] == ["step_3", "step_11"]
    assert [event.step for event in train.Scalars("epoch_loss")] == [0, 1, 2, 3]


def test_a_second_fit_writes_no_second_graph(tmp_path):
    model = ef.Sequential([ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    board = TensorBoard(tmp_path)
    for _ in range(2):
        model.fit(np.ones((8, 3)), np.ones((8, 2)), batch_size=2, callbacks=[board], verbose=0)
    assert graphs_in(tmp_path) == 1
    shutil.rmtree(tmp_path / "train")
    model.fit(np.ones((8, 3)), np.ones((8, 2)), batch_size=2, callbacks=[board], verbose=0)
    assert graphs_in(tmp_path) == 1
    other = ef.Sequential([ef.layers.Dense(3), ef.layers.Dense(2)])
    other.compile("sgd", "mse")
    other.fit(np.ones((8, 3)), np.ones((8, 2)), batch_size=2, callbacks=[board], verbose=0)
    assert graphs_in(tmp_path) == 2


def graphs_in(folder):
    files = (folder / "train").glob("*tfevents*")
    return sum(event.HasField("graph_def") for file in files for event in EventFileLoader(str(file)).Load())


def test_batches_to_profile_that_never_came_are_told(tmp_path):
    with pytest.warns(UserWarning, match=r"profile_batch=90\): nothing was profiled, since fit ended after"):
        fit(TensorBoard(tmp_path, profile_batch="90,100"))


def test_a_folder_that_cannot_be_made_is_told_before_training(tmp_path):
    (tmp_path / "taken").write_text("a file")
    model = ef.Sequential([ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match=r"TensorBoard\(log_dir=.*taken.*can't be made or written to"):
        model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0, callbacks=[TensorBoard(tmp_path / "taken")])
    assert not model.built


def test_models_without_json_have_no_conceptual_graph(tmp_path):
    class Model:
        weights = layers = ()

        def to_json(self):
            raise NotImplementedError

    callback = TensorBoard(tmp_path)
    callback.set_model(Model())
    callback.on_train_begin()
    callback.on_train_batch_begin(0)
    callback.on_train_batch_end(0, {})
    callback.on_train_end()
    assert callback._logs == {}


def test_names_of_embeddings_that_are_not_there_are_told(tmp_path):
    model = ef.Sequential([ef.layers.Embedding(7, 3, name="words")], name="m")
    model(np.zeros((1, 2), "int64"))
    callback = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata="names.tsv")
    callback.set_model(model)
    with pytest.warns(UserWarning, match=r"no file 'names\.tsv'"):
        callback.on_epoch_end(0, {})
    callback.on_train_end()
    assert "metadata_path" not in (tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["log", "."])
def test_embeddings_for_the_projector(tmp_path, monkeypatch, where):
    model = ef.Sequential([ef.layers.Embedding(7, 3, name="words")], name="m")
    model(np.zeros((1, 2), "int64"))
    monkeypatch.chdir(tmp_path)
    place = tmp_path / where
    place.mkdir(exist_ok=True)
    (place / "names.tsv").write_text("a\nb\nc\nd\ne\nf\ng\n", encoding="utf-8")
    tmp_path = tmp_path / "log"
    callback = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "names.tsv"})
    callback.set_model(model)
    callback.on_epoch_end(0, {})
    callback.on_train_end()
    for folder in (tmp_path, tmp_path / "train"):  # each of which TensorBoard may be given as a run
        config = (folder / "projector_config.pbtxt").read_text(encoding="utf-8")
        for field in ("tensor_path", "metadata_path"):
            (path,) = re.findall(f'{field}: "(.*)"', config)
            assert (folder / path).resolve().is_relative_to(folder)  # TensorBoard reads no other
            assert len((folder / path).read_text(encoding="utf-8").splitlines()) == 7
    table = np.loadtxt(tmp_path / "train" / "words-embedding-0.tsv", delimiter="\t")
    np.testing.assert_allclose(table, model.weights[0].numpy(), rtol=1e-5)
    assert (tmp_path / "train" / "keras_embedding.ckpt-0.weights.h5").exists()


def test_metadata_for_a_layer_that_is_not_there_is_refused(tmp_path):
    model = ef.Sequential([ef.Input((2,)), ef.layers.Embedding(7, 3, name="words")], name="m")
    callback = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"wrods": "names.tsv"})
    callback.set_model(model)
    with pytest.raises(ValueError, match=r"'wrods'.*'words'"):
        callback.on_train_begin()


def test_evaluate_alone_writes_and_closes(tmp_path):
    callback = TensorBoard(tmp_path)
    callback.set_model(Trainer().model)
    callback.on_test_begin()
    callback.on_test_end({"loss": 0.5})
    assert callback._logs == {}
    assert read(tmp_path / "validation").Tags()["scalars"] == ["evaluation_loss_vs_iterations"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"update_freq": 0}, "update_freq=0"),
        ({"update_freq": "week"}, "'batch', 'epoch'"),
        ({"update_freq": "epochs"}, "did you mean 'epoch'"),
        ({"profile_batch": (5, 2)}, r"profile_batch=\(5, 2\)"),
        ({"profile_batch": "3,"}, "profile_batch='3,'"),
        ({"profile_batch": "5,2"}, r"profile_batch=\[5, 2\]"),
    ],
)
def test_wrong_arguments_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        TensorBoard("logs", **arguments)


def test_trace_records_chosen_steps(tmp_path):
    callback = Trace(steps=(1, 4), folder=tmp_path, stats="basic")
    fit(callback)
    assert sorted(callback.recordings) == [1, 4]
    assert callback.recordings[4].name == "step 4"
    loaded = viz.load(tmp_path / "step_1.efz")
    assert len(loaded.steps) == 1
    assert loaded.find(phase="backward")
    assert (tmp_path / "step_4.svg").read_text(encoding="utf-8").startswith("<?xml")
    with pytest.raises(TypeError):
        Trace(taste=1)


@pytest.mark.parametrize(
    "make", [lambda folder: Trace(steps=[0], folder=folder), lambda folder: TensorBoard(folder, profile_batch=1)]
)
def test_a_crash_ends_the_recording_and_keeps_it(tmp_path, make):
    callback = make(tmp_path)
    trainer = Trainer(mlp())
    trainer.step()
    trainer.loss = lambda y, predictions: predictions + np.ones(7, "float32")
    callback.set_model(trainer.model)
    callback.on_train_begin()
    callback.on_train_batch_begin(0)
    with pytest.raises(ValueError):
        trainer.step()
    assert callback._tracer is None
    assert not viz.recorder.op_hook.recording[0]
    assert any(tmp_path.iterdir())
    callback.on_train_end()


def compiled():
    model = mlp()
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_a_chosen_step_has_what_fit_reported_of_it(tmp_path):
    x, y = Trainer().x, Trainer().y
    model, seen = compiled(), []
    noting = ef.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    callbacks = [Trace(steps=(1, 2), folder=tmp_path), noting]
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=callbacks)
    for number in (1, 2):
        (log,) = viz.load(tmp_path / f"step_{number}.efz").logs
        assert (log.kind, log.step, log.values) == ("batch", number % 2, seen[number])


def test_fit_fills_both_runs(tmp_path):
    x, y = Trainer().x, Trainer().y
    callbacks = [TensorBoard(tmp_path, histogram_freq=1, update_freq="batch"), Trace(steps=[1])]
    compiled().fit(x, y, batch_size=4, epochs=3, verbose=0, validation_data=(x, y), callbacks=callbacks)
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    expected = {"batch_loss", "batch_accuracy", "epoch_loss", "epoch_accuracy", "epoch_learning_rate"}
    assert set(train.Tags()["scalars"]) == expected
    assert steps_of(train, "batch_loss") == [1, 2, 3, 4, 5, 6]
    assert steps_of(validation, "evaluation_loss_vs_iterations") == [2, 4, 6]
    assert "mlp/hidden_0/kernel/histogram" in train.Tags()["histograms"]
    assert any(node.name.endswith("mlp/hidden_0/dense/matmul") for node in train.Graph().node)
    assert len(train.Tags()["run_metadata"]) == 1
    recording = callbacks[1].recordings[1]
    assert recording.find(phase="backward")
    assert recording.find(phase="update")


def test_what_evaluation_reports_stays_apart_from_the_batches_of_training():
    x, y = Trainer().x, Trainer().y
    model = compiled()
    with viz.trace() as t:
        model.fit(x, y, batch_size=4, verbose=0, validation_data=(x[:4], y[:4]))
        model.evaluate(x, y, batch_size=4, verbose=0)
    assert [(log.kind, log.step) for log in t.logs] == [
        *(("batch", 0), ("batch", 1), ("evaluation", 0), ("epoch", 0)),
        *(("evaluation", 0), ("evaluation", 1)),
    ]
    assert [kind for kind, *_ in page_data(t)["logs"]].count("evaluation") == 2  # a point of each


def batch_and_model():
    trainer = Trainer()
    return trainer.x, trainer.y, compiled()


class ReportsArrays(ef.Model):
    def __init__(self):
        super().__init__()
        self.dense = ef.layers.Dense(2)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(ef.ops.square(self(data[0]) - data[1]))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss, "by_class": ef.ops.ones((3,))}


def test_arrays_that_a_step_reports_are_left_out_of_curves_and_recordings(tmp_path):
    model = ReportsArrays()
    model.compile("sgd")
    x, y = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    trace = Trace(steps=[0])
    with pytest.warns(UserWarning, match=r"'by_class' has no curve, .* an array of shape \(3,\)"):
        model.fit(x, y, verbose=0, callbacks=[TensorBoard(tmp_path, update_freq="batch"), trace])
    assert set(read(tmp_path / "train").Tags()["scalars"]) == {"batch_loss", "epoch_loss", "epoch_learning_rate"}
    with viz.trace() as t:
        model.fit(x, y, verbose=0)
        model.train_on_batch(x, y)
    assert [(log.kind, list(log.values)) for log in [*trace.recordings[0].logs, *t.logs]] == [
        ("batch", ["loss"]),
        ("batch", ["loss"]),
        ("epoch", ["loss"]),
        ("step", ["loss"]),
    ]
