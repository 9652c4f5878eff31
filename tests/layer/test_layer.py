"""What all layers have in common: building, calling, weights, names, modes, masks, losses, configurations."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.base.serialization import custom_object_scope, deserialize_keras_object, serialize_keras_object
from eagerflow.core import observe
from eagerflow.layer.dtype_policy import DTypePolicy, get_policy, set_dtype_policy
from eagerflow.layer.input_spec import InputSpec
from eagerflow.layer.layer import Layer
from eagerflow.layer.tensor_masks import get_mask, set_mask
from eagerflow.layer.unique_names import reset_uids, snake_case
from tests.layer.toys import Affine, Masker, MaskReader, Mode, Same, Scale

X = np.arange(6, dtype="float32").reshape(2, 3)


class Two(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Affine(4)
        self.second = Affine(2)

    def call(self, inputs):
        return self.second(self.first(inputs))


# Building


def test_builds_once_with_the_shape_of_the_first_input():
    class Counting(Affine):
        builds = 0

        def build(self, input_shape):
            Counting.builds += 1
            assert input_shape == (2, 3)
            super().build(input_shape)

    layer = Counting(4)
    assert not layer.built
    assert layer(X).shape == (2, 4)
    layer(X)
    assert layer.built
    assert Counting.builds == 1


def test_build_gets_shapes_by_the_names_of_the_arguments():
    class Attend(Layer):
        def build(self, query_shape, value_shape):
            self.shapes = query_shape, value_shape

        def call(self, query, value, scale=1.0):
            return query

    layer = Attend()
    layer(X, value=np.zeros((5, 7), "float32"), scale=2.0)
    assert layer.shapes == ((2, 3), (5, 7))


def test_build_gets_the_structure_of_nested_inputs():
    class Pair(Layer):
        def build(self, input_shape):
            self.shapes = input_shape

        def call(self, inputs):
            return inputs[0]

    layer = Pair()
    layer([X, X[:, :1]])
    assert layer.shapes == [(2, 3), (2, 1)]
    layer = Pair()
    layer((X, X))
    assert layer.shapes == ((2, 3), (2, 3))


def test_build():
    layer = Affine(2, name="one")
    layer.build((None, 3))
    assert layer.built
    assert [v.path for v in layer.weights] == ["one/kernel", "one/bias"]
    assert layer.get_build_config() == {"input_shape": (None, 3)}
    layer = Two(name="two")
    layer.build((None, 3))
    assert [v.shape for v in layer.weights] == [(3, 4), (4,), (4, 2), (2,)]
    assert layer.weights[0].path == f"two/{layer.first.name}/kernel"


def test_sublayers_built_in_build_have_the_path_of_both():
    class Outer(Layer):
        def build(self, input_shape):
            self.inner = Affine(2, name="inner")
            self.inner.build(input_shape)

        def call(self, inputs):
            return self.inner(inputs)

    layer = Outer(name="outer")
    layer(X)
    assert layer.inner.kernel.path == "outer/inner/kernel"


def test_an_unknown_length_in_a_weight_is_refused_by_name():
    with pytest.raises(ValueError, match=r'Affine "a".*kernel.*unknown length'):
        Affine(2, name="a").build((None, None))


# Weights


def test_add_weight_takes_both_orders():
    layer = Layer()
    a = layer.add_weight((2, 3), "ones", name="a")
    b = layer.add_weight("b", (4,), "float32", "zeros")
    assert (a.name, a.shape, a.numpy().sum()) == ("a", (2, 3), 6)
    assert (b.name, b.shape, b.numpy().sum()) == ("b", (4,), 0)
    assert layer.add_variable(shape=(1,), name="c").name == "c"
    assert layer.add_weight(shape=2, dtype="int32").dtype == "int32"


def test_weights_carry_regularizer_and_constraint():
    layer = Layer()
    w = layer.add_weight(shape=(2,), initializer="ones", regularizer="l2", constraint="non_neg")
    assert w.constraint is not None
    assert float(layer.losses[0]) == pytest.approx(0.02)
    w.trainable = False
    assert layer.losses == []


def test_weights_are_found_in_attributes_and_counted_once():
    layer = Layer()
    layer.one = Scale()
    layer.several = [Scale(), (Scale(), {"x": Scale()})]
    layer.by_name = {"a": Scale(), "b": [ef.Variable(1.0)]}
    layer.variable = ef.Variable([1.0, 2.0])
    assert len(layer.weights) == 7
    layer = Layer()
    shared = Scale()
    layer.a, layer.b, layer.items = shared, shared, [shared, shared.factor]
    assert len(layer.weights) == 1
    layer = Layer()
    layer.seeds = ef.random.SeedGenerator(1)
    assert layer.weights == []
    assert layer.variables[0] is layer.seeds.state


def test_later_changes_of_lists_and_dicts_count():
    layer = Layer()
    layer.items = []
    layer.table = {}
    assert layer.weights == []
    layer.items.append(Scale())
    layer.items += [Scale()]
    layer.items.extend([Scale()])
    layer.items.insert(0, Scale())
    layer.table["a"] = Scale()
    layer.table.update(b=Scale())
    layer.table.setdefault("c", []).append(Scale())
    assert len(layer.weights) == 7
    layer.items.pop()
    del layer.table["a"]
    layer.items[0] = Same()
    assert len(layer.weights) == 4
    layer.items.clear()
    layer.table["c"].pop()
    assert len(layer.weights) == 1


def test_replacing_and_deleting_an_attribute_forgets_the_old_one():
    layer = Layer()
    layer.inner = Scale()
    first = layer.inner.factor
    layer.inner = Scale()
    assert [v is first for v in layer.weights] == [False]
    layer.inner = None
    assert layer.weights == []
    layer.inner = Scale()
    del layer.inner
    assert layer.weights == []


def test_trainable_ones_come_first_and_keep_their_order_when_frozen():
    layer = Layer()
    a = layer.add_weight(shape=(1,), name="a")
    b = layer.add_weight(shape=(1,), name="b", trainable=False)
    c = layer.add_weight(shape=(1,), name="c")
    assert [v.name for v in layer.weights] == ["a", "c", "b"]
    a.trainable = False
    layer.another = Scale()
    assert [v.name for v in layer.weights][:3] == ["a", "c", "b"]
    assert [v is w for v, w in zip(layer.trainable_weights, [c, layer.another.factor])] == [True, True]
    assert len(layer.non_trainable_weights) == 2
    assert any(v is b for v in layer.non_trainable_variables)


def test_trainable_reaches_everything_below_and_comes_back():
    layer = Two()
    layer(X)
    frozen = layer.first.add_weight(shape=(), trainable=False)
    layer.trainable = False
    assert layer.trainable_weights == []
    assert not any(v.trainable for v in layer.weights)
    with ef.GradientTape() as tape:
        loss = ops.sum(layer(X))
    assert tape.gradient(loss, layer.weights[0]) is None
    layer.trainable = True
    assert len(layer.trainable_weights) == 4
    assert not frozen.trainable


def test_frozen_layers():
    layer = Affine(2)
    layer.trainable = False
    layer(X)
    assert layer.trainable_weights == []
    assert not layer.kernel.trainable
    layer.trainable = True
    assert len(layer.trainable_weights) == 2
    layer = Affine(2, trainable=False)
    layer(X)
    assert len(layer.non_trainable_weights) == 2


def test_get_and_set_weights_copy():
    layer = Affine(2)
    layer(X)
    values = layer.get_weights()
    values[0][:] = 7
    assert layer.kernel.numpy().max() < 7
    layer.set_weights(values)
    values[0][:] = 9
    assert layer.kernel.numpy().max() == 7


def test_set_weights_names_what_does_not_fit():
    layer = Affine(2, name="hidden")
    with pytest.raises(ValueError, match=r'Affine "hidden".*expected 0 arrays.*until it is built'):
        layer.set_weights([np.zeros(2)])
    layer(X)
    with pytest.raises(ValueError, match=r"expected 2 arrays.*got 1"):
        layer.set_weights([np.zeros(2)])
    with pytest.raises(ValueError, match=r"weight 0, 'hidden/kernel', has shape \(3, 2\); got float64\[2, 3\]"):
        layer.set_weights([np.zeros((2, 3)), np.zeros(2)])


def test_count_params_needs_weights():
    layer = Affine(2)
    with pytest.raises(ValueError, match="isn't built"):
        layer.count_params()
    layer(X)
    assert layer.count_params() == 8


def test_own_variables_are_saved_and_loaded():
    layer, other, store = Affine(2), Affine(2), {}
    layer(X)
    layer.save_own_variables(store)
    with pytest.raises(ValueError, match="isn't built yet"):
        other.load_own_variables(store)
    other(X)
    other.load_own_variables(store)
    assert other(X).tolist() == layer(X).tolist()


# Names, creation site


def test_names_are_numbered_like_keras():
    reset_uids()
    assert [Affine(1).name, Affine(1).name, Same().name] == ["affine", "affine_1", "same"]
    names = "MaxPooling2D LSTM Conv2DTranspose PReLU GRUCell UpSampling2D ELU GlobalAveragePooling2D".split()
    expected = "max_pooling2d lstm conv2d_transpose p_re_lu gru_cell up_sampling2d elu global_average_pooling2d"
    assert [snake_case(name) for name in names] == expected.split()


@pytest.mark.parametrize("name", ["a/b", 3])
def test_impossible_names_are_refused(name):
    with pytest.raises(ValueError, match="without '/'"):
        Affine(1, name=name)


def test_layers_know_where_they_were_made():
    layer = Affine(1)
    file, line = layer.created_at
    assert Path(file) == Path(__file__)
    assert "layer = Affine(1)" in Path(file).read_text(encoding="utf-8").splitlines()[line - 1]


# Calling


def test_inputs_and_their_types():
    layer = Scale(2.0)
    assert layer(ef.Tensor([1.0])).tolist() == [2.0]
    assert layer(np.array([1.0])).tolist() == [2.0]
    assert layer([[1, 2], [3, 4]]).tolist() == [[2, 4], [6, 8]]
    assert float(layer(3)) == 6.0
    assert layer(inputs=np.ones(1)).tolist() == [2.0]
    layer = Same()
    assert layer(np.zeros(2)).dtype == "float32"
    assert layer(np.zeros(2, "int64")).dtype == "int64"
    assert Same(dtype="float64")(np.zeros(2, "float32")).dtype == "float64"
    assert Same(autocast=False)(np.zeros(2)).dtype == "float64"
    assert layer({"a": [np.zeros(2)]})["a"][0].dtype == "float32"
    layer = Affine(2, dtype="float64")
    assert layer(X).dtype == "float64"
    assert layer.kernel.dtype == "float64"
    assert (layer.dtype, layer.compute_dtype, layer.dtype_policy.name) == ("float64",) * 3


def test_other_arguments_stay_as_they_are():
    class Options(Layer):
        def call(self, inputs, scale=1.0, names=()):
            assert type(scale) is float
            assert names == ["a"]
            return inputs * scale

    assert Options()(X, scale=2.0, names=["a"]).shape == (2, 3)


def test_gradients_flow_through_the_cast():
    x = ef.Variable(np.ones((1, 3)), dtype="float64")
    layer = Scale(3.0)
    with ef.GradientTape() as tape:
        y = ops.sum(layer(x))
    gradient = tape.gradient(y, x)
    assert gradient.dtype == "float64"
    assert gradient.tolist() == [[3, 3, 3]]


def test_a_call_that_returns_nothing_is_named():
    class Forgetful(Layer):
        def call(self, inputs):
            inputs + 1

    with pytest.raises(TypeError, match=r'Forgetful "f": its call returned None. Was a `return` forgotten'):
        Forgetful(name="f")(X)


def test_a_forgotten_super_init_is_named():
    class Broken(Layer):
        def __init__(self):
            self.units = 3

        def call(self, inputs):
            return inputs

    with pytest.raises(RuntimeError, match=r"Broken.__init__ must call super\(\).__init__\(\)"):
        Broken()(X)


def _use(made, name, given):
    found = getattr(made, name)  # a property raises here
    found(*given)


@pytest.mark.parametrize("use", ["compile", "weights", "get_weights", "build", "trainable_variables"])
def test_a_forgotten_super_init_of_a_model_is_named_whatever_is_asked_first(use):
    class Broken(ef.Model):
        def __init__(self):
            self.inner = Scale()

        def call(self, inputs):
            return self.inner(inputs)

    given = {"compile": ("adam", "mse"), "build": ((None, 3),)}
    with pytest.raises(RuntimeError, match=r"Broken.__init__ must call super\(\).__init__\(\).*test_layer.py:\d+"):
        _use(Broken(), use, given.get(use, ()))
    assert not hasattr(Broken(), "_graph")
    assert getattr(Broken(), "_path", "none") == "none"


def test_attributes_may_be_set_before_super_init():
    class Early(Layer):
        def __init__(self):
            self.inner = Scale()
            super().__init__()

        def call(self, inputs):
            return self.inner(inputs)

    layer = Early()
    layer(X)
    assert len(layer.weights) == 1


def test_a_missing_call_is_named():
    with pytest.raises(NotImplementedError, match="Layer needs a method call"):
        Layer()(X)


def test_errors_say_in_which_layer_they_happened_once():
    class Failing(Layer):
        def call(self, inputs):
            raise KeyError("inside")

    class Around(Layer):
        def __init__(self, name):
            super().__init__(name=name)
            self.inner = Failing(name="inner")

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(KeyError) as caught:
        Around(name="around")(X)
    (note,) = caught.value.__notes__
    assert 'Failing "around/inner"' in note
    assert "float32[2, 3]" in note
    assert "test_layer.py" in note


def test_errors_name_a_layer_behind_those_that_it_lies_in():
    inner = ef.Sequential([ef.layers.Dense(3, name="first"), ef.layers.Reshape((5,), name="second")], name="inner")
    net = ef.Sequential([inner, ef.layers.Dense(2, name="last")], name="net")
    with pytest.raises(ValueError, match=r'^Reshape "net/inner/second": '):
        net(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r'^Dense "net/inner/first" expects'):
        net(np.ones((2, 7)))
    with pytest.raises(ValueError, match=r'^Dense "net/inner/first" expects'):
        inner.layers[0](np.ones((2, 7)))  # which knows where it was built
    with pytest.raises(ValueError, match=r'^Dense "other/inner/first" expects'):
        ef.Sequential([inner], name="other")(np.ones((2, 7)))  # and where it is called
    with pytest.raises(ValueError, match=r'^Dense "alone".set_weights'):
        ef.layers.Dense(3, name="alone").set_weights([np.ones(3)])


def test_unknown_arguments_are_named_with_the_nearest():
    with pytest.raises(ValueError, match=r"Affine has no argument 'unit'.*Did you mean 'units'"):
        Affine(2, unit=3)
    with pytest.raises(TypeError, match=r"Known: .*activity_regularizer"):
        Affine(2, foo=3)


@pytest.mark.parametrize("made", [("Conv2D", 2, 3), ("LSTM", 2), ("SeparableConv1D", 2, 3)], ids=lambda m: m[0])
def test_known_arguments_are_those_that_users_can_give(made):
    with pytest.raises(TypeError, match="Known: ") as refused:
        getattr(ef.layers, made[0])(*made[1:], foo=1)
    known = str(refused.value).partition("Known: ")[2].rstrip(".").split(", ")
    assert {"arguments", "cell_name", "kwargs", "settings", "causal"}.isdisjoint(known)


def test_a_first_layer_tells_the_shape_of_its_input():
    layer = Affine(2, input_shape=(3,), batch_size=4)
    assert layer._ef_state.batch_input_shape == (4, 3)
    assert Affine(2, input_dim=3)._ef_state.batch_input_shape == (None, 3)
    assert Affine(2, batch_shape=(5, 3))._ef_state.batch_input_shape == (5, 3)
    with pytest.raises(ValueError, match=r"input_shape='abc'"):
        Affine(2, input_shape="abc")


def test_attributes_may_have_any_name():
    names = (
        "_state _losses _tracked _policy _path _trainable _calls _arguments _weights losses_ state _compiled".split()
    )
    for settings in ({}, {"trainable": False}):
        layer = Same(**settings)
        for name in names:
            setattr(layer, name, Affine(2))
        layer.free = [layer._losses]
        assert [getattr(layer, name).built for name in names] == [False] * len(names)
        y = layer(ops.ones((2, 3)))
        again = copy.deepcopy(layer)
        assert [sub.name for sub in again._flatten_layers()][1:] == [getattr(layer, name).name for name in names]
        assert again(ops.ones((2, 3))).tolist() == y.tolist()
        assert again.trainable is settings.get("trainable", True)


def test_the_one_name_that_the_layer_uses_itself_is_refused():
    with pytest.raises(AttributeError, match=r"Same._ef_state is used by the layer itself; choose another name"):
        Same()._ef_state = []
    layer = Same()
    layer._layers = [Scale()]
    assert len(layer.weights) == 1


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'Same' object has no attribute 'kernel'"):
        _ = Same().kernel
    assert not hasattr(Same(), "kernel")


def test_an_unknown_attribute_is_told_with_the_nearest_one():
    layer = Affine(2)
    with pytest.raises(AttributeError) as caught:
        layer.trainable_wieghts  # noqa: B018
    told = "'Affine' object has no attribute 'trainable_wieghts'. Did you mean 'trainable_weights'?"
    assert str(caught.value) == told
    assert (type(copied := pickle.loads(pickle.dumps(caught.value))), str(copied)) == (AttributeError, told)
    for owner, name in ((layer, "_wieghts"), (ef.layers.Dense(2), "xyzzy")):
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        assert str(caught.value) == f"{type(owner).__name__!r} object has no attribute {name!r}"


def test_whether_a_layer_has_an_attribute_is_answered_without_a_search(monkeypatch):
    monkeypatch.setattr("eagerflow.base.errors.hint_for", lambda *asked: pytest.fail("looked for another"))
    assert not hasattr(Affine(2), "trainable_wieghts")
    assert getattr(Affine(2), "trainable_wieghts", 3) == 3


# Checked inputs


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (InputSpec(ndim=3), (2, 3), "have 3 axes; got float32[2, 3]. A missing batch or channels axis"),
        (InputSpec(min_ndim=2), (3,), "have at least 2 axes"),
        (InputSpec(max_ndim=1), (2, 3), "have at most 1 axis"),
        (InputSpec(axes={-1: 4}), (2, 3), "have length 4 at axis -1"),
        (InputSpec(shape=(None, 5)), (2, 3), "have length 5 at axis 1"),
        (InputSpec(dtype="int32"), (2, 3), "are int32"),
        (InputSpec(axes={3: 1}), (2, 3), "have length 1 at axis 3"),
    ],
)
def test_input_spec_says_what_is_expected(spec, shape, message):
    layer = Same(name="same")
    layer.input_spec = spec
    with pytest.raises(ValueError) as caught:
        layer(np.zeros(shape, "float32"))
    assert str(caught.value).startswith('Same "same" expects inputs that ')
    assert message in str(caught.value)


def test_input_spec_of_several_inputs():
    class Join(Layer):
        def call(self, inputs):
            return inputs[0]

    layer = Join()
    layer.input_spec = [InputSpec(ndim=2), InputSpec(ndim=1)]
    layer([X, X[0]])
    with pytest.raises(ValueError, match="have 1 axis"):
        layer([X, X])
    with pytest.raises(ValueError, match=r"expects 2 input\(s\); got 1"):
        layer(X)


def test_input_spec_forgives_a_last_axis_of_one():
    spec = InputSpec(shape=(None, 3, 1), allow_last_axis_squeeze=True)
    assert spec.problem(ef.Tensor(X)) is None
    assert InputSpec.from_config(InputSpec(ndim=2).get_config()).ndim == 2


def test_input_spec_of_inputs_by_name():
    class Join(Layer):
        def call(self, inputs):
            return inputs["a"]

    layer = Join(name="j")
    layer.input_spec = [InputSpec(ndim=2, name="a"), InputSpec(ndim=1, name="b", optional=True)]
    layer({"a": X})
    with pytest.raises(ValueError, match=r"inputs \['a'\] are missing; got the keys \['b'\]"):
        layer({"b": X[0]})
    with pytest.raises(ValueError, match=r"expects inputs \(here 'b'\) that have 1 axis"):
        layer({"a": X, "b": X})


def test_a_length_that_was_learned_is_explained():
    layer = Affine(2, name="a")
    layer(X)
    layer.input_spec = InputSpec(axes={-1: 3})
    with pytest.raises(ValueError, match=r"Its weight 'kernel' is float32\[3, 2\], made for its first input"):
        layer(X[:, :2])


def test_wrong_arguments_are_named_with_the_nearest():
    class Options(Layer):
        def build(self, inputs_shape):
            pass

        def call(self, inputs, scale=1.0):
            return inputs

    with pytest.raises(TypeError, match=r"Options \"o\": call.*wrong arguments.*Did you mean 'scale'"):
        Options(name="o")(X, scal=2.0)


# Modes


def test_training_passes_through_layers_that_do_not_know_of_it():
    class Between(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Mode()

        def call(self, inputs):
            return self.inner(inputs)

    layer = Between()
    for mode in (True, False, None):
        layer(X, training=mode)
        assert layer.inner.seen is mode


def test_an_explicit_mode_wins_and_ends_with_its_call():
    class Mixed(Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = Mode(), Mode()

        def call(self, inputs, training=None):
            return self.b(self.a(inputs, training=not training))

    layer = Mixed()
    layer(X, training=True)
    assert (layer.a.seen, layer.b.seen) == (False, True)


def test_the_default_of_call_is_the_last_word_and_passes_on():
    class Default(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Mode()

        def call(self, inputs, training=True):
            return self.inner(inputs)

    layer = Default()
    layer(X)
    assert layer.inner.seen is True
    layer(X, False)
    assert layer.inner.seen is False


# Masks


def test_masks_travel_through_layers_that_support_them():
    masked = Masker()(np.array([[[1.0], [0.0]]]))
    assert get_mask(masked).tolist() == [[True, False]]
    reader = MaskReader()
    out = reader(masked)
    assert reader.seen.tolist() == [[True, False]]
    assert get_mask(out).tolist() == [[True, False]]
    affine = Affine(2, name="a")
    with pytest.warns(UserWarning, match=r'Affine "a" got inputs with a mask, which it neither uses nor passes on'):
        assert get_mask(affine(out)) is None


def test_an_explicit_mask_wins():
    reader = MaskReader()
    x = ef.Tensor(X)
    set_mask(x, ef.Tensor([True, True]))
    reader(x, mask=np.array([False, True]))
    assert reader.seen.tolist() == [False, True]


def test_masks_reach_the_parameters_named_after_the_arguments():
    class Attend(Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            self.seen = query_mask, value_mask
            return query

    masked = Masker()(np.array([[[1.0], [0.0]]]))
    layer = Attend()
    layer(masked, value=masked)
    assert [m.tolist() for m in layer.seen] == [[[True, False]]] * 2
    layer(ef.Tensor(X), masked)
    assert layer.seen[0] is None


# Losses


class Penalty(Layer):
    def call(self, inputs):
        self.add_loss(ops.sum(inputs))
        return inputs


def test_added_losses_last_until_the_next_outermost_call():
    class Around(Layer):
        def __init__(self):
            super().__init__()
            self.inner = [Penalty(), Penalty()]

        def call(self, inputs):
            for layer in self.inner:
                inputs = layer(inputs)
            return inputs

    layer = Around()
    layer(X)
    layer(X)
    assert [float(v) for v in layer.losses] == [15, 15]


@pytest.mark.parametrize("repeats", [1, 3])
def test_activity_regularizers_add_losses_that_do_not_grow_with_the_batch(repeats):
    layer = Same(activity_regularizer="l2")
    layer(np.repeat(X, repeats, axis=0))
    assert float(layer.losses[0]) == pytest.approx(0.01 * np.sum(np.square(X)) / len(X))


def test_activity_regularizers_of_numbers_and_of_nothing():
    layer = Same(activity_regularizer="l2")
    layer(3.0)
    assert float(layer.losses[0]) == pytest.approx(0.09)
    layer(np.zeros((0, 2), "float32"))
    assert float(layer.losses[0]) == 0.0


def test_only_numbers_are_losses():
    layer = Same(name="s")
    with pytest.raises(TypeError, match=r'Same "s".add_loss: expected scalar tensors'):
        layer.add_loss(lambda: 1)


# Calls without state


class Average(Affine):
    """Counts its calls."""

    def build(self, input_shape):
        super().build(input_shape)
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.calls.assign_add(1.0)
        self.add_loss(ops.sum(self.kernel))
        return super().call(inputs)


def test_a_stateless_call_uses_the_values_given_and_changes_nothing():
    layer = Average(2)
    layer(X)
    before = layer.get_weights()
    values = [ef.Tensor(v * 0 + 1) for v in before[:2]]
    with ef.GradientTape() as tape:
        tape.watch(values)
        outputs, after, losses = layer.stateless_call(values, [ef.Tensor(5.0)], X, return_losses=True)
        total = ops.sum(outputs)
    assert outputs.tolist() == (X @ np.ones((3, 2)) + 1).tolist()
    assert float(after[0]) == 6
    assert float(losses[0]) == 6
    assert tape.gradient(total, values[0]).tolist() == X.sum(axis=0)[:, None].repeat(2, 1).tolist()
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_a_stateless_call_checks_its_values():
    layer = Average(2, name="a")
    with pytest.raises(ValueError, match="isn't built"):
        layer.stateless_call([], [], X)
    layer(X)
    with pytest.raises(ValueError, match="expected 2 trainable and 1 other values; got 1"):
        layer.stateless_call([], [0.0], X)
    with pytest.raises(ValueError, match=r"'a/kernel' has shape \(3, 2\); got float32\[2, 2\]"):
        layer.stateless_call([np.zeros((2, 2), "float32"), np.zeros(2, "float32")], [0.0], X)


# Types


def test_mixed_precision_keeps_weights_in_float32():
    layer = Affine(2, dtype="mixed_float16")
    x = ef.Tensor(X)
    with ef.GradientTape() as tape:
        y = layer(x)
        loss = ops.sum(ops.cast(y, "float32"))
    assert (y.dtype, layer.kernel.dtype, layer.dtype, layer.compute_dtype) == (
        "float16",
        "float32",
        "float32",
        "float16",
    )
    gradient = tape.gradient(loss, layer.kernel)
    assert gradient.dtype == "float32"
    assert np.allclose(gradient.numpy(), X.sum(axis=0)[:, None].repeat(2, 1))
    layer.kernel.assign(layer.kernel * 2)
    assert layer.kernel.dtype == "float32"


def test_weights_may_be_read_and_assigned_inside_a_mixed_call():
    class Counting(Layer):
        def build(self, input_shape):
            self.total = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.whole = self.add_weight(shape=(), initializer="ones", autocast=False)

        def call(self, inputs):
            self.total.assign_add(1.0)
            assert self.total.dtype == "float16"
            assert self.total.shape == ()
            assert self.whole.dtype == "float32"
            return inputs * self.total

    layer = Counting(dtype="mixed_float16")
    layer(X)
    assert layer(X).numpy()[0, 1] == 2.0
    assert float(layer.total) == 2.0


def test_policies_are_compared_and_described():
    policy = DTypePolicy("mixed_bfloat16")
    assert policy == DTypePolicy.from_config(policy.get_config())
    assert len({policy, DTypePolicy("mixed_bfloat16"), DTypePolicy()}) == 2
    assert repr(policy) == '<DTypePolicy "mixed_bfloat16">'
    assert DTypePolicy(None).compute_dtype == "float32"
    assert get_policy({"class_name": "DTypePolicy", "config": {"name": "float16"}}).name == "float16"


def test_the_global_policy_is_that_of_new_layers():
    set_dtype_policy("float64")
    try:
        assert Same().compute_dtype == "float64"
    finally:
        set_dtype_policy(None)
    assert Same().compute_dtype == "float32"


# Devices


def test_layers_work_on_every_device(device):
    layer = Two()
    x = ef.Tensor(X)
    with ef.GradientTape() as tape:
        loss = ops.sum(layer(x))
    gradients = tape.gradient(loss, layer.trainable_weights)
    assert {str(v.device) for v in [*layer.weights, *gradients, loss]} == {device}
    assert layer.compute_output_shape((None, 3)) == (None, 2)
    layer.set_weights([w * 2 for w in layer.get_weights()])


# Observers


def test_calls_are_announced_as_scopes():
    class Listener(observe.Observer):
        def __init__(self):
            self.events = []

        def on_scope_begin(self, scope):
            self.events.append(("begin", scope.kind, scope.name, scope.owner))

        def on_scope_end(self, scope, outputs, error=None):
            self.events.append(("end", scope.name, outputs.shape))

    layer = Affine(2, name="seen")
    listener = Listener()
    with observe.observing(listener):
        layer(X)
    assert listener.events == [("begin", "layer", "seen", layer), ("end", "seen", (2, 2))]


# Configurations


class Described(Layer):
    def __init__(self, units, inner=None, *, rate=0.5, **kwargs):
        super().__init__(**kwargs)
        self.units, self.inner, self.rate = units, inner, rate

    def call(self, inputs):
        return inputs


def test_configs_are_made_from_the_arguments_of_init():
    layer = Described(3, rate=0.25, name="d", dtype="float16")
    config = layer.get_config()
    assert (config["units"], config["rate"], config["name"]) == (3, 0.25, "d")
    again = Described.from_config(json.loads(json.dumps(config)))
    assert (again.units, again.rate, again.name, again.dtype) == (3, 0.25, "d", "float16")
    with custom_object_scope({"Described": Described}):
        layer = Described(3, inner=Described(4, name="inner"))
        again = deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(layer))))
    assert isinstance(again.inner, Described)
    assert (again.inner.units, again.inner.name) == (4, "inner")
    with pytest.raises(NotImplementedError, match=r"Described needs a get_config\(\) method.*'inner'.*object"):
        Described(3, inner=object()).get_config()


def test_arguments_of_a_subclass_are_described_with_those_of_its_base():
    class Base(Described):
        def get_config(self):
            return super().get_config() | {"units": self.units}

    class Derived(Base):
        def __init__(self, units, extra=1, **kwargs):
            super().__init__(units, **kwargs)
            self.extra = extra

    again = Derived.from_config(Derived(3, extra=5).get_config())
    assert (again.units, again.extra) == (3, 5)


def test_text_reaches_a_layer_that_asks_for_it():
    class Text(Layer):
        _convert_input_args = False

        def call(self, inputs):
            assert isinstance(inputs, list)
            return ef.Tensor([len(word) for word in inputs])

    assert Text()(["a", "bcd"]).tolist() == [1, 3]


def test_a_config_that_init_refuses_is_named():
    class Odd(Layer):
        def __init__(self):
            super().__init__()

        def get_config(self):
            return super().get_config() | {"size": 1}

    with pytest.raises(TypeError, match=r"Odd.from_config: __init__ refused"):
        Odd.from_config(Odd().get_config())


# Shapes


def test_output_shapes_and_specs():
    layer = Affine(2)
    assert layer.compute_output_shape((None, 5)) == (None, 2)
    assert layer.compute_output_shape((4, None, 5)) == (4, None, 2)
    spec = Affine(2).compute_output_spec(ef.KerasTensor((None, 3)))
    assert (spec.shape, spec.dtype) == ((None, 2), "float32")


def test_shapes_of_several_inputs_and_outputs():
    class Pair(Layer):
        def call(self, left, right):
            return {"both": [left + right, left]}

        def compute_output_shape(self, left_shape, right_shape):
            return {"both": [left_shape, left_shape]}

    class Inferred(Layer):
        def call(self, left, right):
            return left + right

    x = ef.KerasTensor((None, 3))
    assert [y.shape for y in Pair()(x, x)["both"]] == [(None, 3)] * 2
    assert Inferred().compute_output_shape(left_shape=(None, 3), right_shape=(None, 1)) == (None, 3)


def test_a_wrong_answer_for_a_shape_is_named():
    class Wrong(Same):
        def compute_output_shape(self, input_shape):
            return "shape"

    with pytest.raises(TypeError, match=r'Wrong "w".compute_output_shape returned \'shape\''):
        Wrong(name="w")(ef.KerasTensor((None, 3)))
    with pytest.raises(ValueError, match="expected a shape such as"):
        Same().compute_output_shape(3)


def test_a_layer_is_built_from_its_build_config():
    class Pair(Layer):
        def build(self, left_shape, right_shape):
            self.w = self.add_weight(shape=(left_shape[-1], right_shape[-1]))

        def call(self, left, right):
            return left

    layer, again = Pair(), Pair()
    layer(X, X[:, :2])
    again.build_from_config(json.loads(json.dumps(layer.get_build_config())))
    assert again.w.shape == (3, 2)
    one = Affine(2)
    one.build_from_config({"input_shape": [None, 3]})
    assert one.kernel.shape == (3, 2)


# Copies and lifetimes


def test_copies_are_independent():
    layer = Two()
    layer(X)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other(X).tolist() == layer(X).tolist()
        assert all(a is not b for a, b in zip(other.weights, layer.weights))
        other.first.kernel.assign(other.first.kernel * 0)
        assert len(other.trainable_weights) == 4
    assert layer.first.kernel.numpy().any()


def test_a_shallow_copy_has_attributes_of_its_own():
    layer = Two()
    layer(X)
    other = copy.copy(layer)
    other.second = Affine(5)
    assert layer(X).shape == (2, 2)
    assert other(X).shape == (2, 5)
    assert len(layer.weights) == len(other.weights) == 4
    assert other.first is layer.first


def test_a_dropped_layer_is_freed_at_once():
    gc.disable()
    try:
        layer = Two()
        with ef.GradientTape() as tape:
            loss = ops.sum(layer(X))
        tape.gradient(loss, layer.weights)
        ghosts = [weakref.ref(layer), weakref.ref(layer.first.kernel)]
        del layer, loss, tape
        assert [ghost() for ghost in ghosts] == [None, None]
    finally:
        gc.enable()


def test_asking_a_layer_for_what_it_has_not_keeps_no_frame_alive():
    class Thing:
        pass

    def ask():
        thing = Thing()
        assert getattr(Layer(), "nothing", None) is None
        return weakref.ref(thing)

    gc.collect()
    gc.disable()
    try:
        assert ask()() is None
    finally:
        gc.enable()


def test_an_init_without_kwargs_is_told_to_hand_them_on():
    class Wide(ef.layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = units

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    with pytest.raises(TypeError, match=r"def __init__\(self, units, \*\*kwargs\): super\(\).__init__\(\*\*kwargs\)"):
        Wide.from_config(Wide(3).get_config())
