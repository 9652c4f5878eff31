"""Adapted vocabularies in every format, tokens that no line can hold, and copies that have none yet."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.models import clone_model, load_model, model_from_json

L = ef.layers
NAMES = ("m.keras", "m.h5", "m.safetensors", "folder")
LAYERS = {
    "strings": lambda: L.StringLookup(),
    "strings counted": lambda: L.StringLookup(output_mode="count", num_oov_indices=2),
    "strings weighed": lambda: L.StringLookup(output_mode="tf_idf"),
    "texts": lambda: L.TextVectorization(output_sequence_length=3),
    "texts as vectors": lambda: L.TextVectorization(output_mode="multi_hot"),
    "texts weighed": lambda: L.TextVectorization(output_mode="tf_idf"),
    "texts weighed and padded": lambda: L.TextVectorization(9, output_mode="tf_idf", pad_to_max_tokens=True),
    "whole texts": lambda: L.TextVectorization(standardize=None, split=None, output_sequence_length=1),
    "integers": lambda: L.IntegerLookup(),
    "integers as vectors": lambda: L.IntegerLookup(output_mode="one_hot"),
}
TEXTS = np.array([["red blue"], ["blue red"], ["blue"], ["green"]], object)
NUMBERS = np.array([[7], [7], [-3], [5]])


def adapted(kind):
    numbers = kind.startswith("integers")
    layer, data = LAYERS[kind](), NUMBERS if numbers else TEXTS
    layer.adapt(data)
    return ef.Sequential([ef.Input((1,), dtype="int64" if numbers else "string"), layer]), data


def saved_and_loaded(model, folder, name):
    model.save(folder / name, zipped=False if name == "folder" else None)
    return load_model(folder / name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", LAYERS)
def test_an_adapted_vocabulary_is_kept(kind, name, tmp_path):
    model, data = adapted(kind)
    again = saved_and_loaded(model, tmp_path, name)
    assert again.layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))


@pytest.mark.parametrize(
    "copy", [clone_model, lambda m: model_from_json(m.to_json()), lambda m: type(m).from_config(m.get_config())]
)
@pytest.mark.parametrize("kind", LAYERS)
def test_a_copy_without_the_vocabulary_says_so_instead_of_knowing_no_word(kind, copy):
    model, data = adapted(kind)
    made = copy(model)
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        made.predict(data, verbose=0)
    made.layers[0].adapt(data)
    np.testing.assert_array_equal(made.predict(data, verbose=0), model.predict(data, verbose=0))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("token", ["dog\nbird", "dog\r", "\n", "a\r\nb", "lone \ud800", ""], ids=repr)
def test_a_token_that_no_line_can_hold_is_kept(token, name, tmp_path):
    layer = L.StringLookup(mask_token=None)
    layer.adapt(np.array([[token], [token], ["cat"], ["z"]], object))
    assert token in layer.get_vocabulary()
    again = saved_and_loaded(ef.Sequential([ef.Input((1,), dtype="string"), layer]), tmp_path, name)
    assert again.layers[0].get_vocabulary() == layer.get_vocabulary()


def test_an_empty_token_at_the_end_is_kept(tmp_path):
    layer = L.StringLookup(mask_token=None)
    layer.adapt(np.array([["cat"], ["cat"], [""]], object))
    again = saved_and_loaded(ef.Sequential([ef.Input((1,), dtype="string"), layer]), tmp_path, "m.keras")
    assert again.layers[0].get_vocabulary() == layer.get_vocabulary() == ["[UNK]", "cat", ""]


def test_ordinary_tokens_are_written_as_keras_writes_them(tmp_path):
    model, _ = adapted("strings")
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        names = [name for name in archive.namelist() if name.startswith("assets/")]
        assert names == ["assets/layers/string_lookup/vocabulary.txt"]
        assert archive.read(names[0]).decode().split("\n") == model.layers[0].get_vocabulary()


@pytest.mark.parametrize("content", [b"{", b"{}", b'[1, "a"]', b"[" * 5000])
def test_a_damaged_list_of_tokens_is_refused(content, tmp_path):
    (tmp_path / "vocabulary.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"vocabulary\.json holds no JSON list of tokens"):
        L.StringLookup().load_assets(tmp_path)


class Counts(L.Layer):
    """A layer whose state is no weight."""

    seen = 0

    def call(self, x):
        return x + self.seen

    def save_own_variables(self, store):
        store["seen"] = np.array(self.seen)

    def load_own_variables(self, store):
        self.seen = int(store["seen"])


@pytest.mark.parametrize("name", NAMES)
def test_what_a_layer_stores_itself_is_kept(name, tmp_path):
    layer = Counts()
    model = ef.Sequential([ef.Input((1,)), layer, L.Dense(1)])
    layer.seen = 5
    model.save(tmp_path / name, zipped=False if name == "folder" else None)
    assert load_model(tmp_path / name, custom_objects={"Counts": Counts}).layers[0].seen == 5


@ef.saving.register_keras_serializable("tests")
class WeightedWords(ef.Model):
    """A subclassed model of text and numbers."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.lookup = L.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
        self.dense = L.Dense(2)

    def call(self, inputs):
        return self.dense(self.lookup(inputs["word"]) * inputs["weight"])


def test_a_subclassed_model_of_text_is_built_again_from_its_file(tmp_path):
    model, x = WeightedWords(), {"word": np.array(["a", "b", "c"]), "weight": np.ones((3, 1), "float32")}
    expected = model(x)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "m.keras")(x), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_next_random_numbers_are_kept(name, tmp_path):
    model = ef.Sequential([ef.Input((20,)), L.Dropout(0.5, seed=3)])
    x = np.ones((2, 20), "float32")
    model(x, training=True)
    again = saved_and_loaded(model, tmp_path, name)
    np.testing.assert_array_equal(again(x, training=True), model(x, training=True))
