"""FeatureSpace: the results of Keras 3.15 on the same data, its modes, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as keras
from eagerflow.utils import FeatureSpace
from tests.fixtures.cases.feature_space_cases import ADAPT, COLUMNS, DATA, KINDS, ONE, cases
from tests.sources import ROOT

ANSWERS = np.load(ROOT / "tests" / "fixtures" / "feature_space.npz")
INPUTS = {"batch": DATA, "columns": COLUMNS, "one": ONE}
CASES = ("names", "other_names", "integers", "limited")


@pytest.fixture
def space():
    made = FeatureSpace(KINDS, crosses=[("city", "code")])
    made.adapt(ADAPT)
    return made


def numbers(outputs):
    named = outputs if isinstance(outputs, dict) else {"": outputs}
    return {key: np.asarray(x) for key, x in named.items()}


def assert_same(found, expected):
    assert set(found) == set(expected)
    for key, x in found.items():
        assert x.shape == expected[key].shape, key
        np.testing.assert_allclose(x, expected[key], atol=1e-5, err_msg=key)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("case", CASES)
def test_results_are_those_of_keras(case, kind):
    made = cases(keras)[case]
    made.adapt(ADAPT)
    start = f"{case}/{kind}/"
    expected = {n.removeprefix(start): ANSWERS[n] for n in ANSWERS.files if n.startswith(start)}
    assert_same(numbers(made(INPUTS[kind])), expected)


@pytest.mark.parametrize("case", CASES)
def test_a_model_of_the_inputs_gives_the_same(case):
    made = cases(keras)[case]
    made.adapt(ADAPT)
    model = keras.Model(made.get_inputs(), made.get_encoded_features())
    assert set(made.get_inputs()) == set(DATA)
    columns = {key: np.array(x) for key, x in COLUMNS.items()}
    assert_same(numbers(model(columns)), numbers(made(DATA)))


@pytest.mark.parametrize("batched", [False, True])
def test_a_data_set_is_as_good_as_a_dict(space, batched):
    dataset = keras.data.Dataset.from_tensor_slices({key: np.array(x) for key, x in ADAPT.items()})
    other = FeatureSpace(KINDS, crosses=[("city", "code")])
    other.adapt(dataset.batch(3) if batched else dataset)
    assert_same(numbers(other(DATA)), numbers(space(DATA)))


def test_a_data_set_can_be_mapped(space):
    arrays = {key: np.array(x) for key, x in DATA.items()}
    dataset = keras.data.Dataset.from_tensor_slices((arrays, np.arange(3)))
    rows = [x.numpy() for x, _ in dataset.map(lambda x, y: (space(x), y))]
    np.testing.assert_array_equal(np.stack(rows), space(DATA).numpy())


def test_it_can_be_a_layer_of_a_model(space):
    inputs = space.get_inputs()
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(space(inputs)))
    columns = {key: np.array(x) for key, x in COLUMNS.items()}
    np.testing.assert_allclose(model(columns).numpy()[:, 0], space(DATA).numpy().sum(axis=1), rtol=1e-5)


def test_a_model_of_encoded_features_learns(space):
    keras.utils.set_random_seed(0)
    outputs = keras.layers.Dense(1, activation="sigmoid")(space.get_encoded_features())
    model = keras.Model(space.get_encoded_features(), outputs)
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss="binary_crossentropy")
    labels = np.array([1, 0, 1, 0, 0, 1, 0, 0], "float32")
    losses = model.fit(space(ADAPT), labels, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]


def test_adapting_again_forgets_what_was_found(space):
    before = space(DATA).shape
    space.adapt({**ADAPT, "city": ["oslo"] * 8})
    assert space(DATA).shape == (3, before[1] - 3)
    assert space.preprocessors["city"].get_vocabulary() == ["[UNK]", "oslo"]
    assert space.get_encoded_features().shape == (None, before[1] - 3)


def test_what_needs_no_data_needs_no_adapt():
    made = FeatureSpace({"a": "float", "b": FeatureSpace.integer_hashed(4)}, output_mode="dict")
    found = made({"a": [1, 2], "b": [3, 4]})
    assert found["a"].tolist() == [[1.0], [2.0]]
    assert found["b"].numpy().sum(axis=1).tolist() == [1.0, 1.0]


def test_layers_made_with_what_they_need_are_not_adapted():
    city = keras.layers.StringLookup(vocabulary=["rome", "oslo"])
    age = keras.layers.Normalization(mean=[10.0], variance=[4.0])
    made = FeatureSpace(
        {
            "city": FeatureSpace.feature("string", city, "one_hot"),
            "age": FeatureSpace.feature("float32", age, "float"),
            "pay": FeatureSpace.float_discretized(None, bin_boundaries=[1.0, 2.0]),
        }
    )
    found = made({"city": ["oslo", "lima"], "age": [12.0, 8.0], "pay": [1.0, 0.0]})
    assert found.tolist() == [[1, 0, 0, 1, 0, 1, 0], [-1, 1, 0, 0, 1, 0, 0]]


def test_three_features_can_be_crossed():
    made = FeatureSpace(
        dict.fromkeys("abc", "integer_hashed"),
        crosses=[FeatureSpace.cross(tuple("abc"), 8, output_mode="int")],
        output_mode="dict",
    )
    found = made({"a": [1, 1, 2], "b": [3, 3, 3], "c": [5, 5, 5]})["a_X_b_X_c"]
    assert found.shape == (3, 1)
    assert found[0].item() == found[1].item() < 8


def test_names_of_layers_and_crosses(space):
    assert space.preprocessors["city"].name == "city_preprocessor"
    assert isinstance(space.crossers["city_X_code"], keras.layers.HashedCrossing)
    assert FeatureSpace.float_rescaled(name="x").preprocessor.name == "x_preprocessor"
    assert [c.name for c in space.crosses] == ["city_X_code"]


@pytest.mark.parametrize("case", CASES)
def test_a_configuration_makes_an_equal_space(case):
    made = cases(keras)[case]
    config = made.get_config()
    assert list(config) == [
        "features",
        "output_mode",
        "crosses",
        "crossing_dim",
        "hashing_dim",
        "num_discretization_bins",
    ]
    again = FeatureSpace.from_config(json.loads(json.dumps(config)))
    for each in (made, again):
        each.adapt(ADAPT)
    assert_same(numbers(again(DATA)), numbers(made(DATA)))
    assert isinstance(keras.utils.deserialize_keras_object(keras.utils.serialize_keras_object(made)), FeatureSpace)


@pytest.mark.parametrize("case", CASES)
def test_a_model_of_it_can_be_saved(case, tmp_path):
    made = cases(keras)[case]
    made.adapt(ADAPT)
    model = keras.Model(made.get_inputs(), made.get_encoded_features())
    model.save(tmp_path / "model.keras")
    columns = {key: np.array(x) for key, x in COLUMNS.items()}
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_same(numbers(loaded(columns)), numbers(made(DATA)))


@pytest.mark.parametrize("case", CASES)
def test_it_can_be_saved_alone(case, tmp_path):
    made = cases(keras)[case]
    made.adapt(ADAPT)
    made.save(tmp_path / "space.keras")
    loaded = keras.models.load_model(tmp_path / "space.keras")
    assert_same(numbers(loaded(DATA)), numbers(made(DATA)))


def test_it_is_saved_only_with_what_it_has_seen(tmp_path):
    with pytest.raises(ValueError, match="must see data"):
        FeatureSpace({"f": "float_normalized"}).save(tmp_path / "space.keras")


def test_what_layers_were_built_for_can_be_restored(space):
    again = FeatureSpace.from_config(space.get_config())
    again.build_from_config(space.get_build_config())
    for key, layer in space.preprocessors.items():
        if hasattr(layer, "get_vocabulary"):
            again.preprocessors[key].set_vocabulary(layer.get_vocabulary())
    again.set_weights(space.get_weights())
    assert_same(numbers(again(DATA)), numbers(space(DATA)))


def test_keras_names_the_classes_of_configurations(space):
    described = keras.utils.serialize_keras_object(space)
    assert (described["module"], described["class_name"]) == ("keras.utils", "FeatureSpace")
    feature = described["config"]["features"]["city"]
    assert feature["module"] == "keras.src.layers.preprocessing.feature_space"
    identity = {"module": feature["module"], "class_name": "TFDIdentity", "config": {"name": "x"}}
    assert isinstance(keras.utils.deserialize_keras_object(identity), keras.layers.Identity)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FeatureSpace({}), "features"),
        (lambda: FeatureSpace({"a": "flaot"}), "Did you mean 'float'"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), "'concat' or 'dict'"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), r"unknown features \['b'\]"),
        (lambda: FeatureSpace(KINDS, crosses=[("city", "code")], crossing_dim=None), "crossing_dim=None"),
        (lambda: FeatureSpace.cross(("a",), 3), "two features"),
        (lambda: FeatureSpace.cross(("a", "b"), 3, output_mode="float"), "one_hot"),
        (lambda: FeatureSpace.string_hashed(3, output_mode="hot"), "one_hot"),
        (lambda: FeatureSpace(KINDS)(DATA), "call adapt"),
        (lambda: FeatureSpace(KINDS).get_inputs(), "call adapt"),
        (lambda: FeatureSpace(KINDS).adapt([1, 2]), "Dataset"),
        (lambda: FeatureSpace(KINDS).adapt({"age": [1.0]}), r"not the features \['city', 'code'\]"),
        (lambda: FeatureSpace(KINDS).adapt(keras.data.Dataset.range(3)), "dicts of features"),
        (lambda: FeatureSpace({"a": "float"})([1.0]), "expected a dict"),
        (lambda: FeatureSpace({"age": "float"})({"aeg": [1.0]}), "Did you mean 'age'"),
    ],
)
def test_what_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("features", "crosses", "words"),
    [
        ({"a": FeatureSpace.integer_hashed(3, output_mode="int")}, None, "can't be joined"),
        ({"a": FeatureSpace.feature("float32", keras.layers.Rescaling(2.0), "one_hot")}, None, "must give"),
        ({"a": FeatureSpace.feature("int32", keras.layers.Identity(dtype="int32"), "one_hot")}, None, "isn't known"),
        ({"a": "float", "b": "string_hashed"}, [("a", "b")], "integers or text"),
    ],
)
def test_features_that_cannot_be_encoded(features, crosses, words):
    with pytest.raises(ValueError, match=words):
        FeatureSpace(features, crosses=crosses).get_encoded_features()


def test_text_for_numbers_is_a_type_error():
    with pytest.raises(TypeError, match="'a' holds numbers"):
        FeatureSpace({"a": "float"})({"a": ["x"]})
