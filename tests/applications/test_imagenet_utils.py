"""Images made ready, and classes by name."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import applications
from eagerflow.applications import imagenet_utils
from eagerflow.applications.published import Published

MODES = {
    "caffe": "resnet resnet50 vgg16 vgg19",
    "tf": "inception_resnet_v2 inception_v3 mobilenet mobilenet_v2 nasnet resnet_v2 xception",
    "torch": "densenet",
    None: "convnext efficientnet efficientnet_v2 mobilenet_v3",
}


def expected(x, mode):
    """As the papers' authors did, in float64."""
    if mode is None:
        return x
    if mode == "tf":
        return x / 127.5 - 1
    if mode == "torch":
        return (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return x[..., ::-1] - [103.939, 116.779, 123.68]


@pytest.fixture
def images():
    return np.random.default_rng(1).uniform(0, 255, (2, 4, 5, 3))


@pytest.mark.parametrize(("mode", "module"), [(mode, m) for mode, names in MODES.items() for m in names.split()])
def test_every_module_prepares_images_as_its_networks_were_trained(mode, module, images):
    prepare = getattr(applications, module).preprocess_input
    assert np.abs(prepare(images.copy()) - expected(images, mode)).max() < 1e-10
    assert pickle.loads(pickle.dumps(prepare)) is prepare
    assert prepare.__doc__


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("batched", [False, True])
def test_arrays_tensors_and_symbols_are_prepared_alike(mode, first, batched, images):
    wanted = expected(images, mode)
    x = images
    if first:
        x, wanted = np.moveaxis(x, -1, 1), np.moveaxis(wanted, -1, 1)
    if not batched:
        x, wanted = x[0], wanted[0]
    data_format = "channels_first" if first else "channels_last"
    prepare = imagenet_utils.preprocess_input
    assert np.abs(prepare(x.copy(), data_format, mode) - wanted).max() < 1e-10
    tensor = prepare(ef.convert_to_tensor(x.astype("float32")), data_format, mode=mode)
    assert np.abs(tensor.numpy() - wanted).max() < 1e-4
    if batched:
        symbol = ef.Input(x.shape[1:])
        model = ef.Model(symbol, prepare(symbol, data_format, mode=mode))
        assert np.abs(model(x.astype("float32")).numpy() - wanted).max() < 1e-4


def test_integers_become_floats_and_are_not_written_over():
    pixels = np.array([[[0, 51, 255]]], "uint8")
    assert imagenet_utils.preprocess_input(pixels, mode="tf").tolist() == [[[-1, np.float32(-0.6), 1]]]
    assert pixels.tolist() == [[[0, 51, 255]]]
    assert imagenet_utils.preprocess_input(pixels, mode="tf").dtype == "float32"
    assert imagenet_utils.preprocess_input(ef.convert_to_tensor(pixels), mode="tf").dtype == "float32"


def test_floats_are_written_over_as_in_keras_but_for_those_that_cannot_be(images):
    kept = images.copy()
    kept.flags.writeable = False
    given = images.copy()
    assert np.shares_memory(imagenet_utils.preprocess_input(given, mode="torch"), given)
    assert not np.shares_memory(imagenet_utils.preprocess_input(kept, mode="torch"), kept)


@pytest.mark.parametrize("channels", [1, 4])
def test_networks_of_numbers_from_minus_1_to_1_take_any_channels(channels):
    x = np.full((2, 2, channels), 255.0)
    assert np.array_equal(applications.xception.preprocess_input(x), np.ones((2, 2, channels)))


def test_unknown_modes_and_formats_are_refused(images):
    with pytest.raises(ValueError, match=r"mode='tv'\): expected one of 'caffe', 'tf', 'torch'"):
        imagenet_utils.preprocess_input(images, mode="tv")
    with pytest.raises(ValueError, match=r"data_format='last'\): expected one of"):
        applications.vgg16.preprocess_input(images, "last")


def test_the_most_probable_classes_have_names(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    nowhere = Published("https://nowhere.invalid/imagenet_class_index.json")
    monkeypatch.setattr(imagenet_utils, "published", lambda key: nowhere)
    index = {str(i): [f"n{i:08}", f"class_{i}"] for i in range(1000)}
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(index), encoding="utf-8")
    scores = np.zeros((2, 1000))
    scores[0, [3, 5]] = 0.7, 0.3
    scores[1, 999] = 1
    found = applications.vgg16.decode_predictions(scores, top=2)
    assert found[0] == [("n00000003", "class_3", 0.7), ("n00000005", "class_5", 0.3)]
    assert found[1][0] == ("n00000999", "class_999", 1.0)
    assert imagenet_utils.decode_predictions(ef.convert_to_tensor(scores))[0][0][1] == "class_3"


def test_other_shapes_than_a_batch_of_predictions_are_refused():
    with pytest.raises(ValueError, match=r"preds=float64\[2, 10\]\): expected shape \(images, 1000\)"):
        imagenet_utils.decode_predictions(np.zeros((2, 10)))
    with pytest.raises(ValueError, match="expected shape"):
        imagenet_utils.decode_predictions([0.5])


def test_without_a_network_the_names_can_be_put_there_by_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def refuse(*args, **kwargs):
        raise OSError("no network in this test")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(ConnectionError, match=r"imagenet_class_index.json.*c2c37ea517e94d9795004a39431a14cb"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))
