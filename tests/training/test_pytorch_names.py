"""Who looks for PyTorch's names is told ours."""

from __future__ import annotations

import importlib
import re

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.base.text.hints import table


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("parameters", "model.trainable_weights"),
        ("named_parameters", "v.path"),
        ("train", "training=True"),
        ("eval", "training=False"),
        ("state_dict", "save_weights"),
        ("load_state_dict", "load_weights"),
        ("zero_grad", "Leave it out"),
    ],
)
def test_models_name_our_way(name, way):
    model = ef.Sequential([layers.Dense(1)])
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=rf"'Sequential' object has no attribute '{name}'.*{way}"):
        getattr(model, name)


@pytest.mark.parametrize(("name", "way"), [("step", "optimizer.apply"), ("zero_grad", "Leave it out")])
def test_optimizers_name_our_way(name, way):
    with pytest.raises(AttributeError, match=rf"'Adam' object has no attribute '{name}'.*{way}"):
        getattr(ef.optimizers.Adam(), name)


def test_users_may_have_attributes_of_these_names():
    class Mine(ef.Model):
        def __init__(self):
            super().__init__()
            self.parameters = [layers.Dense(2)]

        def train(self):
            return "mine"

        def call(self, x):
            return self.parameters[0](x)

    model = Mine()
    assert model(np.ones((1, 3))).shape == (1, 2)
    assert (model.train(), len(model.weights)) == ("mine", 2)


def test_forward_is_named_call_here():
    class Mine(ef.Model):
        def forward(self, x):
            return x

    with pytest.raises(NotImplementedError, match=r"Its method forward\(...\) is named call\(...\) here"):
        Mine()(np.ones((1, 3)))


@pytest.mark.parametrize(
    ("face", "name", "way"),
    [
        ("eagerflow", "nn", "ef.layers"),
        ("eagerflow", "keras", "import eagerflow as keras"),
        ("eagerflow", "randn", "ef.random.normal"),
        ("eagerflow", "manual_seed", "ef.utils.set_random_seed"),
        ("eagerflow", "float32", 'dtype="float32"'),
        ("eagerflow", "zeros", "ef.ops.zeros"),
        ("eagerflow.layers", "Linear", "layers.Dense"),
        ("eagerflow.losses", "CrossEntropyLoss", "from_logits=True"),
        ("eagerflow.ops", "cat", "concatenate(tensors, axis)"),
        ("eagerflow.ops", "concatenat", "Did you mean 'concatenate'"),
        ("eagerflow.losses", "MeanSquareError", "Did you mean 'MeanSquaredError'"),
    ],
)
def test_modules_name_our_way(face, name, way):
    module = importlib.import_module(face)
    assert not hasattr(module, name)
    with pytest.raises(AttributeError, match=f"module '{face}' has no attribute '{name}'.*{re.escape(way)}"):
        getattr(module, name)


def test_what_is_named_in_answers_is_there():
    modules = {face: names for face, names in table()["name"].items() if face.startswith("eagerflow")}
    for face, names in modules.items():
        assert not [name for name in names if hasattr(importlib.import_module(face), name)], face
    hints = [hint for kind in table().values() for names in kind.values() for hint in names.values()]
    paths = {path for hint in hints for path in re.findall(r"\bef((?:\.\w+)+)", str(hint))}
    assert [path for path in paths if not hasattr(ef, path.split(".")[1])] == []
    for path in paths:
        found = ef
        for part in path[1:].split("."):
            found = getattr(found, part)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("Session", "ops compute at once"),
        ("placeholder", "ef.Input"),
        ("load_onnx", "`ef.models.load_onnx"),
        ("constant", "ef.Tensor"),
        ("reduce_mean", "ef.ops.mean"),
        ("softmax", "`ef.ops.softmax`"),  # any op
    ],
)
def test_names_of_tensorflow_and_of_ops_are_answered(name, way):
    with pytest.raises(AttributeError, match=f"module 'eagerflow' has no attribute '{name}'. Use .*{way}"):
        getattr(ef, name)


@pytest.mark.parametrize("name", ["to", "cuda", "forward", "parameters"])
def test_layers_name_our_way(name):
    for thing in (layers.Dense(1), ef.Sequential([layers.Dense(1)])):
        assert not hasattr(thing, name)
        with pytest.raises(AttributeError, match=rf"has no attribute '{name}'\. (Use|Call) "):
            getattr(thing, name)


@pytest.mark.parametrize("more", [{}, {"lr": 0.1}])
@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop"])
def test_weights_for_a_learning_rate_are_answered(name, more):
    with pytest.raises(TypeError, match=r"learning_rate=...\): expected a number; got a list. .*optimizer.apply"):
        getattr(ef.optimizers, name)([ef.Variable(1.0)], **more)
