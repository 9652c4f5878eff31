"""The modules that scripts see: every name in the tables exists, and what doesn't exist says what to write."""

from __future__ import annotations

import importlib

import pytest

from eagerflow import initializers, layers, losses, models, optimizers, utils
from eagerflow.compat.faces import face, is_face_name
from eagerflow.compat.modules import KERAS, TENSORFLOW
from eagerflow.compat.names import GONE, OLDER

FACES = [f"keras.{n}".rstrip(".") for n in KERAS] + [f"tensorflow.{n}".rstrip(".") for n in TENSORFLOW]


@pytest.mark.parametrize("name", FACES)
def test_every_name_that_a_face_lists_is_there(name):
    found = face(name)
    assert [n for n in found.__all__ if not hasattr(found, n)] == []
    assert len(found.__all__) == len(set(found.__all__))


@pytest.mark.parametrize("name", [*OLDER, *(n for n in GONE if n != "*")])
def test_tables_speak_of_modules_that_exist(name):
    assert is_face_name(name)


@pytest.mark.parametrize("name", [n for n in GONE if n != "*"])
def test_what_is_gone_is_gone(name):
    """No advice against a name that is there."""
    assert [gone for gone in GONE[name] if gone in dir(face(name)) and gone != "scikit_learn"] == []


@pytest.mark.parametrize(
    "root", ["tensorflow.keras", "tf_keras", "tensorflow.python.keras", "tensorflow.compat.v1.keras"]
)
def test_keras_is_the_same_under_all_its_roots(root):
    assert face(root).layers.Dense is layers.Dense
    assert face(f"{root}.layers").Dense is layers.Dense


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("keras.layers.core.Dense", layers.Dense),
        ("keras.layers.recurrent.LSTM", layers.LSTM),
        ("keras.layers.convolutional.MaxPooling2D", layers.MaxPooling2D),
        ("keras.layers.normalization.BatchNormalization", layers.BatchNormalization),
        ("keras.layers.advanced_activations.LeakyReLU", layers.LeakyReLU),
        ("keras.engine.topology.Layer", layers.Layer),
        ("keras.engine.base_layer.InputSpec", layers.InputSpec),
        ("keras.engine.training.Model", models.Model),
        ("keras.engine.Container", models.Model),
        ("keras.Input", layers.Input),
        ("keras.losses.mse", losses.mean_squared_error),
        ("keras.losses.KLD", losses.kl_divergence),
        ("keras.objectives.MAE", losses.mean_absolute_error),
        ("keras.initializers.normal", initializers.RandomNormal),
        ("keras.initializers.zero", initializers.Zeros),
        ("keras.optimizers.adam", optimizers.Adam),
        ("keras.optimizers.sgd", optimizers.SGD),
        ("keras.utils.np_utils.to_categorical", utils.to_categorical),
        ("keras.utils.generic_utils.Progbar", utils.Progbar),
        ("keras.optimizers.legacy.Adam", optimizers.Adam),
        ("tensorflow.train.AdamOptimizer", optimizers.Adam),
        ("keras.layers.convolutional.AtrousConvolution1D", layers.Conv1D),
    ],
)
def test_older_names(path, value):
    module, _, name = path.rpartition(".")
    assert getattr(face(module), name) is value


@pytest.mark.parametrize(
    ("module", "name", "advice"),
    [
        ("keras.layers", "Dens", "Did you mean 'Dense'"),
        ("keras.layers", "TimeDistributedDense", r"TimeDistributed\(Dense"),
        ("tensorflow.io", "VarLenFeature", "FixedLenFeature"),
        ("keras.backend", "get_session", "K.eval"),
        ("tensorflow", "Session", "no graphs and sessions"),
        ("tensorflow", "placeholder", "keras.Input"),
        ("tensorflow.compat.v1", "ConfigProto", "Nothing needs to be configured"),
        ("tensorflow", "contrib", "TensorFlow 1"),
    ],
)
def test_what_is_not_there_says_what_to_write(module, name, advice):
    with pytest.raises(AttributeError, match=advice):
        getattr(face(module), name)


@pytest.mark.usefixtures("keras_2")
def test_import_statements_keep_the_advice():
    with pytest.raises(ImportError, match="FixedLenFeature"):
        exec("from tensorflow.io import VarLenFeature", {"__name__": "__main__"})
    with pytest.raises(ModuleNotFoundError, match=r"keras\.nothing\.at_all"):
        exec("import keras.nothing.at_all", {"__name__": "__main__"})


def test_files_of_ours_are_not_names_of_theirs():
    assert not hasattr(face("keras.layers"), "borders")
    assert importlib.import_module("eagerflow.layers.reshaping.borders")


def test_versions_are_those_whose_interface_it_speaks():
    assert face("tensorflow").__version__.startswith("2.")
    assert face("keras").__version__.startswith("2.")
    assert not hasattr(face("keras.layers"), "__version__")


def test_merge_and_cudnn_layers():
    x = layers.Input((5, 3))
    keras_layers = face("keras.layers")
    assert keras_layers.CuDNNLSTM(4)(x).shape == (None, 4)
    assert keras_layers.CuDNNGRU(4, return_sequences=True)(x).shape == (None, 5, 4)
    assert keras_layers.merge([x, x], mode="concat").shape == (None, 5, 6)
    assert keras_layers.ThresholdedReLU(theta=1.5)([[1.0, 2.0]]).tolist() == [[0.0, 2.0]]


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("random_normal", "Write tf.random.normal."),
        ("random_uniform", "Write tf.random.uniform."),
        ("truncated_normal", "Write tf.random.truncated_normal."),
        ("to_float", "Write tf.cast(x, tf.float32)."),
        ("to_int64", "Write tf.cast(x, tf.int64)."),
    ],
)
def test_functions_of_tensorflow_1_are_told_what_stands_for_them(name, cure):
    with pytest.raises(AttributeError) as caught:
        getattr(face("tensorflow"), name)
    assert str(caught.value) == f"tensorflow.{name} doesn't exist here. {cure}"


@pytest.mark.parametrize(
    "statement",
    [
        "from tensorflow.python.ops import array_ops, control_flow_ops, ctc_ops, custom_gradient, math_ops, state_ops",
        "from tensorflow.python.ops import summary_ops_v2",
        "from tensorflow.python.keras import backend_config",
        "from tensorflow.python.client import device_lib; device_lib.list_local_devices()[0].device_type",
        "from tensorflow.python.util import tf_inspect; tf_inspect.getfullargspec(len)",
        "from tensorflow.python.eager import context, tape; context.executing_eagerly()",
        "from keras.src.saving.saving_lib import load_model, save_model",
        "from keras.src.utils import backend_utils",
        "from keras.src import ops; from keras.api.layers import Dense",
        "from keras.utils import legacy; legacy.deserialize_keras_object",
        "from tensorflow.compat.v1 import image; image.resize",
        "from tensorflow.compat.v2.nn import relu",
        "import tensorflow as tf; assert tf.version.VERSION == tf.__version__",
        "from keras.models import Input, Model, Sequential, model_from_json",
        "from keras.backend import tensorflow_backend; tensorflow_backend.mean",
        "from keras.engine import saving",
        "from tensorflow.config.experimental import VirtualDeviceConfiguration",
    ],
)
def test_private_modules_that_packages_import(statement, keras_2):
    exec(statement, {"__name__": "__main__"})


def test_base_classes_that_packages_ask_about():
    found, pooling = face("keras.layers.convolutional"), face("keras.layers.pooling")
    base = face("keras.src.layers.convolutional.base_conv").BaseConv
    assert found._Conv is found.Conv is base
    assert isinstance(layers.Conv2DTranspose(1, 2), base)
    assert not isinstance(layers.Dense(1), base)
    assert isinstance(layers.AveragePooling2D(2), (pooling._Pooling1D, pooling._Pooling2D))
    assert not isinstance(layers.AveragePooling3D(2), (pooling._Pooling1D, pooling._Pooling2D))
