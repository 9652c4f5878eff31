"""Every layer for preprocessing against Keras 3.15: results, vocabularies and configurations.

The fixture is made by `tests/fixtures/make_preprocessing_layers.py`; the settings are in
`preprocessing_layer_cases.py`. Random layers get the transformations that Keras drew.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from eagerflow import layers
from eagerflow.core.tensor import Tensor

FIXTURES = Path(__file__).parents[2] / "fixtures"


def load_cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "preprocessing_layer_cases", FIXTURES / "cases" / "preprocessing_layer_cases.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["preprocessing_layer_cases"] = module
    spec.loader.exec_module(module)
    return module


cases = load_cases()
CASES = {case.name: case for case in cases.CASES}
IMAGE_CASES = {case.name: case for case in cases.IMAGE_CASES}


class Fixture:
    def __init__(self) -> None:
        with np.load(FIXTURES / "preprocessing_layers.npz") as stored:
            self.arrays = {k: stored[k] for k in stored.files if k != "told"}
            told = json.loads(str(stored["told"]))
        self.facts = told["facts"]


KERAS = Fixture()


def make(case: Any, dtype: str, **more: Any) -> Any:
    cls = getattr(layers, case.layer)
    typed = {"dtype": dtype} if case.layer not in WITHOUT_FLOATS else {}
    return cls(**case.settings, **typed, **more, name="layer")


WITHOUT_FLOATS = {"Hashing", "HashedCrossing", "StringLookup", "IntegerLookup", "TextVectorization"}


def as_input(values: Any) -> Any:
    ragged = isinstance(values, list) and isinstance(values[0], np.ndarray)
    return values if ragged else np.array(values)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_results(name, dtype, device):
    case, facts = CASES[name], KERAS.facts[name]
    layer = make(case, dtype)
    if case.adapt is not None:
        layer.adapt(as_input(case.adapt))
    inputs = [np.array(x) for x in case.inputs] if case.layer == "HashedCrossing" else as_input(case.inputs)
    result = layer(inputs, **{k: np.array(v) for k, v in case.call.items()})
    if "vocabulary" in facts:
        assert layer.get_vocabulary() == facts["vocabulary"]
    if "texts" in facts:
        assert result.reshape(-1).tolist() == facts["texts"]
        return
    expected = KERAS.arrays[f"{name}/out"]
    assert result.shape == expected.shape
    assert result.dtype.name == facts["dtypes"]["out"].replace("float64", dtype if layer_is_typed(case) else "float32")
    tolerance = 1e-9 if dtype == "float64" else 2e-5
    if case.layer == "MelSpectrogram":  # its matrix of bands is float32 in Keras
        tolerance = 1e-5 if dtype == "float64" else 1e-4
    if layer_is_typed(case):
        np.testing.assert_allclose(result.numpy(), expected, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)


def layer_is_typed(case: Any) -> bool:
    return case.layer not in WITHOUT_FLOATS


def ours(case: Any, layer: Any, told: Any) -> Any:
    """A transformation of Keras as ours: arrays, the shape of the images, and the size of cut-outs."""
    data = cases.image_data(case)
    drawn = revived(told, layer.compute_dtype)
    if case.layer == "RandomCrop":
        size = data["images"].shape[2:] if case.first else data["images"].shape[1:3]
        return (*[int(n) for n in drawn], layer.height, layer.width, *size)
    if isinstance(drawn, dict):
        drawn.setdefault("input_shape", data["images"].shape)
    return drawn


def revived(value: Any, dtype: str) -> Any:
    if isinstance(value, dict) and value.keys() == {"array", "dtype"}:
        return np.array(value["array"], value["dtype"].replace("float64", dtype))
    if isinstance(value, dict):
        return {k: revived(v, dtype) for k, v in value.items()}
    return [revived(v, dtype) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", IMAGE_CASES)
def test_images(name, dtype, device):
    case, facts = IMAGE_CASES[name], KERAS.facts[name]
    if case.exact:
        dtype = "float64"
    more = {"bounding_box_format": "xyxy"} if case.boxes else {}
    layer = make(case, dtype, data_format="channels_first" if case.first else "channels_last", **more)
    data = cases.image_data(case)
    drawn = ours(case, layer, facts["transformation"])
    results = {"images": layer.transform_images(Tensor(data["images"], dtype), drawn, training=True)}
    if case.labels:
        results["labels"] = layer.transform_labels(Tensor(data["labels"], dtype), drawn, training=True)
    if case.masks:
        masks = Tensor(data["segmentation_masks"], dtype)
        results["segmentation_masks"] = layer.transform_segmentation_masks(masks, drawn, training=True)
    if case.boxes:
        boxes = {"boxes": Tensor(data["boxes"], dtype), "labels": Tensor(data["box_labels"], dtype)}
        moved = layer.transform_bounding_boxes(boxes, drawn, training=True)
        results |= {"boxes": moved["boxes"], "box_labels": moved["labels"]}
    assert {k for k in KERAS.arrays if k.startswith(f"{name}/")} == {f"{name}/{k}" for k in results}
    for key, result in results.items():
        expected = KERAS.arrays[f"{name}/{key}"]
        tolerance = case.tolerance if dtype == "float64" and "box" not in key else max(case.tolerance, 2e-5)
        scale = max(np.abs(expected).max(), 1.0)
        np.testing.assert_allclose(result.numpy(), expected, rtol=tolerance, atol=tolerance * scale, err_msg=key)


def comparable(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("name", [*CASES, *IMAGE_CASES])
def test_configurations(name):
    case = CASES.get(name) or IMAGE_CASES[name]
    more = {}
    if isinstance(case, cases.ImageCase):
        more["data_format"] = "channels_first" if case.first else "channels_last"
        more |= {"bounding_box_format": "xyxy"} if case.boxes else {}
        more |= {"seed": 5} if "seed" in inspect.signature(getattr(layers, case.layer)).parameters else {}
    layer = make(case, "float64", **more)
    if getattr(case, "adapt", None) is not None:
        layer.adapt(as_input(case.adapt))
    config, expected = comparable(layer.get_config()), KERAS.facts[name]["config"]
    extra = {"seed"} if case.layer == "RandomGrayscale" else set()
    assert set(config) - extra == set(expected)
    for key, value in expected.items():
        if key != "dtype":
            assert config[key] == (pytest.approx(value) if isinstance(value, float) else value), key
    again = comparable(type(layer).from_config(layer.get_config()).get_config())
    if name.startswith("text"):  # tells the size of the vocabulary, which is a file of its own
        again["vocabulary_size"] = config["vocabulary_size"]
    assert again == config
