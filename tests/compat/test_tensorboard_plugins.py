"""What scripts import of TensorBoard's own package: studies for its HParams tab, points for its projector."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.compat.faces import face
from eagerflow.compat.plugins import hparams as hp, projector

pytest.importorskip("tensorboard")

from tests.viz.export.test_tensorboard_graph import read

tf = face("tensorflow")


def told(folder, tag):
    from tensorboard.plugins.hparams import plugin_data_pb2

    return plugin_data_pb2.HParamsPluginData.FromString(read(folder).PluginTagToContent("hparams")[f"_hparams_/{tag}"])


def test_a_study_for_the_hparams_tab(tmp_path):
    units, rate = hp.HParam("units", hp.Discrete([32, 16])), hp.HParam("rate", hp.RealInterval(1e-3, 1e-1))
    metric = hp.Metric("epoch_accuracy", group="validation", display_name="Accuracy")
    assert not hp.hparams({units: 1})  # there is no writer
    with tf.summary.create_file_writer(tmp_path).as_default():
        assert hp.hparams_config(hparams=[units, rate, hp.HParam("on")], metrics=[metric])
    assert units.domain.values == [16, 32]
    assert 1e-3 <= rate.domain.sample_uniform() <= 1e-1
    assert hp.IntInterval(2, 3).sample_uniform() in (2, 3)
    with tf.summary.create_file_writer(tmp_path / "run").as_default():
        assert hp.hparams({units: 16, rate: 0.01, "on": True})
    study = told(tmp_path, "experiment").experiment
    first, second, third = study.hparam_infos
    assert (first.name, list(first.domain_discrete)) == ("units", [16.0, 32.0])
    assert second.domain_interval.max_value == pytest.approx(0.1)
    assert (third.name, list(third.domain_discrete)) == ("on", [])
    assert (study.metric_infos[0].name.group, study.metric_infos[0].display_name) == ("validation", "Accuracy")
    begun = told(tmp_path / "run", "session_start_info").session_start_info
    assert begun.hparams["units"].number_value == 16
    assert begun.hparams["on"].bool_value


def test_a_training_writes_what_it_is_made_with(tmp_path):
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[hp.KerasCallback(str(tmp_path), {"units": 1})])
    tags = read(tmp_path).PluginTagToContent("hparams")
    assert set(tags) == {"_hparams_/session_start_info", "_hparams_/session_end_info"}
    assert told(tmp_path, "session_start_info").session_start_info.hparams["units"].number_value == 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: hp.Discrete([]), "expected values"),
        (lambda: hp.Discrete([1, "a"]), "expected values of int; got 'a'"),
        (lambda: hp.IntInterval(1, 2.5), "max_value=2.5"),
        (lambda: hp.RealInterval(2.0, 1.0), "the first is larger"),
        (lambda: hp.KerasCallback(3, {}), "expected a folder"),
    ],
)
def test_wrong_domains_are_refused(make, says):
    with pytest.raises((TypeError, ValueError), match=says):
        make()


def test_points_of_a_checkpoint_are_a_table_for_the_projector(tmp_path):
    from google.protobuf import text_format
    from tensorboard.plugins.projector import projector_config_pb2

    points = np.arange(12.0).reshape(4, 3).astype("float32")
    tf.train.Checkpoint(embedding=tf.Variable(points)).save(str(tmp_path / "embedding.ckpt"))
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add()
    embedding.tensor_name = "embedding/.ATTRIBUTES/VARIABLE_VALUE"
    embedding.metadata_path = "metadata.tsv"
    embedding.sprite.image_path = "sprite.png"
    embedding.sprite.single_image_dim.extend([8, 9])
    projector.visualize_embeddings(str(tmp_path), config)
    text = (tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8")
    (found,) = text_format.Parse(text, projector_config_pb2.ProjectorConfig()).embeddings
    assert (found.metadata_path, found.sprite.image_path) == ("metadata.tsv", "sprite.png")
    assert list(found.sprite.single_image_dim) == [8, 9]
    np.testing.assert_array_equal(np.loadtxt(tmp_path / found.tensor_path), points)
    config.embeddings[0].tensor_name = "other"
    with pytest.raises(ValueError, match=r"no variable 'other' in .*; it has 'embedding'"):
        projector.visualize_embeddings(tmp_path, config)


def test_scripts_import_what_tensorboard_has_for_writing(run):
    said = run("""
        import tensorflow as tf
        from tensorboard.plugins.hparams import api as hp
        from tensorboard.plugins.hparams.api import HParam
        from tensorboard.plugins import projector
        import tensorboard
        print(hp.HParam is HParam, projector.ProjectorConfig.__module__, tensorboard.__name__)
        """)
    assert said.returncode == 0, said.stderr
    assert said.stdout.split() == ["True", "eagerflow.compat.plugins.projector", "tensorboard"]
