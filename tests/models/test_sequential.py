"""Sequential: weights as soon as the input is known, adding and popping, configurations."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import weakref

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.base.serialization import custom_object_scope
from eagerflow.layers import Input, InputLayer
from eagerflow.models import Model, Sequential, clone_model, model_from_json
from tests.layer.toys import Affine, Declared, Masker, MaskReader, Mode, Same, Scale

X = np.arange(12, dtype="float32").reshape(3, 4)


@pytest.fixture
def toys():
    with custom_object_scope({cls.__name__: cls for cls in (Affine, Scale, Same, Declared)}):
        yield


@pytest.mark.parametrize(
    "first",
    [
        lambda: [Input((4,)), Affine(3)],
        lambda: [InputLayer(shape=(4,)), Affine(3)],
        lambda: [Affine(3, input_shape=(4,))],
        lambda: [Affine(3, input_dim=4)],
        lambda: [Affine(3, batch_shape=(None, 4))],
        lambda: [Sequential([Input((4,)), Affine(3)])],
        lambda: [Sequential([Affine(3, input_dim=4)])],
    ],
)
def test_every_way_to_tell_the_input_makes_weights_at_once(first):
    model = Sequential([*first(), Affine(2)])
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert [v.shape for v in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
    assert model(X).shape == (3, 2)
    assert not any(isinstance(layer, InputLayer) for layer in model.layers)


def test_a_functional_model_may_come_first():
    x = Input((4,))
    assert Sequential([Model(x, Affine(3)(x)), Affine(2)]).output_shape == (None, 2)


def test_data_make_the_weights_otherwise():
    model = Sequential([Affine(3), Affine(2)])
    assert not model.built
    assert model.weights == []
    with pytest.raises(AttributeError, match=r"has no outputs yet.*Begin with an Input, call build"):
        _ = model.outputs
    model(X.astype("float64"))
    assert model.built
    assert (model.input_shape, model.output_shape, model.input.dtype) == ((None, 4), (None, 2), "float32")
    assert model.weights[0].path == f"{model.name}/{model.layers[0].name}/kernel"


def test_build_makes_the_weights():
    model = Sequential([Affine(3), Affine(2)], name="s")
    model.build((None, 4))
    assert model.output_shape == (None, 2)
    assert model.weights[2].path == f"s/{model.layers[1].name}/kernel"
    with pytest.raises(ValueError, match=r"build\(input_shape=None\): expected a shape"):
        Sequential([Affine(3)]).build()
    with pytest.raises(ValueError, match="at least one layer"):
        Sequential().build((None, 4))


def test_a_shape_that_fails_may_be_followed_by_another():
    model = Sequential([Affine(3)])
    with pytest.raises(ValueError, match="unknown length"):
        model.build((None, None))
    model.build((None, 4))
    assert model(X).shape == (3, 3)


def test_the_output_is_that_of_the_layers():
    model = Sequential([Affine(3), Scale(2.0), Affine(2)])
    a, s, b = model.layers
    assert np.array_equal(model(X).numpy(), b(s(a(X))).numpy())


def test_layers_are_added_and_popped():
    model = Sequential()
    model.add(Input((4,)))
    model.add(Affine(3))
    assert model.output_shape == (None, 3)
    model.add(Affine(2))
    assert model.output_shape == (None, 2)
    popped = model.pop()
    assert popped.units == 2
    assert model.output_shape == (None, 3)
    assert len(model.weights) == 2
    model.add(Affine(7))
    assert model(X).shape == (3, 7)
    unbuilt = Sequential([Affine(3)])
    unbuilt(X)
    unbuilt.add(Affine(2))
    assert unbuilt(X).shape == (3, 2)
    with pytest.raises(ValueError, match="no layers to pop"):
        Sequential().pop()


@pytest.mark.parametrize("thing", [3, "dense", np.zeros(2), lambda x: x])
def test_only_layers_are_added(thing):
    with pytest.raises(TypeError, match=r"expected a layer; got .*layers.Lambda"):
        Sequential([thing])


def test_layers_that_are_refused():
    with pytest.raises(TypeError, match=r"got the class Affine; make a layer of it: Affine\(...\)"):
        Sequential([Affine])
    with pytest.raises(ValueError, match="a layer named 'twin' already"):
        Sequential([Affine(2, name="twin"), Affine(2, name="twin")])
    with pytest.raises(ValueError, match="an Input comes first, and only once"):
        Sequential([Affine(2), Input((4,))])
    with pytest.raises(ValueError, match="an Input comes first, and only once"):
        Sequential([Input((4,)), Input((4,))])
    with pytest.raises(ValueError, match="has no layers: add one"):
        Sequential()(X)


def test_a_layer_that_does_not_fit_is_not_kept():
    class Picky(Affine):
        def build(self, input_shape):
            if input_shape[-1] != 3:
                raise ValueError("three, please")
            super().build(input_shape)

    model = Sequential([Input((4,)), Affine(2)])
    with pytest.raises(ValueError, match="three, please"):
        model.add(Picky(1))
    assert len(model.layers) == 1
    model.add(Affine(3))
    model.add(Picky(1))
    assert model.output_shape == (None, 1)


def test_data_that_do_not_fit_are_explained():
    model = Sequential([Input((4,), name="x"), Affine(3)], name="s")
    with pytest.raises(ValueError, match=r"Sequential 's': input 'x' has shape \(None, 4\).*got float32\[3, 3\]"):
        model(X[:, :3])
    with pytest.raises(ValueError, match=r"needs a batch axis: x\[None\]"):
        model(X[0])
    assert Sequential([Input((1,)), Affine(3)])(np.ones(5)).shape == (5, 3)


def test_modes_and_masks_pass_through():
    mode, reader = Mode(), MaskReader()
    model = Sequential([Masker(), reader, mode])
    mode.supports_masking = True
    out = model(np.array([[[1.0], [0.0]]]), training=False)
    assert mode.seen is False
    assert reader.seen.tolist() == [[True, False]]
    assert out.mask.tolist() == [[True, False]]


def test_a_sequential_nests_in_functional_models_by_shape_alone():
    Declared.runs = 0
    x = Input((None, 4))
    y = Sequential([Declared(3), Declared(2)])(x)
    assert y.shape == (None, None, 2)
    assert Declared.runs == 0
    assert Model(x, y)(np.ones((2, 5, 4))).shape == (2, 5, 2)


def test_inner_outputs_are_reachable():
    model = Sequential([Input((4,)), Affine(3, name="first"), Affine(2)])
    part = Model(model.inputs, model.get_layer("first").output)
    assert np.array_equal(part(X).numpy(), model.layers[0](X).numpy())


@pytest.mark.usefixtures("toys")
def test_a_config_makes_the_same_model():
    model = Sequential([Input((4,), name="x"), Affine(3, name="a"), Sequential([Affine(2)], name="in")], name="s")
    config = json.loads(json.dumps(model.get_config()))
    assert [entry["class_name"] for entry in config["layers"]] == ["InputLayer", "Affine", "Sequential"]
    assert config["build_input_shape"] == [None, 4]
    again = model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    assert np.array_equal(again(X).numpy(), model(X).numpy())
    assert again.name == "s"


@pytest.mark.usefixtures("toys")
def test_a_model_built_by_data_is_described_as_built():
    model = Sequential([Affine(3)])
    model(X)
    again = Sequential.from_config(model.get_config())
    assert [v.shape for v in again.weights] == [(4, 3), (3,)]
    unbuilt = Sequential.from_config(Sequential([Affine(3)]).get_config())
    assert not unbuilt.built


def test_a_clone_of_a_model_that_data_has_built_is_built():
    model = Sequential([layers.Embedding(5, 2), layers.GlobalMaxPooling1D(), layers.Dense(1)])
    assert not clone_model(model).built
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 7), "int32"), np.ones((4, 1)), batch_size=2, verbose=0)
    clone = clone_model(model)
    assert [v.shape for v in clone.weights] == [v.shape for v in model.weights]
    assert clone.input_shape == (None, 7)


class ByValue(layers.Layer):
    def call(self, x):
        return x * float(x[0, 1])


def test_a_clone_of_a_model_whose_layers_need_values_is_built_by_its_first_call():
    model = Sequential([layers.Dense(2), ByValue()])
    model(X)
    clone = clone_model(model)
    assert clone(X).shape == (3, 2)
    assert [v.shape for v in clone.weights] == [(4, 2), (2,)]


@pytest.mark.parametrize(
    "of_model",
    [
        lambda model: model,
        clone_model,
        lambda model: Sequential.from_config(model.get_config()),
        lambda model: pickle.loads(pickle.dumps(model)),
    ],
)
def test_a_model_that_data_has_built_takes_sequences_of_other_lengths(of_model):
    model = Sequential([layers.Conv1D(2, 3), layers.GlobalMaxPooling1D(), layers.Dense(1)])
    model(np.ones((2, 7, 3), "float32"))
    for _ in range(2):
        other = of_model(model)
        assert other(np.ones((2, 9, 3), "float32")).shape == (2, 1)
        assert model.input_shape == other.input_shape == (None, 7, 3)  # to have asked changes nothing
        assert other(np.ones((2, 8, 3), "float32")).shape == (2, 1)
    declared = Sequential([layers.Conv1D(2, 3)])
    declared.build((None, 7, 3))
    with pytest.raises(ValueError, match=r"has shape \(None, 7, 3\)"):
        of_model(declared)(np.ones((2, 9, 3), "float32"))


def test_a_symbolic_input_that_does_not_fit_is_told_by_its_layer():
    model = Sequential([layers.Dense(2), layers.Conv2D(2, 2)])
    with pytest.raises(ValueError, match="expects inputs that have 4 axes"):
        model(Input((3,)))


@pytest.mark.usefixtures("toys")
def test_clones_and_copies_stand_alone():
    model = Sequential([Input((4,)), Affine(3)])
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    for other in (clone, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other(X).numpy(), model(X).numpy())
        assert not {id(v) for v in other.weights} & {id(v) for v in model.weights}
        assert other.output_shape == (None, 3)
        other.add(Affine(2))
        assert other(X).shape == (3, 2)


def test_freezing_reaches_all_layers():
    model = Sequential([Input((4,)), Affine(3), Affine(2)], trainable=False)
    assert model.trainable_weights == []
    model.trainable = True
    model.layers[0].trainable = False
    assert [v.shape for v in model.trainable_weights] == [(3, 2), (2,)]


def test_gradient_steps_reduce_the_loss():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 4)).astype("float32")
    target = (data @ rng.normal(size=(4, 1))).astype("float32")
    model = Sequential([Affine(8), Affine(1)])
    losses = []
    for _ in range(80):
        with ef.GradientTape() as tape:
            loss = ops.mean((model(data, training=True) - target) ** 2)
        variables = model.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.05 * gradient)
        losses.append(float(loss))
    assert losses[-1] < 0.05 * losses[0]


def test_a_dropped_model_is_freed_at_once():
    gc.collect()
    gc.disable()
    try:
        model = Sequential([Affine(3), Affine(2)])
        model(X)
        assert model.outputs
        ghosts = [weakref.ref(model), *[weakref.ref(v) for v in model.weights]]
        del model
        assert [ghost() for ghost in ghosts if ghost() is not None] == []
    finally:
        gc.enable()


def test_an_input_alone_gives_what_it_gets():
    empty = ef.Sequential([ef.Input((3,))])
    nested = ef.Sequential([empty])
    x = np.ones((2, 3), "float32")
    assert empty(x).tolist() == nested(x).tolist() == x.tolist()
    nested.add(ef.layers.Dense(2))
    assert nested(x).shape == (2, 2)
    with pytest.raises(ValueError, match="has no layers"):
        ef.Sequential()(x)


def test_a_layer_whose_shape_only_data_tell():
    class Plain(ef.layers.Layer):
        def call(self, inputs):
            return inputs + 1.0

        def compute_output_spec(self, *args, **kwargs):
            raise NotImplementedError

    model = ef.Sequential([Plain()])
    assert model(np.ones((2, 3))).tolist() == [[2.0] * 3] * 2
    assert model.compute_output_spec(ef.Input((4,))).shape == (None, 4)
    model.summary(print_fn=lambda text: None)


def test_a_pickled_model_keeps_its_penalties_and_constraints():
    model = ef.Sequential([ef.layers.Dense(2, kernel_regularizer="l2", kernel_constraint="max_norm")])
    model.build((None, 3))
    again = pickle.loads(pickle.dumps(model))
    assert [float(loss) for loss in again.losses] == [float(loss) for loss in model.losses] != []
    assert isinstance(again.weights[0].constraint, ef.constraints.MaxNorm)


@pytest.mark.parametrize("layer", [ef.layers.RandomErasing, ef.layers.CutMix, ef.layers.MixUp])
def test_any_layer_may_come_first(layer):
    model = ef.Sequential([layer(), ef.layers.Flatten(), ef.layers.Dense(1)])
    assert model(np.ones((2, 4, 4, 3), "float32")).shape == (2, 1)


@pytest.mark.parametrize("base", [Sequential, ef.Model])
def test_attributes_of_models_may_have_any_name(base):
    names = "_compiled _graph _sequence _ends _doors _added _held _input_layer _own_optimizer _resumption".split()

    class Named(base):
        def __init__(self):
            super().__init__()
            if base is Sequential:
                self.add(Same())
            for name in names:
                setattr(self, name, layers.Dense(2))

        def call(self, inputs):
            return sum(getattr(self, name)(inputs) for name in names)

    model = Named()
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"), verbose=0)
    again = copy.deepcopy(model)
    assert len(model.weights) == len(again.weights) == 2 * len(names)
    assert again.predict(np.ones((1, 3)), verbose=0).tolist() == model.predict(np.ones((1, 3)), verbose=0).tolist()
