from __future__ import annotations

import io
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import PIL.Image
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.nets import batch, mlp
from viz.export.event_files import last_step

pytest.importorskip("tensorboard")

from tests.viz.export.test_tensorboard_graph import read


def test_every_kind_is_read_back(tmp_path):
    with viz.SummaryWriter(tmp_path) as log:
        log.scalar("loss", 0.25, 3)
        log.histogram("weights", np.arange(10.0), 3)
        log.images("grey", np.eye(4), 3)
        log.image("a batch", np.zeros((2, 4, 4, 1)), 3)
        log.images("colours", np.zeros((2, 3, 5, 4), "uint8"), 3, channels_first=True)
        log.images("see-through", np.zeros((3, 5, 4), "uint8"), 3)
        log.images("grey and clear", np.zeros((3, 5, 2)), 3)
        log.text("notes", "**é** <script>", 3)
        log.pr_curve("curve", [0, 1, 1, 0], [0.1, 0.9, 0.6, math.nan], 3)
        log.hparams({"rate": 0.1, "name": "adam", "on": True, "f": len}, {"accuracy": 0.9})
    found = read(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("loss")] == [(3, 0.25)]
    assert found.Histograms("weights")[0].histogram_value.num == 10
    for tag, size in (("colours", (b"4", b"5", 2)), ("a batch", (b"4", b"4", 2))):
        width, height, *pictures = found.Tensors(tag)[0].tensor_proto.string_val
        assert (width, height, len(pictures)) == size
    width, height, picture = found.Tensors("see-through")[0].tensor_proto.string_val
    assert (width, height, PIL.Image.open(io.BytesIO(picture)).mode) == (b"5", b"3", "RGBA")
    assert PIL.Image.open(io.BytesIO(found.Tensors("grey and clear")[0].tensor_proto.string_val[2])).mode == "LA"
    assert found.Tensors("notes")[0].tensor_proto.string_val[0].decode() == "**é** <script>"
    assert found.SummaryMetadata("notes").plugin_data.plugin_name == "text"
    assert found.SummaryMetadata("curve").plugin_data.plugin_name == "pr_curves"
    assert {"_hparams_/experiment", "_hparams_/session_start_info"} <= set(found.PluginTagToContent("hparams"))
    assert found.Scalars("accuracy")[0].value == pytest.approx(0.9)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, np.float16(3), np.int64(2), True])
def test_any_number_is_a_scalar(tmp_path, value, capsys):
    with viz.SummaryWriter(tmp_path) as log:
        log.scalar("x", value, 3)
    (event,) = read(tmp_path).Scalars("x")
    with np.errstate(over="ignore"):
        np.testing.assert_equal((event.step, event.value), (3, float(np.float32(value))))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "values",
    [
        [],
        [math.nan],
        [math.inf, 1.0],
        [1e308, -1e308],
        [0.0],
        [7.0] * 5,
        [1.0, 2.0, math.nan, math.inf],
        [1e-320, 2e-320],
        [True, False],
        np.arange(5, dtype="int8"),
    ],
)
def test_odd_histograms_neither_crash_nor_print(tmp_path, values, capsys, caplog):
    with warnings.catch_warnings(), viz.SummaryWriter(tmp_path) as log:
        warnings.simplefilter("error")
        log.histogram("x", values, 0)
    found = read(tmp_path)
    finite = np.asarray(values, "float64")[np.isfinite(np.asarray(values, "float64"))]
    if finite.size:
        histogram = found.Histograms("x")[0].histogram_value
        assert histogram.num == sum(histogram.bucket) == finite.size
    else:
        assert "x" not in found.Tags()["histograms"]
    missing = len(values) - finite.size
    assert ("x/nonfinite" in found.Tags()["scalars"]) == bool(missing)
    assert not missing or found.Scalars("x/nonfinite")[0].value == missing
    assert capsys.readouterr() == ("", "")
    assert not [r for r in caplog.records if "tensorboard" not in r.name]


def test_odd_pictures_and_texts(tmp_path):
    with viz.SummaryWriter(tmp_path) as log:
        with pytest.warns(UserWarning, match="4 of 4 numbers of a picture are NaN or infinite"):
            log.images("nan", np.full((2, 2), math.nan), 0)
        with pytest.warns(UserWarning, match="beyond 1"):
            log.images("huge", np.full((2, 2, 3), 1e300), 0)
        log.images("none", np.zeros((0, 4, 4, 3)), 0)
        log.text("lone surrogate", "\ud800")
        log.pr_curve("nothing", [1], [math.nan], 0)
        with pytest.raises(ValueError, match=r"1 to 4 channels; got \(2, 2, 5\)"):
            log.images("five channels", np.zeros((2, 2, 5)), 0)
        with pytest.raises(ValueError, match="2 and 1"):
            log.pr_curve("lengths", [1, 0], [0.5], 0)
        with pytest.raises(ValueError, match="thresholds=1"):
            log.pr_curve("few", [1], [0.5], 0, thresholds=1)
    assert set(read(tmp_path).Tags()["tensors"]) == {"nan", "huge", "lone surrogate"}


def test_embeddings_are_files_for_the_projector(tmp_path):
    with viz.SummaryWriter(tmp_path) as log:
        log.embedding("words", np.eye(3), ["a", "b\tc", "é"])
        log.embedding('odd "name"', np.ones((2, 2)), {"x": [1, 2], "y": ["u", "v"]})
        log.embedding("words", np.eye(3) * 2, ["a", "b\tc", "é"])
        with pytest.raises(ValueError, match="3 points, but 1 labels"):
            log.embedding("few", np.eye(3), ["a"])
        with pytest.raises(ValueError, match=r"\(3,\)"):
            log.embedding("flat", np.ones(3))
    from google.protobuf import text_format
    from tensorboard.plugins.projector import ProjectorConfig

    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8"), ProjectorConfig())
    assert [e.tensor_name for e in config.embeddings] == ['odd "name"', "words"]
    words = config.embeddings[1]
    np.testing.assert_array_equal(np.loadtxt(tmp_path / words.tensor_path), np.eye(3) * 2)
    assert (tmp_path / words.metadata_path).read_text(encoding="utf-8") == "a\nb c\né\n"
    columns = (tmp_path / config.embeddings[0].metadata_path).read_text(encoding="utf-8")
    assert columns.splitlines()[0] == "x\ty"


def compiled():
    model = mlp()
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_watch_writes_weights_gradients_and_activations_of_a_fit(tmp_path):
    x, y = batch()
    model = compiled()
    with viz.watch(model, tmp_path, every=2, what=("weights", "gradients", "activations")) as watch:
        model.fit(x, y, batch_size=2, verbose=0)
    assert watch.step == 4
    found = read(tmp_path)
    tags = found.Tags()
    assert {f"weights/{v.path}" for v in model.weights} <= set(tags["histograms"])
    assert {f"gradients/{v.path}" for v in model.weights} <= set(tags["histograms"])
    assert "activations/mlp/hidden_0" in tags["histograms"]
    assert [e.step for e in found.Histograms("weights/mlp/hidden_0/kernel")] == [0, 2]
    assert [e.step for e in found.Scalars("gradients/mlp/head/bias/norm")] == [0, 2]


def test_batches_that_are_evaluated_or_predicted_are_no_steps(tmp_path):
    x, y = batch()
    model = compiled()
    with viz.watch(model, tmp_path, every=2, what=("gradients", "activations")) as watch:
        model.fit(x, y, batch_size=2, epochs=3, validation_data=(x, y), verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x, verbose=0)
    assert watch.step == 12
    found = read(tmp_path)
    for tag in ("gradients/mlp/head/bias/norm", "activations/mlp/head/norm"):
        assert [e.step for e in found.Scalars(tag)] == [0, 2, 4, 6, 8, 10]


def test_watch_counts_backward_passes_in_a_loop_without_steps(tmp_path):
    x, y = batch()
    model, optimizer = compiled(), ef.optimizers.SGD(0.1)
    model(x)
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    norms = []
    with viz.watch(model, tmp_path, every=3, what="gradients"):
        for _ in range(5):
            with ef.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            gradients = tape.gradient(value, model.trainable_variables)
            norms.append(np.linalg.norm(gradients[0].numpy()))
            optimizer.apply(gradients, model.trainable_variables)
    events = read(tmp_path).Scalars(f"gradients/{model.weights[0].path}/norm")
    assert [e.step for e in events] == [0, 3]
    np.testing.assert_allclose([e.value for e in events], [norms[0], norms[3]], rtol=1e-5)


def watched_steps(folder, model, every=2, steps=4):
    x, y = batch()
    with viz.watch(model, folder, every=every):
        model.fit(x[:steps], y[:steps], batch_size=1, verbose=0)
    return [event.step for event in read(folder).Scalars("weights/mlp/head/bias/norm")]


def test_a_training_that_goes_on_from_a_checkpoint_replaces_what_came_after_it(tmp_path):
    model = compiled()
    watched_steps(tmp_path, model)
    model.optimizer.iterations.assign(2)
    assert watched_steps(tmp_path, model, every=1, steps=2) == [0, 2, 3]


def test_files_that_break_off_are_read_up_to_there(tmp_path):
    watched_steps(tmp_path, compiled())
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert last_step(tmp_path, ("weights/",)) == 2
    path.write_bytes(whole[:3])
    assert last_step(tmp_path, ("weights/",)) is None


def adversaries():
    generator, critic = mlp("generator"), mlp("critic")
    return generator, critic, ef.optimizers.SGD(0.1), ef.optimizers.SGD(0.1)


def play(generator, critic, of_generator, of_critic):
    """A step of a GAN, by two backward passes."""
    x, _ = batch()
    with ef.GradientTape() as tape:
        loss = ops.mean(critic(x)) - ops.mean(critic(ops.ones_like(x)))
    of_critic.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)
    with ef.GradientTape() as tape:
        loss = ops.mean(generator(x) ** 2)
    of_generator.apply(tape.gradient(loss, generator.trainable_variables), generator.trainable_variables)


def test_backward_passes_of_another_model_are_no_steps(tmp_path):
    parts = adversaries()
    play(*parts)
    with viz.watch(parts[0], tmp_path, every=2) as watch:
        for _ in range(4):
            play(*parts)
    assert watch.step == 4
    found = read(tmp_path)
    for kind in ("gradients", "weights"):
        assert [event.step for event in found.Scalars(f"{kind}/generator/head/bias/norm")] == [0, 2]


def test_batches_that_train_a_gans_other_half_are_no_steps(tmp_path):
    x, _ = batch()
    generator = ef.Sequential([ef.Input((5,)), layers.Dense(5, name="make")], name="generator")
    critic = ef.Sequential([ef.Input((5,)), layers.Dense(1, name="judge")], name="critic")
    critic.compile("sgd", "mse")
    critic.trainable = False
    both = ef.Sequential([ef.Input((5,)), generator, critic])
    both.compile("sgd", "mse")
    critic.trainable = True
    kinds = ("weights", "gradients", "activations")
    with viz.watch(generator, tmp_path / "g", 2, kinds) as g, viz.watch(critic, tmp_path / "c", 2, kinds) as c:
        for _ in range(4):
            critic.trainable = True
            critic.train_on_batch(x, np.ones((8, 1)))
            critic.trainable = False
            both.train_on_batch(x, np.zeros((8, 1)))
    assert (g.step, c.step) == (4, 4)
    for folder, part in (("g", "generator/make"), ("c", "critic/judge")):
        found = read(tmp_path / folder)
        for tag in (f"weights/{part}/kernel", f"gradients/{part}/kernel", f"activations/{part}"):
            assert [event.step for event in found.Histograms(tag)] == [0, 2], tag


def test_both_losses_of_a_gan_belong_to_one_step(tmp_path):
    parts = adversaries()
    play(*parts)

    class Both(ef.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.critic = parts[:2]

    seen = []
    with viz.watch(Both(), tmp_path, every=2, what=("weights", "gradients", "activations")) as watch:
        for _ in range(4):
            play(*parts)
            seen.append(parts[0].weights[0].numpy())
    assert watch.step == 4
    found = read(tmp_path)
    for part in ("generator", "critic"):
        for tag in (f"gradients/{part}/head/bias", f"weights/{part}/head/bias", f"activations/{part}/head"):
            assert [event.step for event in found.Histograms(tag)] == [0, 2], tag
    norms = [event.value for event in found.Scalars("weights/generator/hidden_0/kernel/norm")]
    np.testing.assert_allclose(norms, [np.linalg.norm(seen[0]), np.linalg.norm(seen[2])], rtol=1e-5)


def test_activations_are_those_of_the_step_that_they_are_written_at(tmp_path):
    model, optimizer = compiled(), ef.optimizers.SGD(0.1)
    x, y = batch()
    model(x)
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    norms = []
    with viz.watch(model, tmp_path, every=1, what="activations"):
        for factor in (1.0, 2.0, 3.0):
            with ef.GradientTape() as tape:
                answer = model(x * factor, training=True)
                value = loss(y, answer)
            norms.append(np.linalg.norm(answer.numpy()))
            optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
    events = read(tmp_path).Scalars("activations/mlp/head/norm")
    assert [event.step for event in events] == [0, 1, 2]
    np.testing.assert_allclose([event.value for event in events], norms, rtol=1e-5)


@pytest.mark.parametrize(("arguments", "says"), [({"every": 0}, "every=0"), ({"what": "biases"}, "'biases'")])
def test_wrong_arguments_are_refused(tmp_path, arguments, says):
    with pytest.raises(ValueError, match=says):
        viz.watch(mlp(), tmp_path, **arguments)


def test_the_conceptual_graph_is_what_tensorboard_parses(tmp_path):
    from tensorboard.plugins.graph import keras_util

    inputs = ef.Input((4,), name="given")
    hidden = layers.Dense(3, name="hidden")(inputs)
    model = ef.Model(inputs, layers.Add(name="both")([hidden, layers.Dense(3, name="side")(inputs)]), name="net")
    model.compile("sgd", "mse")
    callback = ef.callbacks.TensorBoard(tmp_path)
    model.fit(np.zeros((4, 4), "float32"), np.zeros((4, 3), "float32"), verbose=0, callbacks=[callback])
    (event,) = read(tmp_path / "train").Tensors("keras")
    graph = keras_util.keras_model_to_graph_def(json.loads(event.tensor_proto.string_val[0]))
    edges = {node.name: list(node.input) for node in graph.node}
    assert edges["net/both"] == ["net/hidden", "net/side"]
    assert edges["net/hidden"] == ["net/given"]


def test_names_that_a_writer_has_not_lead_to_those_that_it_has(tmp_path):
    with viz.SummaryWriter(tmp_path) as log, pytest.raises(AttributeError, match="did you mean 'add_scalar'"):
        log.add_scalr("loss", 0.5, 1)


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda log: log.scalar("loss", "high", 0), "scalar 'loss': expected a number; got 'high'"),
        (lambda log: log.scalar("loss", [1.0, 2.0], 0), r"scalar 'loss': expected a number; got \[1.0, 2.0\]"),
        (lambda log: log.image("i", np.zeros(3), 0), r"images\(\): expected .* got \(3,\)"),
        (lambda log: log.image("i", np.zeros((3, 8, 8)), 0), r"got \(3, 8, 8\)\. If .* channels_first=True"),
        (lambda log: log.images("digits", np.zeros((4, 8, 8)), step=0), r"gray pictures, pass pixels\[\.\.\., None"),
        (lambda log: log.figure("i", np.zeros(3), 0), r"figure\('i'\): expected a matplotlib Figure; got ndarray"),
        (lambda log: log.audio("i", np.zeros((1, 2, 3, 4)), 0), r"audio\(\): expected .* got \(1, 2, 3, 4\)"),
        (lambda log: log.audio("i", np.zeros(3), 0, 0), r"sample_rate=0"),
        (lambda log: log.scalar(3, 1.0, 0), r"scalar\(tag, value, step\): the tag comes first, and is a text; got 3"),
        (lambda log: log.images(np.eye(2), "eye", 0), "the tag comes first"),
        (lambda log: log.scalar("loss", 1.0, None), "step: expected a whole number; got None"),
        (lambda log: log.scalar("loss", np.zeros((2, 3)), 0), r"got ndarray of shape \(2, 3\)"),
        (lambda log: log.hparams_config({"units": [1, "a"]}), r"hparams_config\('units'\): expected numbers, texts or"),
    ],
)
def test_what_is_no_number_and_no_picture_is_named(write, says, tmp_path):
    with viz.SummaryWriter(tmp_path) as log, pytest.raises((TypeError, ValueError), match=says):
        write(log)


def test_tables_of_another_writer_of_the_folder_stay(tmp_path):
    for name in ("first", "second", "first"):
        with viz.SummaryWriter(tmp_path) as log:
            log.embedding(name, np.eye(3), labels=["}", "embeddings {", "c"])
    told = (tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8")
    assert [line.split()[-1] for line in told.splitlines() if "tensor_name" in line] == ['"second"', '"first"']


def test_metrics_of_hparams_leave_their_curve_as_it_is(tmp_path):
    with viz.SummaryWriter(tmp_path) as log:
        for step in range(5):
            log.scalar("acc", step / 10, step)
        log.hparams({"lr": 0.1}, {"acc": 0.5, "final": 1.0})
        log.hparams({"lr": 0.1})
    found = read(tmp_path)
    assert [event.step for event in found.Scalars("acc")] == [0, 1, 2, 3, 4, 4]
    assert [event.step for event in found.Scalars("final")] == [0]


def test_whole_numbers_are_pixels_and_floats_beyond_1_are_told_of(tmp_path):
    grey = np.array([[0, 128], [255, 300]])
    with viz.SummaryWriter(tmp_path) as log:
        log.image("whole", grey, 0)
        with pytest.warns(UserWarning, match="beyond 1 are cut off"):
            log.image("floats", grey.astype("float32"), 0)
        log.image("mask", np.eye(2, dtype="int64"), 0)
        log.text("several", ["a", "b"], 0)
    found = read(tmp_path)
    picture = PIL.Image.open(io.BytesIO(found.Tensors("whole")[0].tensor_proto.string_val[2]))
    assert np.asarray(picture).tolist() == [[0, 128], [255, 255]]
    mask = PIL.Image.open(io.BytesIO(found.Tensors("mask")[0].tensor_proto.string_val[2]))
    assert np.asarray(mask).tolist() == [[255, 0], [0, 255]]
    assert list(found.Tensors("several")[0].tensor_proto.string_val) == [b"a", b"b"]


def size_of(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_was_written_can_be_read_in_time_though_nothing_more_is(tmp_path):
    log = viz.SummaryWriter(tmp_path, flush_secs=0.05)
    log.add_scalar("loss", 0.5, 1)
    for _ in range(200):
        if size_of(tmp_path):
            break
        time.sleep(0.02)
    assert size_of(tmp_path)
    assert not [thread for thread in threading.enumerate() if thread is log._timer]
    log.close()


def test_a_closed_log_leaves_no_timer(tmp_path):
    before = threading.active_count()
    for name in ("a", "b"):
        with viz.SummaryWriter(tmp_path / name, flush_secs=1000) as log:
            log.add_scalar("loss", 0.5, 1)
            timer = log._timer
            assert timer.daemon
        timer.join(10)
        assert not timer.is_alive()
    assert threading.active_count() <= before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_writes_nothing_of_its_parent_again(tmp_path):
    program = (
        "import os, sys, viz; w = viz.SummaryWriter(sys.argv[1])\n"
        "for i in range(5): w.add_scalar('a', 1.0, i)\n"
        "child = os.fork()\n"
        "if not child: sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert [event.step for event in read(tmp_path).Scalars("a")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["flush_secs", "max_queue"])
def test_times_and_lengths_of_queues_are_numbers(tmp_path, name):
    with pytest.raises(TypeError, match=f"{name}='x'.*expected a number"):
        viz.SummaryWriter(tmp_path, **{name: "x"})
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match=f"{name}=.*expected 0 or more"):
            viz.SummaryWriter(tmp_path, **{name: wrong})


def test_what_comes_after_the_file_was_removed_goes_to_a_new_one(tmp_path):
    with viz.SummaryWriter(tmp_path / "run") as log:
        log.scalar("a", 1.0, 1)
        log.flush()
        shutil.rmtree(tmp_path / "run")
        with pytest.warns(UserWarning, match="is gone, with what was written so far"):
            log.scalar("a", 2.0, 2)
        log.scalar("a", 3.0, 3)
    assert [event.step for event in read(tmp_path / "run").Scalars("a")] == [2, 3]


def test_steps_that_are_not_whole_are_told_once_and_empty_tags_refused(tmp_path):
    with viz.SummaryWriter(tmp_path) as log:
        with pytest.warns(UserWarning, match=r"step 1\.5 is written as 1"):
            log.add_scalar("a", 1.0, 1.5)
        log.add_scalar("a", 1.0, 2.5)  # where warnings are errors, and nothing is said again
        for write in (log.add_scalar, log.scalar, log.histogram):
            with pytest.raises(ValueError, match="shows nothing without a name"):
                write(" ", 1.0, 1)


def test_hparams_without_metrics_leave_them_to_the_tab(tmp_path):
    with viz.SummaryWriter(tmp_path) as log:
        log.hparams({"rate": 0.1})  # told of no metrics, the tab would show none
    tags = read(tmp_path).PluginTagToContent("hparams")
    assert set(tags) == {"_hparams_/session_start_info", "_hparams_/session_end_info"}


def test_models_and_recordings_can_be_written_as_they_are(tmp_path):
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="only")])
    with viz.trace() as t:
        model(np.ones((1, 3)))
    with viz.SummaryWriter(tmp_path) as log:
        log.model(model)
        log.graph(t)
        with pytest.raises(TypeError, match=r"model\(config\): expected a Sequential or functional model.*got Dense"):
            log.model(ef.layers.Dense(1))
        with pytest.raises(TypeError, match=r"graph\(definition\): expected a recording.*got Sequential\. add_graph"):
            log.graph(model)
    found = read(tmp_path)
    assert "only" in found.Tensors("keras")[0].tensor_proto.string_val[0].decode()
    assert any("only" in node.name for node in found.Graph().node)


def test_what_was_flushed_is_read_though_the_program_is_killed(tmp_path):
    program = (
        "import os, sys, viz; w = viz.SummaryWriter(sys.argv[1])\n"
        "for i in range(25): w.add_scalar('a', 1.0, i)\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert [event.step for event in read(tmp_path).Scalars("a")] == [*range(20)]  # of whole queues of ten
