"""The model zoo under the names that scripts import it by."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow.compat.faces import face

ROOTS = ("keras", "tensorflow.keras", "tensorflow.compat.v1.keras", "tf_keras")


@pytest.mark.parametrize("root", ROOTS)
def test_architectures_are_in_the_zoo_and_in_the_modules_of_their_families(root):
    zoo = face(f"{root}.applications")
    assert zoo.VGG16 is ef.applications.VGG16
    assert zoo.vgg16.VGG16 is zoo.VGG16
    assert face(f"{root}.applications.resnet50").ResNet50 is ef.applications.ResNet50
    assert zoo.resnet50.preprocess_input is ef.applications.resnet.preprocess_input
    assert zoo.imagenet_utils.decode_predictions is ef.applications.mobilenet.decode_predictions
    assert {"VGG16", "vgg16", "mobilenet_v2"} <= set(dir(zoo))


def test_a_script_of_keras_1_finds_the_zoo():
    vgg = face("keras.applications.vgg16")
    assert {"VGG16", "preprocess_input", "decode_predictions"} == set(vgg.__all__)
    with pytest.raises(AttributeError, match="Did you mean 'VGG16'"):
        _ = vgg.VGG61
