"""Symbolic tensors: shapes found by probing, values refused, nothing left behind."""

from __future__ import annotations

import copy
import math
import re

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.core import observe
from eagerflow.core.random import set_random_seed
from eagerflow.layer.added_losses import forget_losses
from eagerflow.layer.layer import Layer
from eagerflow.layers import Input, InputLayer, KerasTensor
from tests.layer.toys import Affine, Declared, Same


def shapes(structure):
    return ef.tree.map_structure(lambda x: x.shape, structure)


# Input


def test_input_gives_a_tensor_with_unknown_lengths():
    x = Input((28, None), dtype="int32", name="pixels")
    assert isinstance(x, ef.Tensor)
    assert (x.shape, x.ndim, x.dtype, x.name, x.size) == ((None, 28, None), 3, "int32", "pixels", None)
    assert Input((2,), batch_size=4).shape == (4, 2)
    assert Input(batch_shape=(4, 2)).size == 8
    assert Input(()).shape == (None,)
    assert repr(x) == f"{x}" == "<SymbolicTensor 'pixels' shape=(None, 28, None) dtype=int32>"


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((28,), r"Input(28): the shape of one example is a tuple, without the batch axis: Input((28,))."),
        ((28, 30), r"Input(28, 30): "),
        ((28, 30), r": Input((28, 30)), or Input((28,), batch_size=30) for "),
        ((np.int64(28), 28, 1), r": Input((28, 28, 1)), or "),
    ],
)
@pytest.mark.parametrize("make", [Input, InputLayer])
def test_lengths_one_by_one_are_refused_with_the_tuple(numbers, message, make):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(*numbers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "shape=...\\) is needed"),
        ({"shape": (2,), "batch_shape": (1, 2)}, "not both"),
        ({"batch_size": 3, "batch_shape": (1, 2)}, "not both"),
        ({"shape": (2,), "sparse": True}, "no sparse"),
        ({"shape": ("a",)}, "expected a tuple of integers and None"),
        ({"shape": (-1,)}, "expected a tuple of integers and None"),
        ({"shape": (2,), "dtype": "flot32"}, "Did you mean 'float32'"),
    ],
)
def test_impossible_inputs_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Input(**arguments)


def test_input_takes_a_symbolic_tensor_but_no_values():
    x = Input((2,))
    assert Input(tensor=x) is x
    with pytest.raises(TypeError, match="Pass data to the model"):
        Input(tensor=ef.Tensor([1.0]))


def test_an_input_layer_gives_its_tensor_each_time():
    layer = InputLayer(input_shape=(3,))
    assert layer.output.shape == (None, 3)
    x = layer.output
    assert layer.output.same_as(x)
    assert InputLayer.from_config(layer.get_config()).output.shape == (None, 3)


# Values are refused


@pytest.mark.parametrize(
    "ask",
    [
        float,
        int,
        bool,
        complex,
        len,
        list,
        np.asarray,
        math.sqrt,
        iter,
        lambda x: x.numpy(),
        lambda x: x.item(),
        lambda x: x.tolist(),
        lambda x: x.data,
        lambda x: [1, 2][x],
        lambda x: x.device,
        lambda x: x.to("cpu"),
        lambda x: 1 if x > 0 else 2,
        lambda x: ef.Variable(x),
        lambda x: [*x],
        lambda x: ef.Variable([0.0] * 4).assign(x),
    ],
)
def test_values_are_refused_with_a_way_out(ask):
    with pytest.raises(TypeError, match=r"stands for data that come later|write a Layer"):
        ask(Input((4,), name="x"))


def test_a_symbolic_tensor_does_not_change():
    with pytest.raises(TypeError, match="don't change in place"):
        Input((4,))[0] = 1


# Ops


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x + 1, (None, 4, 6)),
        (lambda x: 1 - x, (None, 4, 6)),
        (lambda x: x[:, 0], (None, 6)),
        (lambda x: x[:, None], (None, 1, 4, 6)),
        (lambda x: x[..., 1:3], (None, 4, 2)),
        (lambda x: ops.mean(x), ()),
        (lambda x: ops.mean(x, axis=-1, keepdims=True), (None, 4, 1)),
        (lambda x: np.exp(x), (None, 4, 6)),
        (lambda x: x.reshape((-1, 24)), (None, 24)),
        (lambda x: ops.transpose(x, (1, 0, 2)), (4, None, 6)),
        (lambda x: ops.concatenate([x, x], axis=0), (None, 4, 6)),
        (lambda x: ops.concatenate([x, x], axis=-1), (None, 4, 12)),
        (lambda x: ops.stack([x, x], axis=1), (None, 2, 4, 6)),
        (lambda x: ops.matmul(x, np.ones((6, 2), "float32")), (None, 4, 2)),
        (lambda x: x @ ops.transpose(x, (0, 2, 1)), (None, 4, 4)),
        (lambda x: ops.softmax(x), (None, 4, 6)),
        (lambda x: ops.where(x > 0, x, 0.0), (None, 4, 6)),
        (lambda x: x[x > 0], (None,)),
    ],
)
def test_shapes_of_ops(function, expected):
    assert function(Input((4, 6))).shape == expected


def test_types_and_shapes_of_ops():
    x = Input((4,))
    assert (x > 0).dtype == "bool"
    assert ops.argmax(x, axis=-1).dtype in ("int32", "int64")
    assert ops.cast(x, "float16").dtype == "float16"
    parts = ops.split(Input((6,)), 3, axis=-1)
    assert [p.shape for p in parts] == [(None, 2)] * 3
    assert (Input(batch_shape=(5, 4)) + 1).shape == (5, 4)
    x = Input((None, 2))
    assert x[:, 100].shape == (None, 2)
    assert (x[:, 100] + x[:, 0]).shape == (None, 2)
    assert tuple(ops.shape(Input((None, 3)))) == (None, None, 3)


def test_unknown_lengths_stay_apart_from_the_batch():
    x = Input((None, 3))
    assert ops.sum(x, axis=0).shape == (None, 3)
    assert ops.sum(x, axis=1).shape == (None, 3)
    scores = ops.matmul(x, ops.transpose(x, (0, 2, 1)))
    assert scores.shape == (None, None, None)
    assert ops.matmul(scores, x).shape == (None, None, 3)
    turned = ops.transpose(x, (1, 0, 2))
    assert (turned + ops.transpose(x * 2, (1, 0, 2))).shape == (None, None, 3)
    assert x[:, -1].shape == (None, 3)


def test_a_hopeless_op_on_a_large_input_fails_soon():
    x = Input((None, None, None, 3))
    with pytest.raises(ValueError, match="concatenate"):
        ops.concatenate([x, np.ones((1, 2), "float32")])


def test_lengths_that_disappear_are_noticed():
    x = Input((None, None))
    y = x
    for _ in range(3):
        y = y[:, ::2]
    assert y.shape == (None, None, None)


def test_errors_of_ops_name_the_op():
    with pytest.raises(ValueError, match="matmul") as caught:
        ops.matmul(Input((4,)), np.ones((3, 2)))
    assert "ops.matmul" in caught.value.__notes__[0]
    x = Input((4,))
    with pytest.raises((TypeError, ValueError)) as caught:
        ops.reshape(x, (x.shape[0], 4))
    assert "unknown length" in "".join(caught.value.__notes__)


def test_a_result_of_unknown_rank_is_refused():
    class Strange(Layer):
        def call(self, inputs):
            return ops.sum(inputs) if inputs.shape[0] == 2 else inputs

    with pytest.raises(ValueError, match=r'Strange "strange.*no one shape describes both'):
        Strange()(Input((4,)))


# Layers


def test_layers_are_run_at_two_sizes_unless_they_tell_their_shape():
    assert Affine(5)(Input((None, 3))).shape == (None, None, 5)
    Declared.runs = 0
    assert Declared(5)(Input((None, 3))).shape == (None, None, 5)
    assert Declared.runs == 0

    class Wider(Declared):
        def call(self, inputs):
            return ops.concatenate([super().call(inputs)] * 2, axis=-1)

    assert Wider(5)(Input((3,))).shape == (None, 10)


def test_a_layer_may_tell_with_compute_output_spec():
    class Telling(Layer):
        def call(self, inputs):
            return {"a": ops.cast(inputs, "int32")}

        def compute_output_spec(self, inputs):
            return {"a": KerasTensor(inputs.shape, dtype="int32")}

    out = Telling()(Input((3,)))
    assert (out["a"].shape, out["a"].dtype) == ((None, 3), "int32")


def test_several_inputs_and_outputs_of_any_structure():
    class Nest(Layer):
        def call(self, inputs, extra=None):
            a, b = inputs["a"], inputs["b"][0]
            return {"sum": a + b, "all": [a, (b, extra)]}

    x, y = Input((4,)), Input((1,))
    out = Nest()({"a": x, "b": [y]}, extra=y)
    assert shapes(out) == {"sum": (None, 4), "all": [(None, 4), ((None, 1), (None, 1))]}


def test_layers_are_built_with_unknown_lengths():
    class Recording(Affine):
        def build(self, input_shape):
            self.built_for = input_shape
            super().build(input_shape)

    layer = Recording(2)
    layer(Input((None, 3)))
    assert layer.built_for == (None, None, 3)


def test_a_layer_that_bakes_in_a_length_is_refused():
    class Positions(Layer):
        def call(self, inputs):
            if not hasattr(self, "table"):
                self.table = ef.Variable(ef.ops.ones(inputs.shape[1:]))
            return inputs + self.table

    with pytest.raises(ValueError, match=r'Positions "p" works for inputs \[2, 32, 3\] but not for \[3, 80, 3\]'):
        Positions(name="p")(Input((None, 3)))


def test_an_input_that_does_not_fit_is_refused_at_once():
    layer = Affine(2, name="hidden")
    layer.input_spec = ef.layers.InputSpec(axes={-1: 3})
    with pytest.raises(ValueError, match=r'Affine "hidden" expects inputs that have length 3 at axis -1'):
        layer(Input((4,)))


def test_python_loops_over_lengths_run_again_for_each_size():
    class Loop(Layer):
        def call(self, inputs):
            total = inputs[:, 0]
            for t in range(1, inputs.shape[1]):
                total = total + inputs[:, t]
            return total

    x = Input((None, 2))
    model = ef.Model(x, Loop()(x))
    assert model.output_shape == (None, 2)
    data = np.random.default_rng(0).normal(size=(3, 7, 2)).astype("float32")
    assert np.allclose(model(data).numpy(), data.sum(axis=1), atol=1e-5)


def test_a_symbolic_tensor_caught_in_a_closure_is_found():
    y = Input((4,), name="y")

    class Closure(Layer):
        def call(self, inputs):
            return inputs + y

    with pytest.raises(ValueError, match=r"Closure 'c' uses a symbolic tensor that is not among its arguments"):
        Closure(name="c")(Input((4,)))
    with pytest.raises(ValueError, match=r"Pass it when the layer is called"):
        Closure(name="c")(np.ones((2, 4), "float32"))


# Nothing is left behind


class Leaving(Layer):
    """Leaves a trace wherever a layer can."""

    def __init__(self):
        super().__init__()
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.moving = self.add_weight(shape=(1,), initializer="zeros", trainable=False)
        self.seeds = ef.random.SeedGenerator(3)

    def call(self, inputs):
        self.count.assign_add(1.0)
        with self.moving.changing() as array:
            array += 1
        self.add_loss(ops.sum(inputs))
        np.random.random()  # noqa: NPY002 - what a user may call
        return inputs + ef.random.uniform(inputs.shape, seed=self.seeds) + ef.random.uniform(inputs.shape)


def test_probes_leave_no_trace():
    layer = Leaving()
    layer(np.zeros((2, 3), "float32"))
    forget_losses(layer)
    state = layer.seeds.state.numpy().tolist()
    set_random_seed(5)
    expected = (ef.random.uniform((2,)).tolist(), np.random.random())  # noqa: NPY002
    set_random_seed(5)
    layer(Input((3,)))
    assert (ef.random.uniform((2,)).tolist(), np.random.random()) == expected  # noqa: NPY002
    assert float(layer.count) == 1
    assert layer.moving.tolist() == [1]
    assert layer.seeds.state.numpy().tolist() == state
    assert layer.losses == []


def test_probes_are_not_recorded_and_not_observed():
    class Listener(observe.Observer):
        events = 0

        def on_op(self, *args, **kwargs):
            Listener.events += 1

        def on_scope_begin(self, scope):
            Listener.events += 1

    layer = Affine(2)
    with ef.GradientTape() as tape, observe.observing(Listener()):
        layer(Input((3,)))
    assert Listener.events == 0
    assert tape.gradient(ops.sum(layer.kernel), layer.kernel) is None


def test_layers_built_inside_a_probe_start_differently():
    class Inner(Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = Affine(3), Affine(3)

        def call(self, inputs):
            return self.b(self.a(inputs))

    set_random_seed(1)
    one, two = Inner(), Inner()
    x = Input((3,))
    two(one(x))
    kernels = [layer.kernel.numpy() for layer in (one.a, one.b, two.a, two.b)]
    assert len({k.tobytes() for k in kernels}) == 4


def test_weights_set_inside_a_probe_stay(keras_2):
    class Around(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Affine(2, weights=[np.full((3, 2), 4.0), np.zeros(2)])

        def call(self, inputs):
            return self.inner(inputs)

    layer = Around()
    layer(Input((3,)))
    assert layer.inner.kernel.numpy().min() == 4


# History


def test_layers_know_their_symbolic_inputs_and_outputs():
    x = Input((3,))
    layer = Affine(2)
    with pytest.raises(AttributeError, match="was not called on what Input gives"):
        _ = layer.output
    y = layer(x)
    z = layer(x + 1)
    assert layer.output.same_as(y)
    assert layer.get_output_at(1).same_as(z)
    assert layer.input.same_as(x)
    assert (layer.input_shape, layer.output_shape) == ((None, 3), (None, 2))
    assert len(layer.inbound_nodes) == 2
    with pytest.raises(ValueError, match=r"called 2 time\(s\)"):
        layer.get_output_at(5)


def test_lists_given_to_a_call_may_change_afterwards():
    x = Input((2,))
    parts = [x, x * 2]
    model_out = ops.concatenate(parts, axis=-1)
    parts.append(x)
    assert ef.Model(x, model_out)(np.ones((1, 2), "float32")).shape == (1, 4)


def test_composite_functions_are_one_call():
    x = Input((4,))
    y = ops.softmax(x)
    assert ef.Model(x, y).layers[0].name.startswith("input_layer")
    assert y.node.inputs[0].same_as(x)


def test_a_copied_symbolic_tensor_is_the_same_output():
    x = Same()(Input((2,)))
    assert copy.copy(x).same_as(x)
