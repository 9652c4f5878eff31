"""Models inside of models, and layers that stand in several of them: through files, configurations and copies."""

from __future__ import annotations

import json
import re
import zipfile

import h5py
import numpy as np
import pytest

import eagerflow as ef
from eagerflow.layers import Average, Dense

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def nested(name, units=4):
    x = ef.Input((4,))
    return ef.Model(x, Dense(units)(x), name=name)


def by_file(model, folder, name):
    model.save(folder / name)
    return ef.models.load_model(folder / name)


def with_weights_of(model, made):
    made.set_weights(model.get_weights())
    return made


WAYS = {
    ".keras": lambda model, folder: by_file(model, folder, "m.keras"),
    ".h5": lambda model, folder: by_file(model, folder, "m.h5"),
    "to_json": lambda model, folder: with_weights_of(model, ef.models.model_from_json(model.to_json())),
    "from_config": lambda model, folder: with_weights_of(model, type(model).from_config(model.get_config())),
    "clone_model": lambda model, folder: with_weights_of(model, ef.models.clone_model(model)),
    "recursive clone": lambda model, folder: with_weights_of(model, ef.models.clone_model(model, recursive=True)),
}


def test_a_file_of_many_nested_models_holds_the_weights_of_all(tmp_path):
    x = ef.Input((4,))
    model = ef.Model(x, Average()([nested(f"m{k}", 1)(x) for k in range(6)]))
    again = by_file(model, tmp_path, "m.keras")
    np.testing.assert_array_equal(again(X), model(X))
    model.save_weights(tmp_path / "m.weights.h5")
    expected = model.get_weights()
    model.set_weights([w + 1 for w in expected])
    model.load_weights(tmp_path / "m.weights.h5")
    assert all((a == b).all() for a, b in zip(model.get_weights(), expected, strict=True))


def twice(x):
    model = nested("f")
    return model(model(x))


def siamese(x):
    model = nested("f")
    return [model(x), model(2 * x)]


def first_call_last(x):
    model = nested("f")
    y = model(x)
    return [Dense(2)(model(y)), y]


NESTED = {
    "behind another": lambda x: nested("decoder")(nested("encoder")(x)),
    "twice": twice,
    "siamese": siamese,
    "first call last": first_call_last,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("made", NESTED)
def test_outputs_straight_from_a_nested_model(made, way, tmp_path):
    x = ef.Input((4,))
    model = ef.Model(x, NESTED[made](x))
    again = WAYS[way](model, tmp_path)
    for found, expected in zip(ef.tree.flatten(again(X)), ef.tree.flatten(model(X)), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("made", "places"), [("twice", ["f", 2, 0]), ("siamese", [["f", 1, 0], ["f", 2, 0]])])
def test_calls_of_models_are_numbered_as_in_keras(made, places):
    x = ef.Input((4,), name="x")
    assert ef.Model(x, NESTED[made](x)).get_config()["output_layers"] == places


@pytest.mark.parametrize("made", NESTED)
def test_configs_that_count_the_calls_of_models_from_0_are_read(made):
    x = ef.Input((4,))
    model = ef.Model(x, NESTED[made](x))
    config = json.loads(json.dumps(model.get_config()))
    ends = config["output_layers"]
    for place in [ends] if isinstance(ends[0], str) else ends:
        place[1] -= place[0] in ("f", "decoder")
    again = with_weights_of(model, ef.Model.from_config(config))
    for found, expected in zip(ef.tree.flatten(again(X)), ef.tree.flatten(model(X)), strict=True):
        np.testing.assert_array_equal(found, expected)


def of_a_layer_inside(order):
    dense, x, y = Dense(4, name="shared"), ef.Input((4,)), ef.Input((4,))
    inner = ef.Model(y, dense(y), name="inner")
    return ef.Model(x, dense(inner(x)) if order == "behind" else inner(dense(x)))


def of_two_models():
    dense, x = Dense(4, name="shared"), ef.Input((4,))
    chain = ef.Sequential([ef.Input((4,)), dense])
    y = ef.Input((4,))
    return ef.Model(x, [chain(x), ef.Model(y, dense(2 * y))(x)])


def of_a_wrapper():
    dense, x = Dense(4, name="shared"), ef.Input((4,))
    steps = ef.layers.TimeDistributed(dense)(ef.layers.RepeatVector(2)(x))
    return ef.Model(x, [dense(x), steps])


def of_models_that_call_it_once_and_twice(dense=None):
    dense, x, y, z = dense or Dense(4, name="shared"), *[ef.Input((4,)) for _ in range(3)]
    once, twice = ef.Model(y, dense(y), name="once"), ef.Model(z, dense(dense(z)), name="twice")
    return ef.Model(x, ef.layers.Add()([once(x), twice(once(x))]))


def of_a_model_inside_of_two():
    inner, x, y, z = nested("inner"), *[ef.Input((4,)) for _ in range(3)]
    once, twice = ef.Model(y, inner(y), name="once"), ef.Model(z, [inner(inner(z)), inner(z)], name="twice")
    return ef.Model(x, [once(x), *twice(x), inner(inner(x))])


def of_a_sequential():
    dense, x, y = Dense(4, name="shared"), ef.Input((4,)), ef.Input((4,))
    chain = ef.Sequential([ef.Input((4,)), dense, ef.layers.Activation("tanh")])
    return ef.Model(x, ef.Model(y, dense(dense(y)))(chain(x)))


SHARING = {
    "once and twice": of_models_that_call_it_once_and_twice,
    "a model inside of two": of_a_model_inside_of_two,
    "of a Sequential": of_a_sequential,
    "behind": lambda: of_a_layer_inside("behind"),
    "before": lambda: of_a_layer_inside("before"),
    "of two models": of_two_models,
    "of a wrapper": of_a_wrapper,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("made", SHARING)
def test_a_layer_that_stands_in_several_models_stays_one(made, way, tmp_path):
    model = SHARING[made]()
    again = WAYS[way](model, tmp_path)
    assert again.count_params() == model.count_params() == 20
    for each in (again, model):
        each.set_weights([w + 0.5 for w in model.get_weights()] if each is again else again.get_weights())
    for found, expected in zip(ef.tree.flatten(again(X)), ef.tree.flatten(model(X)), strict=True):
        np.testing.assert_array_equal(found, expected)


# Where Keras 3.15, which counts calls over all graphs that it has read, finds the first call of the shared layer or
# model in that graph: tried in Keras. A Sequential calls all of its layers each time that it gets another.
@pytest.mark.parametrize(
    ("made", "calls"),
    [
        ("once and twice", {"once": 0, "twice": 1}),
        ("a model inside of two", {"once": 0, "twice": 1}),
        ("of a Sequential", {"functional": 2}),
        ("before", {"inner": 0}),
        ("without weights", {"once": 0, "twice": 0}),  # a layer for each place
    ],
)
def test_keras_files_number_calls_over_all_models_and_others_in_each(made, calls, tmp_path):
    stateless = ef.layers.Activation("tanh", name="shared")
    model = of_models_that_call_it_once_and_twice(stateless) if made == "without weights" else SHARING[made]()
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        described = json.loads(archive.read("config.json"))["config"]
    for config, firsts in ((described, calls), (model.get_config(), dict.fromkeys(calls, 0))):
        found = {e["config"]["name"]: first_call(e["config"]) for e in config["layers"] if "layers" in e["config"]}
        assert {re.sub(r"_\d+$", "", name): first for name, first in found.items() if first is not None} == firsts


def first_call(config):
    """The lowest number of a call of the shared layer or model in a graph's config."""
    if "input_layers" not in config:
        return None
    text = json.dumps([entry["inbound_nodes"] for entry in config["layers"]])
    inside = [int(call) for call in re.findall(r'"keras_history": \["(?:shared|inner)", (\d+)', text)]
    ends = config["output_layers"]
    ends = [ends] if isinstance(ends[0], str) else ends
    outside = [call - (name == "inner") for name, call, _ in ends if name in ("shared", "inner")]
    return min(inside + outside, default=None)


def test_layers_and_ops_are_named_in_a_config_where_keras_looks():
    x = ef.Input((4,), name="x")
    described = ef.Model(x, ef.ops.relu(Dense(4, name="dense")(x))).get_config()["layers"]
    assert [e["name"] for e in described] == [e["config"]["name"] for e in described]


def test_layers_of_one_place_have_no_number():
    x = ef.Input((4,))
    assert "shared_object_id" not in ef.Model(x, twice(x)).to_json()
    assert SHARING["behind"]().to_json().count("shared_object_id") == 2


def test_two_models_of_one_config_share_nothing():
    """Not even where both are made while a third one is read."""

    class Twins(ef.Model):
        def __init__(self, one, **kwargs):
            super().__init__(**kwargs)
            self.one = one
            self.other = ef.Model.from_config(one.get_config())

        def call(self, x):
            return self.one(x) + self.other(x)

    model = Twins(SHARING["behind"]())
    again = Twins.from_config(model.get_config())
    assert again.count_params() == model.count_params() == 40
    assert ef.models.clone_model(ef.models.clone_model(model.one)).count_params() == 20


def test_a_number_of_another_config_names_nothing_here():
    config = ef.Sequential([ef.Input((4,)), Dense(4, name="a"), Dense(4, name="b")]).get_config()
    for entry in config["layers"]:
        entry["shared_object_id"] = 1
    assert ef.Sequential.from_config(config).count_params() == 40


def test_built_in_layers_and_models_get_lists_for_tuples_as_keras_reads_them():
    x, y = ef.Input((4,)), (ef.Input((4,)), ef.Input((4,)))
    model = ef.Model(x, ef.Model(y, y[0] - y[1])((Average()((x, x)), x)))
    assert "__tuple__" not in model.to_json()
    np.testing.assert_array_equal(ef.models.model_from_json(model.to_json())(X), model(X))


@pytest.mark.parametrize("repeated", [lambda: Dense(4), lambda: ef.Sequential([ef.Input((4,)), Dense(4)])])
def test_a_sequential_that_calls_a_layer_twice_is_written_to_h5_once(repeated, tmp_path):
    layer = repeated()
    model = ef.Sequential([ef.Input((4,)), layer, ef.layers.ReLU(), layer, Dense(2)])
    again = by_file(model, tmp_path, "m.h5")
    assert again.count_params() == model.count_params() == 30
    np.testing.assert_array_equal(again(X), model(X))
    model.save_weights(tmp_path / "w.h5")
    again.set_weights([w + 1 for w in model.get_weights()])
    again.load_weights(tmp_path / "w.h5")
    np.testing.assert_array_equal(again(X), model(X))


def test_a_private_attribute_goes_by_the_name_of_its_property_as_in_keras(tmp_path):
    class Outer(ef.layers.Layer):
        def __init__(self):
            super().__init__(name="outer")
            self._inner, self._other = ef.layers.Dense(1), ef.layers.Dense(1)

        @property
        def inner(self):
            return self._inner

        def call(self, x):
            return self._other(self._inner(x))

    model = ef.Sequential([ef.Input((1,)), Outer()])
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as file:
        assert [*file["layers/outer"]] == ["_other", "inner", "vars"]
