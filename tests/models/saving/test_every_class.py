"""Every class that a configuration can name, looked up in the registry: what it was made with and what it has learned
is in each format of file, or the file is refused when it is written.

A new class is tested as soon as it is registered. If it can't be made without arguments, it needs a line in ARGUMENTS.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.base.serialization import as_json, tables
from eagerflow.models import clone_model, load_model

L = ef.layers
WHOLE = ("m.keras", "m.h5", "m.safetensors", "folder")
WEIGHTS = ("m.weights.h5", "m.weights.json", "old.h5", "w.safetensors")

ARGUMENTS = {
    "Activation": lambda: {"activation": "relu"},
    "AlphaDropout": lambda: {"rate": 0.5},
    "Bidirectional": lambda: {"layer": L.LSTM(3)},
    "CategoryEncoding": lambda: {"num_tokens": 9},
    "CenterCrop": lambda: {"height": 4, "width": 4},
    "CosineDecay": lambda: {"initial_learning_rate": 0.1, "decay_steps": 3},
    "CosineDecayRestarts": lambda: {"initial_learning_rate": 0.1, "first_decay_steps": 3},
    "Dense": lambda: {"units": 3},
    "Discretization": lambda: {"num_bins": 3},
    "Dot": lambda: {"axes": 1},
    "Dropout": lambda: {"rate": 0.5},
    "EinsumDense": lambda: {"equation": "ab,bc->ac", "output_shape": 3},
    "Embedding": lambda: {"input_dim": 9, "output_dim": 3},
    "ExponentialDecay": lambda: {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "GaussianDropout": lambda: {"rate": 0.5},
    "GaussianNoise": lambda: {"stddev": 0.5},
    "GroupNormalization": lambda: {"groups": 2},
    "GroupedQueryAttention": lambda: {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2},
    "HashedCrossing": lambda: {"num_bins": 5},
    "Hashing": lambda: {"num_bins": 5},
    "InputLayer": lambda: {"shape": (4,)},
    "Int4DTypePolicy": lambda: {"mode": "int4/32", "source_name": "float32"},
    "InverseTimeDecay": lambda: {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    "IoU": lambda: {"num_classes": 2, "target_class_ids": [0]},
    "Lambda": lambda: {"function": ef.ops.square},
    "LossScaleOptimizer": lambda: {"inner_optimizer": ef.optimizers.Adam()},
    "MaxNumBoundingBoxes": lambda: {"max_number": 3},
    "MeanIoU": lambda: {"num_classes": 2},
    "MeanMetricWrapper": lambda: {"fn": ef.losses.mean_squared_error},
    "MeanRelativeError": lambda: {"normalizer": [1.0, 2.0]},
    "MultiHeadAttention": lambda: {"num_heads": 2, "key_dim": 3},
    "OneHotIoU": lambda: {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": lambda: {"num_classes": 2},
    "Permute": lambda: {"dims": (2, 1)},
    "PiecewiseConstantDecay": lambda: {"boundaries": [1, 2], "values": [0.1, 0.2, 0.3]},
    "Pipeline": lambda: {"layers": [L.Rescaling(0.5)]},
    "PolynomialDecay": lambda: {"initial_learning_rate": 0.1, "decay_steps": 3},
    "PrecisionAtRecall": lambda: {"recall": 0.5},
    "RNN": lambda: {"cell": L.GRUCell(3)},
    "RandomCrop": lambda: {"height": 4, "width": 4},
    "RandomPosterization": lambda: {"factor": 3},
    "RandomTranslation": lambda: {"height_factor": 0.5, "width_factor": 0.5},
    "RandomZoom": lambda: {"height_factor": 0.5},
    "RecallAtPrecision": lambda: {"precision": 0.5},
    "RepeatVector": lambda: {"n": 2},
    "Rescaling": lambda: {"scale": 0.5, "offset": 1.0},
    "Reshape": lambda: {"target_shape": (-1,)},
    "Resizing": lambda: {"height": 4, "width": 4},
    "ReversibleEmbedding": lambda: {"input_dim": 9, "output_dim": 3},
    "STFTSpectrogram": lambda: {"frame_length": 4, "frame_step": 2, "fft_length": 8},
    "SensitivityAtSpecificity": lambda: {"specificity": 0.5},
    "SpatialDropout1D": lambda: {"rate": 0.5},
    "SpatialDropout2D": lambda: {"rate": 0.5},
    "SpatialDropout3D": lambda: {"rate": 0.5},
    "SpecificityAtSensitivity": lambda: {"sensitivity": 0.5},
    "SpectralNormalization": lambda: {"layer": L.Dense(3)},
    "StackedRNNCells": lambda: {"cells": [L.LSTMCell(3), L.GRUCell(2)]},
    "TimeDistributed": lambda: {"layer": L.Dense(3)},
    "Wrapper": lambda: {"layer": L.Dense(3)},
    **{name: lambda: {"units": 3} for name in "SimpleRNN LSTM GRU SimpleRNNCell LSTMCell GRUCell".split()},
    **{
        f"Random{name}": lambda: {"factor": 0.5}
        for name in "Brightness ColorDegeneration Contrast Hue Rotation Saturation Sharpness".split()
    },
    **{
        f"{name}{n}D{more}": lambda: {"filters": 2, "kernel_size": 2}
        for n in "123"
        for name, more in (("Conv", ""), ("Conv", "Transpose"), ("SeparableConv", ""), ("ConvLSTM", ""))
    },
    **{f"DepthwiseConv{n}D": lambda: {"kernel_size": 2} for n in "12"},
    **{f"Adaptive{kind}Pooling{n}D": lambda: {"output_size": 2} for kind in ("Average", "Max") for n in "123"},
    **{f"{kind}Pooling{n}D": lambda: {"pool_size": 2} for kind in ("Average", "Max") for n in "123"},
    "QuantizedDTypePolicy": lambda: {"mode": "int8", "source_name": "float32"},
    "QuantizedFloat8DTypePolicy": lambda: {"mode": "float8", "source_name": "float32"},
}
# Bases of other classes, and what has tests of its own: several optimizers for a model.
NOT_MADE = set("LargeWeightLayer ConvolutionBase IndexLookup ImageLayer Layer Operation RandomImageLayer".split())
NOT_MADE |= {"Quantizer", "Loss", "Metric", "MultiOptimizer", "OptimizerMap", "Optimizer"}
NOT_CALLED_ALONE = {"SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells", "Wrapper", "InputLayer"}

for _table in list(tables.values()):
    len(_table.entries)  # loads the classes, with which further tables come
CLASSES = {
    f"{module.removeprefix('keras.')} {cls.__name__}": cls
    for module, table in tables.items()
    if module.startswith("keras.") and not module.startswith("keras.src")
    for cls in table.entries.values()
    if isinstance(cls, type) and cls.__name__ not in NOT_MADE
}
LAYERS = [cls.__name__ for name, cls in CLASSES.items() if name.startswith("layers ")]


def made(cls):
    return cls(**ARGUMENTS.get(cls.__name__, dict)())


def with_numbers_of_numpy(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return np.int64(value) if isinstance(value, int) else np.float32(value)
    if isinstance(value, (list, tuple)):
        return type(value)([with_numbers_of_numpy(v) for v in value])
    return {k: with_numbers_of_numpy(v) for k, v in value.items()} if isinstance(value, dict) else value


def rounded(config):
    """What a file holds of a configuration, with numbers as near as float32 is."""
    return json.loads(as_json(config), parse_int=float, parse_float=lambda text: round(float(text), 5))


@pytest.mark.parametrize("name", CLASSES)
def test_settings_that_are_numbers_of_numpy_are_written_as_numbers(name):
    cls = CLASSES[name]
    config = made(cls).get_config()
    again = cls.from_config(with_numbers_of_numpy(config))
    assert rounded(again.get_config()) == rounded(config)


SHAPES = ((4,), (5, 4), (6, 6, 3), (5, 6, 6, 3), (4, 5, 6, 6, 3), (16,))
TRIED = [(shape, count, kind) for shape in SHAPES for count in (1, 2) for kind in ("float32", "int32")]
TRIED += [((1,), 1, "string"), ((16, 1), 1, "float32"), ((1,), 2, "int32")]


def _data(shape, count, kind):
    draw = np.random.default_rng(0)
    if kind == "string":
        return [np.array([["a b"], ["b"]], object)]
    numbers = [draw.uniform(0, 8, (2, *shape)) for _ in range(count)]
    return [n.astype(kind) for n in numbers]


def model_of(name):
    """A model of this layer with some weights, and what it can be called on: the first inputs that the layer takes."""
    problem = None
    for shape, count, kind in TRIED:
        data = _data(shape, count, kind)
        try:
            layer = made(tables["keras.layers"].entries[name])
            if hasattr(layer, "adapt"):
                layer.adapt(data[0])
            inputs = [ef.Input(shape, dtype=kind) for _ in range(count)]
            several = inputs if count > 1 else inputs[0]
            outputs = layer(*inputs) if "Query" in name or "MultiHead" in name else layer(several)
            model = ef.Model(several, outputs)
            model.predict(data if count > 1 else data[0], verbose=0)
        except (ValueError, TypeError, RuntimeError, NotImplementedError, IndexError, AttributeError) as error:
            problem = problem or error
            continue
        for variable in model.weights:
            if variable.dtype.kind == "f":
                variable.assign(np.random.default_rng(1).uniform(0.1, 1, variable.shape))
        return model, data if count > 1 else data[0]
    raise problem


def round_trip(model, folder, name):
    model.save(folder / name, zipped=False if name == "folder" else None)
    return load_model(folder / name)


def assert_same(model, other, data):
    found, expected = [ef.tree.flatten(m.predict(data, verbose=0)) for m in (other, model)]
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LAYERS if name not in NOT_CALLED_ALONE])
def test_each_layer_is_the_same_in_each_format(name, tmp_path):
    model, data = model_of(name)
    for form in WHOLE:
        again = round_trip(model, tmp_path, form)
        assert_same(model, again, data)
        assert rounded(again.get_config()) == rounded(model.get_config())
    copy = clone_model(model)
    if not hasattr(model.layers[-1], "get_vocabulary"):
        copy.set_weights(model.get_weights())
        assert_same(model, copy, data)
    if model.weights:
        for form in WEIGHTS:
            fresh = clone_model(model)
            model.save_weights(tmp_path / form, max_shard_size=1e-3 if form.endswith("json") else None)
            fresh.load_weights(tmp_path / form)
            assert_same(model, fresh, data)


X, Y = np.random.default_rng(0).normal(size=(8, 4)).astype("float32"), np.ones((8, 2), "float32")
OPTIMIZERS = [cls for name, cls in CLASSES.items() if name.startswith("optimizers ") and "Decay" not in name]


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("cls", OPTIMIZERS, ids=lambda cls: cls.__name__)
def test_each_optimizer_goes_on_where_it_was_in_each_format(cls, form, tmp_path):
    ef.utils.set_random_seed(0)
    model = ef.Sequential([ef.Input((4,)), L.Dense(3, "relu"), L.BatchNormalization(), L.Dense(2)])
    model.compile(made(cls), "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    model.optimizer.learning_rate = 0.0123
    again = round_trip(model, tmp_path, form)
    assert rounded(again.optimizer.get_config()) == rounded(model.optimizer.get_config())
    for one, two in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, two)
    for each in (model, again):
        each.fit(X, Y, epochs=1, verbose=0)
    assert_same(model, again, X)


PLACES = {"initializers": "bias_initializer", "regularizers": "kernel_regularizer", "constraints": "kernel_constraint"}
OF_MATRICES = ("Identity", "Orthogonal", "STFT")


def compiled_with(kind, thing):
    """A model that has an object as a setting of a layer or an argument of `compile`."""
    place = PLACES.get(kind)
    if type(thing).__name__.startswith(OF_MATRICES) and kind == "initializers":
        place = "kernel_initializer"
    if type(thing).__name__ == "STFT":
        layers = [ef.Input((16, 1)), L.Conv1D(5, 8, kernel_initializer=thing)]
    else:
        layers = [ef.Input((4,)), L.Dense(2, **({place: thing} if place else {}))]
    model = ef.Sequential(layers)
    model.compile(
        "sgd",
        thing if kind == "losses" else ef.losses.MeanSquaredError(),
        metrics=[thing] if kind == "metrics" else None,
    )
    return model


@pytest.mark.slow
@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("kind", ["losses", "metrics", *PLACES])
def test_each_object_that_a_model_is_made_with_is_the_same_in_each_format(kind, form, tmp_path):
    for cls in [cls for name, cls in CLASSES.items() if name.startswith(f"{kind} ")]:
        model = compiled_with(kind, made(cls))
        again = round_trip(model, tmp_path, form)
        assert rounded(again.get_config()) == rounded(model.get_config())
        if (cls.__name__, form) == (
            "MeanMetricWrapper",
            "m.h5",
        ):  # read as the name of its function, as Keras 2 meant it
            assert again.get_compile_config()["metrics"] == ["mean_squared_error"]
            continue
        assert rounded(again.get_compile_config()) == rounded(model.get_compile_config())


def dense():
    ef.utils.set_random_seed(1)
    return ef.Sequential([ef.Input((4,)), L.Dense(8, "relu"), L.Dense(2)])


def with_lora():
    model = dense()
    model.layers[0].enable_lora(2)
    for variable in model.layers[0].trainable_weights:
        variable.assign(np.random.default_rng(3).normal(size=variable.shape))
    return model


def quantized(mode):
    model = dense()
    model.quantize(mode)
    return model


def frozen():
    model = dense()
    model.layers[0].trainable = False
    return model


def of_several_types():
    ef.utils.set_random_seed(1)
    types = ("mixed_float16", "float64", "bfloat16")
    return ef.Sequential([ef.Input((4,)), *[L.Dense(3, dtype=each) for each in types]])


STATES = {
    "lora": with_lora,
    "int8": lambda: quantized("int8"),
    "int4": lambda: quantized("int4"),
    "float8": lambda: quantized("float8"),
    "frozen": frozen,
    "of several types": of_several_types,
}


@pytest.mark.parametrize("form", [*WHOLE, *WEIGHTS])
@pytest.mark.parametrize("state", STATES)
def test_each_state_of_a_layer_is_in_each_format_or_refused(state, form, tmp_path):
    model = STATES[state]()
    if state == "float8" and form == "m.h5":
        with pytest.raises(ValueError, match=r"can't hold 'dense.*', which is quantized to float8. Save as '.keras'"):
            model.save(tmp_path / form)
        return
    if form in WHOLE:
        again = round_trip(model, tmp_path, form)
        assert [str(layer.dtype_policy) for layer in again.layers] == [
            str(layer.dtype_policy) for layer in model.layers
        ]
    else:
        model.save_weights(tmp_path / form, max_shard_size=1e-3 if form.endswith("json") else None)
        again = STATES[state]()
        again.load_weights(tmp_path / form)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert [layer.trainable for layer in again.layers] == [layer.trainable for layer in model.layers]


def test_weights_of_a_model_without_any_are_divided_among_no_files(tmp_path):
    layer = L.Discretization(num_bins=3)
    layer.adapt(X)
    model = ef.Sequential([ef.Input((4,)), layer])
    model.save_weights(tmp_path / "w.weights.json", max_shard_size=1)
    assert json.loads((tmp_path / "w.weights.json").read_text(encoding="utf-8"))["weight_map"] == {}
    model.load_weights(tmp_path / "w.weights.json")


@pytest.mark.parametrize("form", WHOLE)
def test_arguments_of_compile_are_in_each_format(form, tmp_path):
    model = dense()
    settings = {"run_eagerly": True, "steps_per_execution": 3, "jit_compile": False, "loss_weights": [np.float32(0.5)]}
    named = ef.metrics.MeanMetricWrapper(ef.losses.mean_squared_error, name="mine")
    thresholds = ef.metrics.AUC(thresholds=np.linspace(0, 1, 5))
    model.compile(
        ef.optimizers.SGD(ef.optimizers.schedules.CosineDecay(np.float32(0.1), 10), clipnorm=np.float32(1)),
        ef.losses.Huber(np.float32(0.5)),
        metrics=[named, thresholds],
        weighted_metrics=[ef.metrics.MeanSquaredError()],
        **settings,
    )
    again = round_trip(model, tmp_path, form)
    assert rounded(again.get_compile_config()) == rounded(model.get_compile_config())


def square(x):
    return x + 1


@pytest.mark.parametrize("form", WHOLE)
def test_a_function_of_the_users_is_never_taken_for_the_op_of_the_same_name(form, tmp_path):
    model = ef.Sequential([ef.Input((4,)), L.Lambda(square), L.Dense(1)])
    with pytest.raises(ValueError, match="Unknown object 'square'"):
        round_trip(model, tmp_path, form)
    again = load_model(tmp_path / form, custom_objects={"square": square})
    assert_same(model, again, X)
