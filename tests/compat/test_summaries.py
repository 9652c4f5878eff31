"""`tf.summary`, as loops of one's own use it."""

from __future__ import annotations

import io
import textwrap
import wave

import numpy as np
import pytest

from eagerflow.compat.faces import face

pytest.importorskip("tensorboard")

from tests.viz.export.test_tensorboard_graph import read

tf = face("tensorflow")


def test_what_a_loop_writes_is_what_tensorboard_reads(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path), max_queue=10)
    with writer.as_default():
        for step in range(3):
            assert tf.summary.scalar("loss", tf.constant(1.0 / (step + 1)), step=step)
        tf.summary.histogram("weights", tf.constant([1.0, 2.0, 3.0]), step=2)
        tf.summary.image("digits", np.zeros((5, 8, 8, 1), "float32"), step=2)
        tf.summary.text("note", tf.constant("*good*"), step=2)
    found = read(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("loss")] == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    assert found.Histograms("weights")[0].histogram_value.num == 3
    assert len(found.Tensors("digits")[0].tensor_proto.string_val) == 2 + 3  # its size, and max_outputs pictures
    assert found.Tensors("note")[0].tensor_proto.string_val[0] == b"*good*"


def test_several_numbers_for_a_scalar_are_refused_by_its_name(tmp_path):
    with (
        tf.summary.create_file_writer(tmp_path).as_default(),
        pytest.raises(TypeError, match=r"scalar 'vec': expected a number; got \[1, 2\]"),
    ):
        tf.summary.scalar("vec", [1, 2], step=0)


def test_the_step_may_be_set_once_and_be_a_variable(tmp_path):
    steps = tf.Variable(7, dtype=tf.int64)
    with tf.summary.create_file_writer(tmp_path).as_default(step=steps):
        tf.summary.scalar("a", 1.0)
        steps.assign_add(1)
        tf.summary.scalar("a", 2.0)
    assert [(e.step, e.value) for e in read(tmp_path).Scalars("a")] == [(7, 1.0), (8, 2.0)]


def test_record_if_says_whether(tmp_path):
    with tf.summary.create_file_writer(tmp_path).as_default():
        for step in range(6):
            with tf.summary.record_if(lambda step=step: step % 3 == 0):
                tf.summary.scalar("a", step, step=step)
    assert [e.step for e in read(tmp_path).Scalars("a")] == [0, 3]


def test_a_function_writes_in_each_call(run, tmp_path):
    """Though steps are captured: what they write is no op."""
    source = """
        import tensorflow as tf
        weight = tf.Variable(1.0)
        writer = tf.summary.create_file_writer("logs")
        @tf.function
        def step(x, n):
            loss = weight * x
            weight.assign_sub(0.1)
            with writer.as_default():
                tf.summary.scalar("loss", loss, step=n)
            return loss
        for n in range(6):
            step(tf.constant(2.0), tf.constant(n, dtype=tf.int64))
    """
    done = run(textwrap.dedent(source))
    assert done.returncode == 0, done.stderr
    assert [e.step for e in read(tmp_path / "logs").Scalars("loss")] == list(range(6))


def test_name_scopes_stand_before_tags(tmp_path):
    with tf.summary.create_file_writer(tmp_path).as_default(step=1):
        with tf.name_scope("outer"):
            tf.summary.scalar("x", 1.0)
            with tf.name_scope("inner") as scope, tf.name_scope(f"{scope}deep/"):
                tf.summary.scalar("x", 2.0)
        with tf.summary.experimental.summary_scope("mine") as (tag, scope):
            assert (tag, scope) == ("mine", "mine/")
            tf.summary.scalar("x", 3.0)
        tf.summary.scalar("x", 4.0)
    assert set(read(tmp_path).Tags()["scalars"]) == {"outer/x", "outer/inner/deep/x", "mine/x", "x"}


def test_sounds_tables_and_pictures_of_four_channels(tmp_path):
    sounds = np.sin(np.arange(4 * 80).reshape(4, 80, 1))
    with tf.summary.create_file_writer(tmp_path).as_default(step=1):
        tf.summary.audio("tone", sounds, 8000, max_outputs=2)
        tf.summary.text("table", tf.constant([["a", "b"], ["c", "d"]]))
        tf.summary.image("chart", np.zeros((1, 3, 5, 4), "float32"))
    found = read(tmp_path)
    tone = found.Tensors("tone")[0].tensor_proto
    assert [d.size for d in tone.tensor_shape.dim] == [2, 2]
    with wave.open(io.BytesIO(tone.string_val[0])) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (8000, 80, 1)
        heard = np.frombuffer(file.readframes(80), "<i2") / 32767
    np.testing.assert_allclose(heard, sounds[0, :, 0], atol=1e-4)
    assert found.SummaryMetadata("tone").plugin_data.plugin_name == "audio"
    assert [d.size for d in found.Tensors("table")[0].tensor_proto.tensor_shape.dim] == [2, 2]
    assert len(found.Tensors("chart")[0].tensor_proto.string_val) == 3


def test_what_ran_between_trace_on_and_export_is_the_graph(tmp_path):
    with pytest.raises(RuntimeError, match="default writer"):
        tf.summary.trace_export("nowhere", step=0)
    with tf.summary.create_file_writer(tmp_path).as_default():
        with pytest.raises(RuntimeError, match="trace_on"):
            tf.summary.trace_export("nothing", step=0)
        tf.summary.trace_on(graph=True, profiler=True)
        tf.nn.relu(tf.constant([1.0]))
        tf.summary.trace_export("mine", step=0, profiler_outdir=tmp_path)
        tf.nn.softmax(tf.constant([1.0]))
        tf.summary.trace_on()
        tf.nn.tanh(tf.constant([1.0]))
        tf.summary.trace_export("another one", step=0)
    names = {node.name for node in read(tmp_path / "mine").Graph().node}
    assert "relu" in names
    assert "softmax" not in names
    assert "tanh" in {node.name for node in read(tmp_path / "another_one").Graph().node}
    assert list((tmp_path / "mine" / "plugins" / "profile").iterdir())
    with tf.summary.create_file_writer(tmp_path).as_default(), pytest.raises(ValueError, match="expand_dims"):
        tf.summary.image("one", np.zeros((8, 8, 3)), step=0)


def test_subclasses_of_the_callback_write_to_its_runs(tmp_path):
    keras = face("keras")

    class Own(keras.callbacks.TensorBoard):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            for writer in (self._train_writer, self._val_writer):
                with writer.as_default():
                    tf.summary.scalar("own", 0.5, step=epoch)

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    own = Own(tmp_path)
    for first in (0, 2):
        x, y = np.ones((4, 2)), np.ones(4)
        model.fit(x, y, epochs=first + 2, initial_epoch=first, validation_split=0.5, verbose=0, callbacks=[own])
    for run in ("train", "validation"):
        found = read(tmp_path / run)
        for tag in ("own", "epoch_loss"):
            assert [event.step for event in found.Scalars(tag)] == [0, 1, 2, 3]
        assert len(list((tmp_path / run).glob("*tfevents*"))) == 2
