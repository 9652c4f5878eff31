"""What the functions of the model zoo take, and what they refuse."""

from __future__ import annotations

import ast
import inspect
import operator
import re
import textwrap

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import applications

SMALL = {"weights": None, "alpha": 0.25, "input_shape": (32, 32, 3)}
NAMES = [name for name in applications.__all__ if name[0].isupper()]


@pytest.fixture
def channels_first():
    ef.config.set_image_data_format("channels_first")
    yield
    ef.config.set_image_data_format("channels_last")


def test_without_a_top_there_are_maps_of_features_or_their_pooling():
    assert applications.MobileNet(**SMALL, include_top=False).output_shape == (None, 1, 1, 256)
    for pooling in ("avg", "max"):
        assert applications.MobileNet(**SMALL, include_top=False, pooling=pooling).output_shape == (None, 256)


def test_the_top_has_as_many_classes_as_one_wants_and_the_activation():
    model = applications.MobileNet(**SMALL, classes=7, classifier_activation=None)
    assert model.output_shape == (None, 7)
    images = np.ones((2, 32, 32, 3), "float32")
    assert np.abs(model(images).numpy().sum(axis=1) - 1).max() > 1e-3
    softmax = applications.MobileNet(**SMALL, classes=7)
    assert np.abs(softmax(images).numpy().sum(axis=1) - 1).max() < 1e-6


def test_a_tensor_of_another_model_can_be_the_images():
    images = ef.Input((70, 70, 1), name="gray")
    colors = ef.layers.Conv2D(3, 3, strides=2)(images)
    settings = {"weights": None, "include_top": False}
    model = applications.MobileNetV3Small(input_tensor=colors, **settings)
    assert model.inputs[0] is images
    assert model.layers[1].name.startswith("conv2d")
    features = applications.EfficientNetV2B0(input_tensor=images, pooling="avg", **settings)
    assert not any("Normalization" == type(layer).__name__ for layer in features.layers)  # three channels have it


@pytest.mark.usefixtures("channels_first")
@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV2", "MobileNetV3Small"])
def test_channels_may_come_first(name):
    model = getattr(applications, name)(weights=None, include_top=False, input_shape=(3, 32, 32))
    assert model.output_shape[1] > 3
    assert model.output_shape[2:] == (1, 1)


@pytest.mark.usefixtures("channels_first")
@pytest.mark.parametrize("name", ["ConvNeXtTiny", "DenseNet121", "NASNetMobile"])
def test_some_families_want_channels_last(name):
    with pytest.raises(ValueError, match=rf"{name}: expected images with channels last.*set_image_data_format"):
        getattr(applications, name)(weights=None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "nowhere.h5"}, r"MobileNet\(weights='nowhere.h5'\): expected None, 'imagenet' or the path"),
        ({"classes": 0}, r"MobileNet\(classes=0\): expected an integer of at least 1"),
        ({"weights": "imagenet", "classes": 10, "input_shape": None}, "include_top=True has 1000 classes. Fix"),
        ({"pooling": "mean"}, r"MobileNet\(pooling='mean'\): expected one of None, 'avg', 'max'"),
        ({"input_shape": (20, 20, 3)}, r"MobileNet\(input_shape=\(20, 20, 3\)\): expected sides of at least 32"),
        ({"input_shape": 32}, r"input_shape=32\): expected a tuple of three integers"),
        ({"include_top": "no"}, r"MobileNet\(include_top='no'\): expected one of True, False"),
        ({"input_shape": (32, 32)}, r"input_shape=\(32, 32\)\): expected three integers, channels last"),
        ({"input_shape": (None, None, 3)}, r"expected known sides, since include_top=True"),
        ({"alpha": -1.0}, r"MobileNet\(alpha=-1.0\): expected a number above 0"),
        ({"alpha": 0.3, "weights": "imagenet"}, r"alpha=0.3\): expected one of 0.25, 0.5, 0.75, 1.0"),
        ({"depth_multiplier": 2, "weights": "imagenet"}, r"depth_multiplier=2\): weights='imagenet' needs 1"),
        ({"weights": "imagenet"}, r"weights='imagenet' with include_top=True needs \(224, 224, 3\)"),
        ({"weights": "imagenet", "include_top": False, "input_shape": (32, 32, 1)}, "needs 3 channels"),
        ({"input_tensor": np.ones((1, 32, 32, 3))}, r"input_tensor=float64\[1, 32, 32, 3\]\): expected what Input"),
    ],
)
def test_arguments_that_cannot_be_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        applications.MobileNet(**{**SMALL, **settings})
    assert len(str(caught.value)) <= 500


def test_unknown_arguments_are_refused_with_those_that_there_are():
    with pytest.raises(TypeError, match=r"VGG16: .*'input_size'.*input_shape"):
        applications.VGG16(input_size=3)


def test_weights_that_were_trained_with_softmax_take_no_other_activation(tmp_path):
    path = tmp_path / "w.weights.h5"
    applications.MobileNet(**SMALL).save_weights(path)
    with pytest.raises(ValueError, match=r"classifier_activation='relu'\): .*take 'softmax' or None"):
        applications.MobileNet(**{**SMALL, "weights": path}, classifier_activation="relu")


def test_a_shape_that_contradicts_the_tensor_is_refused():
    with pytest.raises(ValueError, match="Fix: leave input_shape out"):
        applications.MobileNetV2(weights=None, input_tensor=ef.Input((96, 96, 3)), input_shape=(64, 64, 3))


def test_nasnet_needs_to_know_the_sides():
    with pytest.raises(ValueError, match="NASNetMobile: expected images of known sides"):
        applications.NASNetMobile(weights=None, include_top=False, input_shape=(None, None, 3))


def test_images_of_many_channels_are_taken_with_a_warning():
    with pytest.warns(UserWarning, match="usually have 1 or 3 channels; these have 5"):
        applications.MobileNet(weights=None, alpha=0.25, include_top=False, input_shape=(32, 32, 5))


@pytest.mark.parametrize("name", NAMES)
def test_every_function_tells_its_arguments_and_what_they_mean(name):
    function = getattr(applications, name)
    parameters = inspect.signature(function).parameters
    assert {"include_top", "weights", "classes", "name"} <= parameters.keys()
    assert parameters["weights"].default == "imagenet"
    for parameter in parameters:
        assert f"\n    {parameter}: " in function.__doc__
    assert function.__doc__.splitlines()[0].strip()
    assert function.__name__ == name


def test_the_example_of_a_description_calls_what_there_is():
    """That of a network with published weights, which would be downloaded."""
    example = textwrap.dedent(applications.VGG16.__doc__.partition("Example::\n")[2])
    ast.parse(example)
    called = re.findall(r"\bef\.applications\.([\w.]+)\(", example)
    assert called == ["VGG16", "vgg16.preprocess_input", "vgg16.decode_predictions"]
    functions = [operator.attrgetter(name)(applications) for name in called]
    assert functions[1](np.full((1, 224, 224, 3), 255.0)).shape == (1, 224, 224, 3)
    assert "top" in inspect.signature(functions[2]).parameters


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_description_names_its_network(name):
    assert f"ef.applications.{name}(" in getattr(applications, name).__doc__


def test_names_of_models_tell_width_and_size():
    assert applications.MobileNet(weights=None, alpha=0.25).name == "mobilenet_0.25_224"
    assert applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(96, 96, 3)).name == "mobilenetv2_0.35_96"
    assert applications.MobileNet(**SMALL, name="mine").name == "mine"
