"""Weights of the model zoo: files of one's own, and published ones, which are not downloaded here."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import applications
from eagerflow.applications.convnext import LayerScale, StochasticDepth
from eagerflow.applications.inception_resnet_v2 import CustomScaleLayer
from tests.sources import ROOT

SETTINGS = {"alpha": 0.25, "include_top": False, "input_shape": (128, 128, 3)}


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Keras' folder for published weights, and no network."""

    def refuse(*args, **kwargs):
        raise OSError("no network in this test")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "models"


@pytest.mark.parametrize("ending", ["weights.h5", "h5", "keras"])
def test_weights_come_from_a_file(ending, tmp_path):
    first = applications.MobileNet(weights=None, **SETTINGS)
    path = str(tmp_path / f"first.{ending}")
    first.save_weights(path) if ending == "weights.h5" else first.save(path)
    second = applications.MobileNet(weights=path, **SETTINGS)
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


def test_a_published_file_that_was_put_there_by_hand_is_taken(models):
    first = applications.MobileNet(weights=None, **SETTINGS)
    models.mkdir()
    first.save(models / "mobilenet_2_5_128_tf_no_top.h5")
    second = applications.MobileNet(weights="imagenet", **SETTINGS)
    assert np.array_equal(first.get_weights()[0], second.get_weights()[0])


@pytest.mark.parametrize(
    ("name", "file", "told"),
    [
        ("VGG16", "vgg16_weights_tf_dim_ordering_tf_kernels.h5", "md5 64373286793e3c8b2b4e3219cbf3544b"),
        ("InceptionResNetV2", "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5", "md5 e693bd0"),
        ("ConvNeXtXLarge", "convnext_xlarge.h5", "sha256 c1f5ccab66"),
        ("EfficientNetB3", "efficientnetb3.h5", "md5 ffd1fdc53d"),
        ("EfficientNetV2S", "efficientnetv2-s.h5", "md5 e1d88a8495"),
        ("MobileNetV2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", "mobilenet_v2/"),
        ("NASNetLarge", "nasnet_large.h5", "NASNet-large.h5 (md5 11577c9a51"),
        ("ResNet101V2", "resnet101v2_weights_tf_dim_ordering_tf_kernels.h5", "md5 6343647c60"),
    ],
)
def test_without_a_network_one_error_says_which_file_goes_where(name, file, told, models):
    with pytest.raises(ConnectionError) as caught:
        getattr(applications, name)()
    message = str(caught.value)
    assert message.startswith(f"{name}(weights='imagenet') needs {file}: could not download it: no network in this")
    assert told in message
    assert f"put it there: {models / file}" in message
    assert len(message) <= 500 + len(str(models)) - 20  # however long the path of this test's folder


def test_mobilenet_v3_is_published_without_fixed_sides(models):
    with (
        pytest.warns(UserWarning, match="taking those for 224"),
        pytest.raises(ConnectionError, match=r"weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"),
    ):
        applications.MobileNetV3Small(include_top=False)


def test_a_file_with_another_checksum_is_not_taken(models):
    models.mkdir()
    (models / "efficientnetb0_notop.h5").write_bytes(b"something else")
    with pytest.raises(ConnectionError, match="the file there has another checksum"):
        applications.EfficientNetB0(include_top=False)


def test_layers_of_the_zoo_are_known_by_their_names_in_keras_before_anyone_asked_for_the_zoo():
    described = [
        {"module": f"keras.src.applications.{module}", "class_name": name, "registered_name": name, "config": config}
        for module, name, config in (
            ("convnext", "LayerScale", {"init_values": 1e-6, "projection_dim": 4}),
            ("convnext", "StochasticDepth", {"drop_path_rate": 0.1}),
            ("inception_resnet_v2", "CustomScaleLayer", {"scale": 0.5}),
        )
    ]
    program = (
        "import json, sys, eagerflow as ef; "
        "found = [ef.saving.deserialize_keras_object(config) for config in json.loads(sys.argv[1])]; "
        "found += [ef.layers.deserialize({**config, 'module': 'keras.layers'}) for config in json.loads(sys.argv[1])]; "
        "print([type(layer).__name__ for layer in found])"
    )
    arguments = [sys.executable, "-c", program, json.dumps(described)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == str(["LayerScale", "StochasticDepth", "CustomScaleLayer"] * 2)


@pytest.mark.parametrize("layer", [LayerScale(0.5, 3), StochasticDepth(0.25), CustomScaleLayer(0.5)])
def test_layers_of_the_zoo_describe_themselves_as_keras_does(layer):
    described = ef.saving.serialize_keras_object(layer)
    assert described["module"].startswith("keras.src.applications.")
    again = ef.saving.deserialize_keras_object(described)
    assert again.get_config() == layer.get_config()


def test_stochastic_depth_drops_whole_samples_in_training():
    layer = StochasticDepth(0.25)
    x = np.ones((2000, 3), "float32")
    assert np.array_equal(layer(x, training=False), x)
    ef.utils.set_random_seed(0)
    rows = layer(x, training=True).numpy()
    assert {float(n) for n in np.unique(rows)} == {0.0, float(np.float32(1 / 0.75))}
    assert np.array_equal(rows[:, 0], rows[:, 2])
    assert abs(rows.mean() - 1) < 0.05


def test_a_folder_of_weights_that_cannot_be_made_has_a_cure_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"models can't be made \(.*\)\. Fix: set KERAS_HOME"):
        applications.MobileNetV2()
