"""Models that take text: the part behind their text layers, and what those do as data beside the file."""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import Input, InputSpec, Model, Sequential, layers as L
from eagerflow.onnx import convert, text
from tests.onnx.test_export import session

onnx = pytest.importorskip("onnx")

WORDS = ["good", "bad", "film", "not"]
TEXTS = np.array([["A good film!"], ["not bad, NOT bad at all"], [""]])


def vectorized(**options):
    layer = L.TextVectorization(vocabulary=WORDS, **options)
    x = Input((1,), dtype="string", name="review")
    ids = layer(x)
    if options.get("output_mode", "int") == "int":
        return Model(x, L.Dense(2)(L.LSTM(3)(L.Embedding(7, 4, mask_zero=True)(ids))))
    return Model(x, L.Dense(2)(ids))


def lookup(**options):
    return L.StringLookup(vocabulary=WORDS, **options)


def looked_up(layer, *parts):
    x = Input((3,), dtype="string", name="tags")
    y = layer(x)
    for part in parts:
        y = part(y)
    return Model(x, y)


TAGS = np.array([["good", "film", "good"], ["bad", "not", "film"]])
ANY = np.array([["good", "new", "x"], ["bad", "", "film"]])
WEIGHTED = {"output_mode": "tf_idf", "idf_weights": [0.5, 1.0, 2.0, 0.1]}
CASES = {
    "words": (vectorized, TEXTS),
    "a length": (lambda: vectorized(output_sequence_length=5), TEXTS),
    "pairs of words": (lambda: vectorized(ngrams=2), TEXTS),
    "letters": (lambda: vectorized(split="character", standardize="lower"), TEXTS),
    "counts": (lambda: vectorized(output_mode="count"), TEXTS),
    "several": (lambda: vectorized(output_mode="multi_hot", pad_to_max_tokens=True, max_tokens=9), TEXTS),
    "weights": (lambda: vectorized(**WEIGHTED), TEXTS),
    "a lookup": (lambda: looked_up(lookup(), L.Embedding(5, 2)), ANY),
    "a strict lookup": (
        lambda: looked_up(L.StringLookup(vocabulary=WORDS, num_oov_indices=0), L.Embedding(5, 2)),
        TAGS,
    ),
    "a lookup to vectors": (
        lambda: looked_up(L.StringLookup(vocabulary=WORDS, output_mode="multi_hot"), L.Dense(2)),
        ANY,
    ),
    "categories": (lambda: looked_up(lookup(), L.CategoryEncoding(5, "multi_hot"), L.Dense(2)), ANY),
    "hashes": (lambda: looked_up(L.Hashing(6), L.Embedding(6, 2), L.Flatten()), ANY),
}


@pytest.mark.parametrize("name", CASES)
def test_the_part_behind_the_text_is_exported(name, tmp_path):
    make, texts = CASES[name]
    model = make()
    model.export(tmp_path / "m.onnx")
    about = json.loads((tmp_path / "m.text.json").read_text(encoding="utf-8"))
    (told,) = about["inputs"]
    layer = model.get_layer(told["name"])
    assert told["reads"] == [model.input_names[0]]
    (found,) = session(tmp_path / "m.onnx").run(None, {told["input"]: layer(texts).numpy()})
    np.testing.assert_allclose(found, model(texts, training=False), atol=1e-6)
    kept = {each.key: each.value for each in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert json.loads(kept["text"]) == about


def test_text_beside_numbers(tmp_path):
    words, age = Input((2,), dtype="string", name="words"), Input((1,), name="age")
    ids = L.StringLookup(vocabulary=WORDS, name="ids")(words)
    y = L.Concatenate()([L.Flatten()(L.Embedding(5, 3)(ids)), age])
    model = Model({"words": words, "age": age}, L.Dense(2)(y))
    model.export(tmp_path / "m.onnx")
    run = session(tmp_path / "m.onnx")
    assert {each.name for each in run.get_inputs()} == {"age", "ids"}
    texts, ages = np.array([["good", "film"], ["?", "bad"]]), np.float32([[1], [2]])
    (found,) = run.run(None, {"age": ages, "ids": model.get_layer("ids")(texts).numpy()})
    np.testing.assert_allclose(found, model({"words": texts, "age": ages}), atol=1e-6)


def test_one_layer_for_two_texts(tmp_path):
    layer, embed = L.TextVectorization(vocabulary=WORDS, output_sequence_length=3, name="ids"), L.Embedding(6, 4)
    a, b = Input((1,), dtype="string", name="a"), Input((1,), dtype="string", name="b")
    model = Model([a, b], L.Flatten()(embed(layer(a)) - embed(layer(b))))
    about = convert(model).text
    assert [(each["input"], each["reads"]) for each in about["inputs"]] == [("ids", ["a"]), ("ids_2", ["b"])]
    model.export(tmp_path / "m.onnx")
    given = {"ids": layer(TEXTS).numpy(), "ids_2": layer(TEXTS[::-1]).numpy()}
    (found,) = session(tmp_path / "m.onnx").run(None, given)
    np.testing.assert_allclose(found, model([TEXTS, TEXTS[::-1]]), atol=1e-6)


class Reader(Model):
    def __init__(self):
        super().__init__()
        self.ids = L.TextVectorization(vocabulary=WORDS)
        self.inner = Sequential([L.Embedding(6, 4), L.GlobalAveragePooling1D()])

    def call(self, x):
        return self.inner(self.ids(x))


def test_nested_and_subclassed_models(tmp_path):
    reader = Reader()
    outer = Sequential([Input((1,), dtype="string"), vectorized(), L.Dense(3)])
    for model, signature in ((reader, [InputSpec("string", (None, 1))]), (outer, None)):
        path = ef.onnx.export(model, tmp_path / "m.onnx", signature)
        (told,) = json.loads((tmp_path / "m.text.json").read_text(encoding="utf-8"))["inputs"]
        (layer,) = [each for each in text.readers(model) if each.name == told["name"]]
        (found,) = session(path).run(None, {told["input"]: layer(TEXTS).numpy()})
        np.testing.assert_allclose(found, model(TEXTS, training=False), atol=1e-6)


def test_functions_of_the_users_own_are_named():
    layer = L.TextVectorization(vocabulary=WORDS, standardize=lambda texts: texts)
    assert "function" in text.described(layer)["standardize"]


def test_crossed_text_and_numbers(tmp_path):
    words, age = Input((1,), dtype="string", name="words"), Input((1,), dtype="int64", name="age")
    model = Model([words, age], L.Embedding(8, 2)(L.HashedCrossing(8, name="crossed")([words, age])))
    (told,) = convert(model).text["inputs"]
    assert told["layer"] == "HashedCrossing"
    assert told["num_bins"] == 8


def test_models_without_text_have_no_description(tmp_path):
    Sequential([Input((3,)), L.Dense(2)]).export(tmp_path / "m.onnx")
    assert [each.name for each in tmp_path.iterdir()] == ["m.onnx"]
