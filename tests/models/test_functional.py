"""Functional models: graphs between `Input` and outputs, repeated on data."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.base.serialization import custom_object_scope
from eagerflow.layer.layer import Layer
from eagerflow.layers import Input, InputLayer
from eagerflow.models import Functional, Model, Sequential, clone_model, model_from_json
from tests.layer.toys import Affine, Declared, Masker, MaskReader, Mode, Same, Scale

X = np.arange(12, dtype="float32").reshape(3, 4)


def branches():
    x = Input((4,), name="x")
    a = Affine(3, name="a")(x)
    b = Affine(3, name="b")(x)
    return Model(x, a + b * 2, name="branches")


# Making


def test_both_ends_of_a_functional_model():
    model = branches()
    assert isinstance(model, Functional)
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 3))
    assert [x.name for x in model.inputs] == ["x"]
    assert model.input_names == ["x"]
    assert model.output_names == [model.operations[-1].name]
    assert model.built
    x = Input((4,))
    y = Affine(2)(x)
    for model in (Model(inputs=x, outputs=y), Model(x, outputs=y), Model(x, y, "named")):
        assert isinstance(model, Functional)
    assert Model(x, y, name="other").name == "other"


def test_outputs_are_those_of_the_calls():
    model = branches()
    a, b = model.get_layer("a"), model.get_layer("b")
    expected = a(X) + b(X) * 2
    assert np.allclose(model(X).numpy(), expected.numpy(), atol=1e-5)


def test_layers_stand_in_keras_order():
    x, z = Input((4,), name="x"), Input((4,), name="z")
    long = Affine(4, name="one")(x)
    long = Affine(4, name="two")(long)
    short = Affine(4, name="short")(z)
    model = Model([x, z], long + short)
    assert [layer.name for layer in model.layers] == ["x", "one", "z", "two", "short"]
    assert model.weights[0].path == "one/kernel"


@pytest.mark.parametrize("bad", [np.zeros(3), None, "x", 3])
def test_ends_must_be_symbolic(bad):
    x = Input((4,))
    with pytest.raises(TypeError, match=r"expected what Input gives, or what layers return for it; got"):
        Model(x, bad)
    with pytest.raises(TypeError, match=r"inputs=.*expected what Input gives"):
        Model(bad, Affine(1)(x))


def test_graphs_that_are_refused():
    with pytest.raises(TypeError, match="both are needed"):
        Model(Input((4,)))
    x, y = Input((4,), name="left"), Input((4,), name="right")
    out = Affine(2, name="joined")(x + y)
    with pytest.raises(ValueError, match=r"the Input 'right' \(needed by 'add.*is not among its inputs \['left'\]"):
        Model(x, out)
    x = Input((4,))
    with pytest.raises(ValueError, match="the same Input appears twice"):
        Model([x, x], Affine(1)(x))
    x = Input((4,))
    with pytest.raises(ValueError, match=r"two layers are named 'twin'"):
        Model(x, Affine(2, name="twin")(Affine(2, name="twin")(x)))
    with pytest.raises(ValueError, match="made by KerasTensor"):
        Model(Input((2,)), ef.KerasTensor((None, 2)))


def test_inputs_as_outputs_and_unused_ones():
    x = Input((4,))
    assert np.array_equal(Model(x, x)(X).numpy(), X)
    same, doubled = Model(x, [x, x * 2])(X)
    assert np.array_equal(doubled.numpy(), 2 * same.numpy())
    x, unused = Input((4,)), Input((2,))
    model = Model([x, unused], Affine(2)(x))
    assert model([X, np.zeros((3, 2))]).shape == (3, 2)


# Calling


def two_inputs(structure):
    a, b = Input((4,), name="a"), Input((2,), name="b")
    joined = ops.concatenate([a, b], axis=-1)
    ends = {"list": [a, b], "tuple": (a, b), "dict": {"first": a, "second": b}, "nested": [a, {"k": b}]}
    return Model(ends[structure], {"joined": joined, "parts": [a * 1.0, b * 1.0]})


Y = np.ones((3, 2), "float32")


@pytest.mark.parametrize(
    ("structure", "data"),
    [
        ("list", [X, Y]),
        ("list", (X, Y)),
        ("list", {"a": X, "b": Y}),
        ("tuple", [X, Y]),
        ("dict", {"second": Y, "first": X}),
        ("dict", {"a": X, "b": Y}),
        ("nested", [X, {"k": Y}]),
    ],
)
def test_inputs_come_in_any_structure(structure, data):
    out = two_inputs(structure)(data)
    assert out["joined"].shape == (3, 6)
    assert np.array_equal(out["parts"][0].numpy(), X)


def test_wrong_inputs_are_named():
    model = two_inputs("list")
    with pytest.raises(ValueError, match=r"has 2 input\(s\) \['a', 'b'\]; got 1"):
        model(X)
    with pytest.raises(ValueError, match=r"\['b'\] missing among the keys \['a', 'bb'\]. Did you mean 'bb'"):
        model({"a": X, "bb": Y})
    with pytest.raises(ValueError, match=r"input 'b' has shape \(None, 2\).*got float32\[3, 4\]"):
        model([X, X])
    with pytest.raises(ValueError, match=r"A single example needs a batch axis: x\[None\]"):
        model([X[0], Y[0]])
    with pytest.raises(ValueError, match=r"examples of shape \(8,\); got float32\[3\]"):
        Sequential([Input((8,)), ef.layers.Dense(1)])(np.ones(3, "float32"))


def test_data_get_the_shape_and_type_of_their_input():
    x = Input((1,))
    model = Model(x, x * 2)
    assert model(np.ones(3)).shape == (3, 1)
    x = Input(())
    assert Model(x, x * 2)(np.ones((3, 1))).shape == (3,)
    x = Input((2,), dtype="int32")
    assert Model(x, x + 1)(np.ones((1, 2))).dtype == "int32"
    x = Input((2,), dtype="float64")
    assert Model(x, x + 1)(np.full((1, 2), 1e-12)).numpy()[0, 0] == 1 + 1e-12


def test_replaying_uses_new_sizes():
    x = Input((None, 2))
    model = Model(x, ops.sum(x, axis=1) / ops.cast(ops.sum(ops.ones_like(x), axis=1), "float32"))
    for length in (1, 5, 100):
        data = np.random.default_rng(length).normal(size=(2, length, 2)).astype("float32")
        assert np.allclose(model(data).numpy(), data.mean(axis=1), atol=1e-5)


def test_keyword_arguments_and_symbolic_ones_among_them():
    class Shift(Layer):
        def call(self, inputs, by=None, times=1):
            return inputs + by * times

    x = Input((4,))
    model = Model(x, Shift()(x, by=x, times=3))
    assert np.array_equal(model(X).numpy(), 4 * X)


def test_shared_layers_run_at_each_place_with_the_same_weights():
    x, y = Input((4,)), Input((4,))
    shared = Affine(2)
    model = Model([x, y], shared(x) - shared(y))
    assert len(model.weights) == 2
    assert not model([X, X]).numpy().any()
    assert [layer for layer in model.layers if not isinstance(layer, InputLayer)] == [shared]


def test_training_and_masks_reach_the_layers():
    x = Input((2, 1))
    mode, reader = Mode(), MaskReader()
    model = Model(x, reader(mode(Masker()(x))))
    mode.supports_masking = True
    out = model(np.array([[[1.0], [0.0]]]), training=True)
    assert mode.seen is True
    assert reader.seen.tolist() == [[True, False]]
    assert out.mask.tolist() == [[True, False]]


def test_a_mask_given_to_the_model_goes_to_the_first_layers():
    x = Input((2, 1))
    reader = MaskReader()
    model = Model(x, reader(x))
    model(np.ones((1, 2, 1), "float32"), mask=np.array([[True, False]]))
    assert reader.seen.tolist() == [[True, False]]


def test_errors_name_the_layer():
    class Failing(Layer):
        def call(self, inputs):
            if inputs.shape[0] == 7:
                raise ValueError("seven")
            return inputs

    x = Input((4,))
    model = Model(x, Failing(name="culprit")(x))
    with pytest.raises(ValueError, match="seven") as caught:
        model(np.zeros((7, 4)))
    assert f'Failing "{model.name}/culprit"' in caught.value.__notes__[0]


def test_results_are_let_go_when_nobody_needs_them():
    alive = []

    class Watch(Layer):
        def call(self, inputs):
            out = inputs + 1
            alive.append(weakref.ref(out))
            return out

    x = y = Input((4,))
    for _ in range(5):
        y = Watch()(y)
    model = Model(x, y)
    alive.clear()
    out = model(X)
    assert [r() is not None for r in alive] == [False] * 4 + [True]
    assert out.shape == (3, 4)


def test_variables_among_the_arguments_of_ops_are_weights():
    x = Input((4,))
    scale = ef.Variable(2.0, name="scale")
    model = Model(x, Affine(2)(x * scale))
    assert any(v is scale for v in model.trainable_variables)
    with pytest.raises(TypeError, match=r"Variable 'scale' is an argument of an op.*Write a Layer"):
        model.get_config()


def test_losses_of_layers_need_values():
    x = Input((4,))
    with pytest.raises(TypeError, match=r"has no value yet. Write a Layer"):
        ef.layers.Dense(2).add_loss(ops.mean(x))


def test_models_work_on_every_device(device):
    model = branches()
    with ef.GradientTape() as tape:
        loss = ops.sum(model(ef.Tensor(X)))
    gradients = tape.gradient(loss, model.trainable_weights)
    assert {str(v.device) for v in [*model.weights, *gradients]} == {device}


def test_threads_call_one_model_in_modes_of_their_own():
    class Remember(Layer):
        def call(self, inputs, training=None):
            return inputs * (1.0 if training else 0.0)

    x = Input((4,))
    model = Model(x, Remember()(Same()(x)))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda mode: float(ops.sum(model(X, training=mode))), [True, False] * 100))
    assert results == [66.0, 0.0] * 100


# Parts and wholes


def test_the_output_of_a_layer_inside_ends_a_new_model():
    model = branches()
    part = Model(model.input, model.get_layer("a").output)
    assert np.array_equal(part(X).numpy(), model.get_layer("a")(X).numpy())
    both = Model(model.inputs, [model.get_layer("a").output, model.output])
    assert [y.shape for y in both(X)] == [(3, 3), (3, 3)]


def test_a_model_may_begin_in_the_middle():
    x = Input((4,))
    first, second = Affine(3, name="first"), Affine(2, name="second")
    h = first(x)
    y = second(h)
    tail = Model(h, y)
    assert tail.input_shape == (None, 3)
    assert [layer.name for layer in tail.layers][1:] == ["second"]
    hidden = first(X)
    assert np.array_equal(tail(hidden).numpy(), second(hidden).numpy())


def test_models_nest():
    inner = branches()
    x = Input((4,))
    outer = Model(x, Affine(1)(inner(x) + inner(x * 2)))
    assert len(outer.weights) == 6
    expected = outer.layers[-1](inner(X) + inner(2 * X))
    assert np.allclose(outer(X).numpy(), expected.numpy(), atol=1e-4)
    assert inner in outer.layers


def test_nested_models_tell_shapes_without_running():
    Declared.runs = 0
    x = Input((None, 4))
    inner = Model(x, Declared(2)(Declared(3)(x)))
    z = Input((None, 4))
    assert inner(z).shape == (None, None, 2)
    assert Sequential([inner, Declared(7)])(z).shape == (None, None, 7)
    assert Declared.runs == 0


def test_deep_chains_need_no_recursion():
    x = y = Input((2,))
    layer = Same()
    for _ in range(1000):
        y = layer(y)
    model = Model(x, y + 0.0)
    assert model(np.ones((1, 2), "float32")).tolist() == [[1, 1]]
    assert Model(model.input, model.output).output_shape == (None, 2)


def test_layers_by_name_and_place():
    model = branches()
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match=r"get_layer\(name='aa'\).*Did you mean 'a'"):
        model.get_layer("aa")
    with pytest.raises(ValueError, match="either name or index"):
        model.get_layer()
    with pytest.raises(ValueError, match=r"index=9"):
        model.get_layer(index=9)
    with pytest.raises(AttributeError, match="can't be set"):
        model.layers = []


# Learning


def test_gradient_steps_reduce_the_loss():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 4)).astype("float32")
    target = (data @ rng.normal(size=(4, 1))).astype("float32")
    x = Input((4,))
    h = ops.tanh(Affine(8)(x))
    model = Model(x, Affine(1)(ops.concatenate([h, Sequential([Affine(4)])(x)], axis=-1)))
    losses = []
    for _ in range(60):
        with ef.GradientTape() as tape:
            loss = ops.mean((model(data) - target) ** 2)
        variables = model.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * gradient)
        losses.append(float(loss))
    assert losses[-1] < 0.05 * losses[0]


# Configurations and copies


@pytest.fixture
def toys():
    with custom_object_scope({cls.__name__: cls for cls in (Affine, Scale, Same, MaskReader, Mode)}):
        yield


def everything():
    x, z = Input((4,), name="x"), Input((None, 4), dtype="float32", name="z")
    shared = Affine(3, name="shared")
    a, b = shared(x), shared(z)
    gathered = ops.mean(b[:, 0:2], axis=1) + a
    inner = Model(x, Affine(3, name="inner_layer")(x), name="inner")
    tail = Sequential([Affine(2, name="tail_layer")], name="tail")
    out = tail(ops.concatenate([gathered, inner(x), a * 0.5], axis=-1))
    return Model({"x": x, "z": z}, {"out": out, "more": [a]}, name="everything")


DATA = {"x": X, "z": np.random.default_rng(1).normal(size=(3, 5, 4)).astype("float32")}


@pytest.mark.usefixtures("toys")
def test_a_config_makes_the_same_model():
    model = everything()
    text = model.to_json()
    again = model_from_json(text)
    again.set_weights(model.get_weights())
    for a, b in zip(ef.tree.flatten(again(DATA)), ef.tree.flatten(model(DATA)), strict=True):
        assert np.array_equal(a.numpy(), b.numpy())
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert json.loads(text)["class_name"] == "Functional"


@pytest.mark.usefixtures("toys")
def test_the_config_has_the_layout_of_keras():
    config = branches().get_config()
    assert config["input_layers"] == ["x", 0, 0]
    assert config["layers"][0]["config"]["batch_shape"] == (None, 4)
    entry = config["layers"][1]
    assert {"module", "class_name", "config", "registered_name", "name", "inbound_nodes", "build_config"} == set(entry)
    (tensor,) = entry["inbound_nodes"][0]["args"]
    assert tensor == {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": ["x", 0, 0]},
    }


def keras_tensor(name):
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": [name, 0, 0]},
    }


def keras_op(name, class_name, *args):
    return {
        "module": "keras.src.ops.numpy",
        "class_name": class_name,
        "config": {"name": name},
        "name": name,
        "registered_name": class_name,
        "inbound_nodes": [{"args": list(args), "kwargs": {}}],
    }


def test_ops_as_keras_describes_them_are_read():
    cut = [{"class_name": "__slice__", "config": dict.fromkeys(("start", "stop", "step"))}]
    cut += [{"class_name": "__slice__", "config": {"start": None, "stop": 3, "step": None}}]
    config = {
        "name": "functional",
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "InputLayer",
                "name": "x",
                "inbound_nodes": [],
                "config": {"batch_shape": [None, 4], "dtype": "float32", "sparse": False, "name": "x"},
            },
            keras_op("multiply", "Multiply", keras_tensor("x"), 2.0),
            keras_op("get_item", "GetItem", keras_tensor("multiply"), cut),
        ],
        "input_layers": ["x", 0, 0],
        "output_layers": [["get_item", 0, 0]],
    }
    model = Functional.from_config(config)
    assert np.array_equal(model(X).numpy(), 2 * X[:, :3])


def test_functions_that_run_an_op_of_the_same_name_are_read_as_themselves():
    x = Input((4, 4))
    square = ops.matmul(x, ops.transpose(x, (0, 2, 1))) + 5 * ops.eye(4)
    made = [
        ops.where(x > 0, x, 0.0),
        *ops.split(x, 2, axis=1),
        ops.pad(x, ((0, 0), (1, 0), (0, 2))),
        ops.cholesky(square),
    ]
    made += [ops.top_k(x, 2)[0], ops.svd(x, compute_uv=False), ops.qr(x)[1], ops.concatenate([x, x]), ops.stack([x, x])]
    model = Model(x, made)
    again = Model.from_config(model.get_config())
    given = np.random.default_rng(1).normal(size=(2, 4, 4)).astype("float32")
    for mine, theirs in zip(model(given), again(given), strict=True):
        assert np.array_equal(mine.numpy(), theirs.numpy())


@pytest.mark.usefixtures("toys")
def test_a_damaged_config_is_explained():
    config = branches().get_config()
    broken = json.loads(json.dumps(config).replace('["a", 0, 0]', '["aa", 0, 0]'))
    with pytest.raises(ValueError, match=r"refers to a layer 'aa'.*Did you mean 'a'"):
        Functional.from_config(broken)
    broken = json.loads(json.dumps(config).replace('"class_name": "Add"', '"class_name": "Adz"'))
    with pytest.raises(ValueError, match=r"op 'Adz' that is unknown"):
        Functional.from_config(broken)


@pytest.mark.usefixtures("toys")
def test_clones_have_weights_of_their_own():
    model = everything()
    model(DATA)
    clone = clone_model(model)
    assert [v.shape for v in clone.weights] == [v.shape for v in model.weights]
    assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone(DATA)["out"].numpy(), model(DATA)["out"].numpy())


@pytest.mark.usefixtures("toys")
def test_clones_may_change_layers():
    x = Input((4,))
    model = Model(x, Affine(3, name="wide")(x))
    seen = []

    def smaller(layer):
        seen.append(layer.name)
        return Affine(1, name=layer.name)

    assert clone_model(model, clone_function=smaller).output_shape == (None, 1)
    assert seen == ["wide"]
    z = Input((4,), name="z")
    assert clone_model(model, input_tensors=[z]).input_names == ["z"]
    with pytest.raises(ValueError, match="the model has 1 inputs; got 2"):
        clone_model(model, input_tensors=[z, z])
    doubled = clone_model(model, call_function=lambda layer, *args, **kwargs: layer(*args, **kwargs) * 2)
    doubled.set_weights(model.get_weights())
    assert np.array_equal(doubled(X).numpy(), 2 * model(X).numpy())
    outer = Model(z, model(z))
    assert clone_model(outer, clone_function=smaller, recursive=True).output_shape == (None, 1)
    with pytest.raises(TypeError, match="expected a model"):
        clone_model(Affine(2))


def test_copies_run_alone():
    model = branches()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other(X).numpy(), model(X).numpy())
        other.set_weights([w * 0 for w in other.get_weights()])
        assert model(X).numpy().any()
        assert other.output_shape == (None, 3)
        assert Model(other.input, other.get_layer("a").output)(X).shape == (3, 3)
        assert Model(other.input, Affine(5)(other.output))(X).shape == (3, 5)


def test_deep_models_are_copied_without_recursion():
    x = y = Input((2,))
    for i in range(250):
        y = Declared(2, name=f"layer_{i}")(y)
    model = Model(x, y)
    stack = Sequential([Input((2,)), *[Same(name=f"same_{i}") for i in range(250)]])
    data = np.ones((1, 2), "float32")
    for one in (model, stack):
        for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
            assert other(data).tolist() == one(data).tolist()


# Lifetimes


def test_a_dropped_model_is_freed_at_once():
    gc.collect()
    gc.disable()
    try:
        model = everything()
        model(DATA)
        part = Model(model.inputs, model.get_layer("shared").output)
        ghosts = [weakref.ref(model), *[weakref.ref(v) for v in model.weights], weakref.ref(part)]
        del model, part
        assert [ghost() for ghost in ghosts if ghost() is not None] == []
    finally:
        gc.enable()


def test_missing_keys_are_called_as_the_model_was_made():
    first, second = Input((2,)), Input((2,))
    model = Model({"left": first, "right": second}, first + second)
    with pytest.raises(ValueError, match=r"needs the inputs \['left', 'right'\]; \['right'\] missing"):
        model({"left": np.ones((1, 2)), "wrong": np.ones((1, 2))})


def test_unknown_lengths_in_shapes_are_explained():
    x = Input((2, 3))
    with pytest.raises(TypeError, match="a length that only a layer's call knows"):
        ops.reshape(x, (x.shape[0], 6))
    with pytest.raises(TypeError, match="only a layer's call knows"):
        x * x.shape[0]


def test_an_optional_input_among_arrays_may_be_none():
    x, o = ef.Input((2,), name="x"), ef.Input((2,), name="o", optional=True)

    class Sum(ef.layers.Layer):
        def call(self, x, o=None):
            return x if o is None else x + o

    model = ef.Model({"x": x, "o": o}, ef.layers.Dense(1, kernel_initializer="ones")(Sum()(x, o)))
    model.compile("sgd", "mse")
    ones = np.ones((4, 2), "float32")
    assert model.predict({"x": ones, "o": None}, verbose=0).tolist() == [[2.0]] * 4
    assert model.predict({"x": ones, "o": ones}, verbose=0).tolist() == [[4.0]] * 4
    assert model.evaluate({"x": ones, "o": None}, 2 * ones[:, :1], verbose=0) == 0
    model.fit({"x": ones, "o": None}, ones[:, :1], batch_size=2, shuffle=True, verbose=0)
    with pytest.raises((TypeError, ValueError)):
        model.predict({"x": None, "o": None}, verbose=0)


def test_data_in_another_structure_are_told_of_once():
    first, second = Input((2,), name="a"), Input((2,), name="b")
    ones = np.ones((1, 2), "float32")
    model = Model({"a": first, "b": second}, ef.layers.Add()([first, second]))
    with pytest.warns(UserWarning, match="doesn't match the expected structure.*dict of inputs, .*got a list"):
        assert model([ones, 2 * ones]).tolist() == [[3.0, 3.0]]
    model([ones, ones])
    model = Model({"a": first}, ef.layers.ReLU()(first))
    with pytest.warns(UserWarning, match="none of them takes 'c' of the data"):
        assert model({"a": ones, "c": ones}).tolist() == [[1.0, 1.0]]
    model({"a": ones, "c": ones})
