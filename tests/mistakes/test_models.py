"""Mistakes with models: putting them together, files, names, configurations, tools."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from tests.mistakes.checking import Mistake, check

X = np.ones((4, 3), "float32")


def built(units=2):
    model = ef.Sequential([layers.Dense(units, name="head")], name="net")
    model.build((None, 3))
    return model


def added(*things):
    model = ef.Sequential()
    for thing in things:
        model.add(thing)
    return model


def itself():
    model = ef.Sequential([layers.Dense(2)])
    model.add(model)


def called(*shape):
    x = ef.Input((3,))
    return ef.Model(x, layers.Dense(2)(x))(np.ones(shape, "float32"))


def two_inputs():
    a, b = ef.Input((3,), name="a"), ef.Input((3,), name="b")
    return ef.Model({"a": a, "b": b}, layers.Add()([a, b]))


def exchanged(*lengths):
    a, b = ef.Input((4,), name="words"), ef.Input((5,), name="picture")
    return ef.Model([a, b], layers.Concatenate()([a, b]))([np.ones((2, n), "float32") for n in lengths])


class WithoutCall(ef.Model):
    pass


def file_of(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return str(path)


BUILDING: dict[str, Mistake] = {
    "a mode by its name in PyTorch": (
        lambda: built()(X, train=True),
        TypeError,
        ("'train'", "Did you mean 'training'"),
    ),
    "layers that aren't in a list": (
        lambda: ef.Sequential(layers.Dense(3), layers.Dense(1)),
        TypeError,
        ("as one list", "Sequential([first, second])"),
    ),
    "no layer": (lambda: added(3), (TypeError, ValueError), ("Sequential", "int")),
    "a function": (lambda: added(lambda x: x), (TypeError, ValueError), ("Lambda",)),
    "two layers of a name": (
        lambda: added(layers.Dense(2, name="same"), layers.Dense(2, name="same")),
        ValueError,
        ("same",),
    ),
    "itself": (itself, ValueError, ("itself",)),
    "two inputs, exchanged": (
        lambda: exchanged(5, 4),
        ValueError,
        ("in this order: 'words' (None, 4), 'picture' (None, 5)", "fit in another order", "a dict"),
    ),
    "two inputs that fit in no order": (lambda: exchanged(6, 4), ValueError, ("input 'words'", "(4,)", "[2, 6]")),
    "a convolution after a flat layer": (
        lambda: added(layers.Input((8, 8, 1)), layers.Flatten(), layers.Conv2D(2, 3)),
        ValueError,
        ("Conv2D", "4"),
    ),
    "an input that is no input": (lambda: ef.Model(X, X), (TypeError, ValueError), ("Input",)),
    "outputs that are no outputs": (lambda: ef.Model(ef.Input((3,)), X), (TypeError, ValueError), ("output",)),
    "an unknown input": (lambda: two_inputs()({"a": X, "c": X}), ValueError, ("b",)),
    "a negative length": (lambda: ef.Input((-3,)), ValueError, ("shape", "-3")),
    "a shape of text": (lambda: ef.Input("3"), (TypeError, ValueError), ("shape", "3")),
    "an unknown layer": (lambda: built().get_layer("haed"), ValueError, ("haed", "head")),
    "a layer's number": (lambda: built().get_layer(index=5), (IndexError, ValueError), ("5", "1")),
    "neither name nor number": (lambda: built().get_layer(), ValueError, ("name", "index")),
    "summary before it is built": (lambda: ef.Sequential([layers.Dense(2)]).count_params(), ValueError, ("build",)),
    "weights before it is built": (lambda: ef.Sequential([layers.Dense(2)]).set_weights([X]), ValueError, ("0",)),
    "weights of another number": (lambda: built().set_weights([X]), ValueError, ("2", "1")),
    "a clone of what is no model": (lambda: ef.models.clone_model(3), (TypeError, ValueError), ("model", "int")),
    "a misspelt name": (lambda: ef.layers.Dens(2), AttributeError, ("Dens",)),
    "a name of TensorFlow": (lambda: ef.Sequential([]).parameter(), AttributeError, ("parameter",)),
    "an unknown loss by get": (lambda: ef.losses.get("mes"), ValueError, ("mes", "Did you mean")),
    "a config without a class": (
        lambda: ef.layers.deserialize({"config": {}}),
        (TypeError, ValueError),
        ("class_name",),
    ),
    "a config with an unknown argument": (
        lambda: layers.Dense.from_config({"units": 2, "colour": "red"}),
        TypeError,
        ("colour",),
    ),
    "a type of numbers that is unknown": (lambda: ef.config.set_floatx("float33"), ValueError, ("float33", "float32")),
    "a layout that is unknown": (
        lambda: ef.config.set_image_data_format("channels_middle"),
        ValueError,
        ("channels_middle", "channels_last"),
    ),
    "an epsilon below 0": (lambda: ef.config.set_epsilon(-1), ValueError, ("epsilon", "-1")),
    "an unknown policy": (
        lambda: ef.mixed_precision.set_global_policy("mixed_float17"),
        ValueError,
        ("mixed_float17",),
    ),
    "a padded sequence of text": (
        lambda: ef.utils.pad_sequences([["a"]], padding="middle"),
        ValueError,
        ("padding", "middle"),
    ),
}


def saving(tmp_path) -> dict[str, Mistake]:
    model = built()
    path = str(tmp_path / "model.keras")
    model.save(path)
    weights = str(tmp_path / "model.weights.h5")
    model.save_weights(weights)
    damaged = file_of(tmp_path, "damaged.keras", pathlib.Path(path).read_bytes()[:-40])
    config = json.loads(model.to_json())
    return {
        "no file": (lambda: ef.models.load_model(str(tmp_path / "no.keras")), FileNotFoundError, ("no.keras",)),
        "a file of text": (
            lambda: ef.models.load_model(file_of(tmp_path, "a.keras", b"text")),
            ValueError,
            ("a.keras", "PK"),
        ),
        "an empty file": (lambda: ef.models.load_model(file_of(tmp_path, "b.keras", b"")), ValueError, ("b.keras",)),
        "a damaged file": (lambda: ef.models.load_model(damaged), ValueError, ("damaged.keras",)),
        "a folder that isn't there": (lambda: model.save(str(tmp_path / "no" / "a.keras")), OSError, ("no",)),
        "an unknown ending": (lambda: model.save(str(tmp_path / "a.txt")), ValueError, ("a.txt", ".keras")),
        "weights to an unknown ending": (
            lambda: model.save_weights(str(tmp_path / "a.bin")),
            ValueError,
            ("a.bin", ".weights.h5"),
        ),
        "no overwriting": (lambda: model.save(path, overwrite=False), FileExistsError, ("model.keras",)),
        "a model without weights": (
            lambda: ef.Sequential([layers.Dense(2)]).save_weights(weights),
            ValueError,
            ("build",),
        ),
        "weights of another model": (lambda: built(5).load_weights(weights), ValueError, ("head", "[3, 5]")),
        "weights of more layers": (
            lambda: (
                m := ef.Sequential([layers.Dense(2), layers.Dense(2)]),
                m.build((None, 3)),
                m.load_weights(weights),
            ),
            ValueError,
            ("model.weights.h5",),
        ),
        "a class that is nowhere": (
            lambda: ef.models.model_from_json(json.dumps(config).replace('"Dense"', '"Mine"')),
            ValueError,
            ("Mine", "custom_object_scope"),
        ),
        "JSON that is none": (lambda: ef.models.model_from_json("{"), ValueError, ("JSON",)),
        "a path that is a number": (lambda: model.save(3), (TypeError, ValueError), ("int",)),
        "trace of nothing": (lambda: ef.utils.plot_model(3), (TypeError, ValueError), ("model", "int")),
    }


@pytest.mark.parametrize("name", BUILDING)
def test_building_and_names(name):
    check(BUILDING[name])


NAMES = """no file; a file of text; an empty file; a damaged file; a folder that isn't there; an unknown ending;
weights to an unknown ending; no overwriting; a model without weights; weights of another model; weights of more layers;
a class that is nowhere; JSON that is none; a path that is a number; trace of nothing"""


@pytest.mark.parametrize("name", [" ".join(name.split()) for name in NAMES.split(";")])
def test_files(name, tmp_path):
    check(saving(tmp_path)[name])
