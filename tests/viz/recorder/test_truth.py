"""A recording is true: replayed, its ops give the values that the program got, along the edges that the tape had."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from eagerflow.core.primitive import Op
from eagerflow.core.tape import GradientTape
from tests.viz.nets import Trainer, mlp


def functions():
    """The function of every op, by the op's name."""
    import importlib
    import pkgutil

    import eagerflow.ops

    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(eagerflow.ops.__path__, "eagerflow.ops.")]
    found = [
        value for module in modules for value in vars(module).values() if isinstance(getattr(value, "op", None), Op)
    ]
    return {function.op.name: function for function in found}


FUNCTIONS = functions()


def as_given(value):
    """Tuples are recorded as lists."""
    return tuple(map(as_given, value)) if isinstance(value, list) else value


def replay(t):
    """Run the forward ops again from the kept values of what came from outside; every result must be the same."""
    values, compared = dict(t.values), 0
    for op in t.ops:
        if op.phase not in ("forward", "metric") or op.name not in FUNCTIONS:
            continue
        function = FUNCTIONS[op.name]
        arguments = {name: as_given(value) for name, value in op.settings.items() if "[" not in name}
        listed = []
        for name, i in zip(op.input_names, op.inputs):
            if "[" in name:
                listed.append(ef.Tensor(values[i]))
            else:
                arguments[name] = ef.Tensor(values[i])
        if listed:
            arguments[function.op.arrays[0]] = listed
        made = function(**arguments)
        for i, tensor in zip(op.outputs, made if isinstance(made, tuple) else (made,)):
            np.testing.assert_array_equal(tensor.numpy(), t.values[i], err_msg=f"{op.id} {op.name}")
            values[i] = t.values[i]
            compared += 1
    return compared


def test_replaying_a_training_step_gives_the_same_outputs():
    trainer = Trainer()
    trainer.step()
    with viz.trace(values="") as t:
        trainer.step()
    assert replay(t) == sum(len(op.outputs) for op in t.ops if op.phase == "forward")


class Block(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm, self.wide = layers.LayerNormalization(), layers.Dense(6, activation="gelu")

    def call(self, x):
        joined = ops.concatenate([x, self.wide(self.norm(x))], axis=-1)
        first, second = ops.split(joined, 2, axis=-1)
        return x + ops.where(first > 0, first, 0.5 * second) + 1


NETS = {
    "block": (lambda: ef.Sequential([Block(name="b")]), (4, 6)),
    "convolutions": (
        lambda: ef.Sequential(
            [layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(2)]
        ),
        (2, 8, 8, 2),
    ),
    "normalized": (lambda: ef.Sequential([layers.Dense(4), layers.BatchNormalization()]), (5, 3)),
    "recurrent": (lambda: ef.Sequential([layers.LSTM(3, return_sequences=True), layers.GRU(2)]), (2, 4, 3)),
    "attention": (lambda: _Attention(), (2, 5, 8)),
}


class _Attention(ef.Model):
    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4)

    def call(self, x):
        return self.attention(x, x, use_causal_mask=True)


def run(name):
    make, shape = NETS[name]
    model, x = make(), np.random.default_rng(0).normal(size=shape).astype("float32")
    model(x)
    with viz.trace(values="") as t, GradientTape() as tape:
        loss = ops.sum(ops.square(model(ef.Tensor(x))))
        gradients = tape.gradient(loss, model.trainable_variables)
    return t, gradients, model


@pytest.mark.parametrize("name", NETS)
def test_kept_gradients_are_those_returned(name):
    t, gradients, model = run(name)
    for variable, gradient in zip(model.trainable_variables, gradients):
        np.testing.assert_array_equal(t.value(f"gradients/{variable.path}"), gradient.numpy())


@pytest.mark.parametrize("name", NETS)
def test_every_backward_op_has_the_forward_op_whose_output_it_differentiates(name):
    t, *_ = run(name)
    backward = t.find(phase="backward")
    assert backward
    for op in backward:
        forward = t.ops[op.forward]
        assert forward.phase == "forward"
        assert forward.name == op.name
        read = {t.tensors[i].gradient_of for i in op.inputs}
        assert read & set(forward.outputs) or forward.outputs[0] == t.ops[t.find(name="sum")[-1].id].outputs[0]
        made = {t.tensors[i].gradient_of for i in op.outputs}
        assert made - {None} <= set(forward.inputs)


@pytest.mark.parametrize("name", NETS)
def test_gradients_have_the_shape_of_what_they_are_of(name):
    t, *_ = run(name)
    for tensor in t.tensors:
        if tensor.gradient_of is not None and tensor.producer is not None:
            of = t.tensors[tensor.gradient_of]
            assert tensor.shape == of.shape or np.broadcast_shapes(tensor.shape, of.shape), (tensor, of)


def test_a_frozen_layer_gets_no_backward_ops_of_its_own():
    model = mlp("frozen", 2)
    x = np.ones((2, 3), "float32")
    model(x)
    model.layers[0].trainable = False
    with viz.trace() as t, GradientTape() as tape:
        tape.gradient(ops.sum(model(x)), model.trainable_variables)
    assert not t.find(phase="backward", layer="hidden_0")
    assert not [op for op in t.find(phase="backward") if "hidden_0" in t.path(t.ops[op.forward].scope)]
