"""Layers for text and categories: what they take, what they refuse, what they remember."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.data import Dataset
from eagerflow.layers.preprocessing.text.fingerprint import fingerprint64, siphash64


@pytest.mark.parametrize(
    "words", [["a", "b"], ("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], object), [b"a", b"b"]]
)
def test_text_may_come_as_lists_arrays_and_bytes(words):
    assert layers.StringLookup(vocabulary=["b", "a"])(words).tolist() == [2, 1]


def test_one_string_is_one_token():
    assert layers.StringLookup(vocabulary=["b", "a"])("a").item() == 2


@pytest.mark.parametrize("make", [layers.StringLookup, layers.TextVectorization])
def test_numbers_are_no_text(make):
    layer = make(vocabulary=["a"], name="words")
    with pytest.raises(TypeError, match='"words": expected strings'):
        layer(np.array([1, 2]))
    with pytest.raises(TypeError, match="got int 1"):
        layer(np.array(["a", 1], object))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]), ValueError, "equal lengths"),
        (
            lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["a", "z"]),
            ValueError,
            r"\['z'\] are not in the vocabulary",
        ),
        (lambda: layers.StringLookup(vocabulary=["a"]).adapt(["b"]), ValueError, "has a given vocabulary"),
        (lambda: layers.StringLookup(output_mode="multi_hot")(["a"]), RuntimeError, "adapt"),
        (lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]), ValueError, "split=None"),
    ],
)
def test_text_that_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary": ["a", "b", "a"]}, r"repeated tokens: \['a'\]"),
        ({"vocabulary": []}, "empty"),
        ({"vocabulary": ["a", "m"], "mask_token": "m"}, "reserved token 'm' at index 1"),
        ({"vocabulary": ["a", "b", "c"], "max_tokens": 3}, "4 tokens"),
        ({"vocabulary": "/no/such/file.txt"}, "does not exist"),
        ({"max_tokens": 1}, "max_tokens=1"),
        ({"num_oov_indices": -1}, "num_oov_indices=-1"),
        ({"pad_to_max_tokens": True}, "expected max_tokens too"),
        ({"invert": True, "output_mode": "count"}, "inverted"),
        ({"output_mode": "counts"}, "Did you mean 'count'"),
        ({"sparse": True, "output_mode": "count"}, "no sparse"),
        ({"vocabulary": ["a"], "output_mode": "tf_idf"}, "idf_weights"),
        ({"vocabulary": ["a"], "output_mode": "tf_idf", "idf_weights": [1.0, 2.0]}, "one idf_weight per token"),
        ({"idf_weights": [1.0]}, "only for output_mode"),
        ({"salt": "x"}, "salt='x'"),
    ],
)
def test_unusable_settings_of_lookups_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.StringLookup(**arguments)


def test_the_length_of_vectors_does_not_change_once_known():
    layer = layers.StringLookup(output_mode="count")
    layer.adapt(["a", "b"])
    with pytest.raises(RuntimeError, match="length of the vectors"):
        layer.set_vocabulary(["a", "b", "c"])


def test_adapting():
    layer = layers.StringLookup()
    layer.adapt(["a", "a", "b"])
    layer.adapt(["c"])
    assert layer.get_vocabulary() == ["[UNK]", "c"]
    layer = layers.StringLookup()
    layer.adapt(iter([["a"], ["b"], ["c"]]), steps=2)
    assert sorted(layer.get_vocabulary(False)) == ["a", "b"]
    pairs = Dataset.from_tensor_slices((np.array(["a", "b"]), np.array([0, 1]))).batch(2)
    layer = layers.StringLookup()
    layer.adapt(pairs)
    assert sorted(layer.get_vocabulary(False)) == ["a", "b"]


def test_vocabularies_may_hold_the_special_tokens_already():
    layer = layers.StringLookup(vocabulary=["", "[UNK]", "a"], mask_token="")
    assert layer.get_vocabulary() == ["", "[UNK]", "a"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["a"]
    assert layer.vocabulary_size() == 3


def test_vocabulary_files(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("ä\nb\n", encoding="utf-8")
    assert layers.StringLookup(vocabulary=str(path))(["b", "ä"]).tolist() == [2, 1]
    path.write_text("7\n3\n", encoding="utf-8")
    assert layers.IntegerLookup(vocabulary=str(path))([3, 7]).tolist() == [2, 1]


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
@pytest.mark.parametrize("cls", [layers.StringLookup, layers.TextVectorization])
def test_what_was_found_is_saved_and_loaded(cls, mode, tmp_path):
    texts = np.array([["b"], ["a"], ["b"], ["ü"]])
    layer = cls(output_mode=mode)
    layer.adapt(texts)
    store: dict[str, np.ndarray] = {}
    layer.save_own_variables(store)
    layer.save_assets(tmp_path)
    again = cls.from_config(layer.get_config())
    again.load_own_variables(store)
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == layer.get_vocabulary()
    np.testing.assert_array_equal(again(texts).numpy(), layer(texts).numpy())


def test_text_layers_adapt_to_data_sets_and_map_them():
    texts = Dataset.from_tensor_slices(np.array(["a b", "b c", "b"])).batch(2)
    layer = layers.TextVectorization(output_sequence_length=2)
    layer.adapt(texts)
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "c", "a"]
    assert [x.tolist() for x in texts.map(layer)] == [[[4, 2], [2, 3]], [[2, 0]]]


def test_own_functions_standardize_and_split():
    layer = layers.TextVectorization(
        standardize=np.char.upper, split=lambda texts: [t.split("-") for t in texts], vocabulary=["A", "B"]
    )
    assert layer(["a-b", "b"]).tolist() == [[2, 3], [3, 0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"standardize": "upper"}, "standardize='upper'"),
        ({"split": "words"}, "split='words'"),
        ({"ngrams": "two"}, "ngrams='two'"),
        ({"output_sequence_length": 0}, "output_sequence_length=0"),
        ({"output_sequence_length": 4, "output_mode": "count"}, 'belongs to output_mode="int"'),
        ({"ragged": True}, "ragged"),
    ],
)
def test_unusable_settings_of_text_vectorization_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.TextVectorization(**arguments)


def test_one_hot_needs_documents_of_one_length():
    layer = layers.TextVectorization(vocabulary=["a", "b"], output_mode="one_hot")
    assert layer(["a b", "b a"]).shape == (2, 2, 3)
    with pytest.raises(ValueError, match="equally many words"):
        layer(["a b", "b"])


def test_inverted_lookups_undo_lookups():
    words = ["x", "y", "z"]
    back = layers.StringLookup(vocabulary=words, invert=True)
    found = back(layers.StringLookup(vocabulary=words)(np.array([["z", "x"]])))
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [["z", "x"]]


@pytest.mark.parametrize("length", range(0, 200, 7))
def test_fingerprints_do_not_depend_on_their_neighbours(length):
    text = bytes(range(length % 250)) * 1
    alone, among = fingerprint64([text])[0], fingerprint64([b"other", text, text + b"!"])[1]
    assert alone == among
    assert siphash64([text], [1, 2])[0] == siphash64([b"other", text], [1, 2])[1] != siphash64([text], [2, 1])[0]


def test_hashes_spread_over_all_bins():
    bins = layers.Hashing(num_bins=16)(np.arange(4000)).numpy()
    counts = np.bincount(bins, minlength=16)
    assert counts.min() > 180
    assert counts.max() < 330


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Hashing(num_bins=0), "num_bins=0"),
        (lambda: layers.Hashing(num_bins=None), "num_bins=None"),
        (lambda: layers.Hashing(num_bins=3, dtype="float32"), "int32 or int64"),
        (lambda: layers.Hashing(num_bins=3, salt=(1, 2, 3)), "salt"),
        (lambda: layers.HashedCrossing(num_bins=3, output_mode="count"), "output_mode='count'"),
        (lambda: layers.HashedCrossing(num_bins=3)(["a"]), "two or more"),
        (lambda: layers.HashedCrossing(num_bins=3)([["a"], ["b", "c"]]), "one shape"),
        (lambda: layers.CategoryEncoding(), "IntegerLookup"),
        (lambda: layers.CategoryEncoding(num_tokens=3)([3]), "from 0 to 2"),
        (lambda: layers.CategoryEncoding(num_tokens=3)([-1]), "got -1 to -1"),
        (lambda: layers.CategoryEncoding(num_tokens=3)([1], count_weights=[0.5]), "count_weights"),
    ],
)
def test_unusable_categories_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: layers.CategoryEncoding(num_tokens=4, name="kinds")(x),
        lambda x: layers.CategoryEncoding(num_tokens=4, name="kinds")(ef.Tensor(x)),
        lambda x: layers.Hashing(num_bins=3, name="kinds")(x),
        lambda x: layers.IntegerLookup(vocabulary=[1, 2], name="kinds")(x),
        lambda x: layers.IntegerLookup(vocabulary=[1, 2], name="kinds")(ef.Tensor(x)),
        lambda x: layers.IntegerLookup(name="kinds").adapt(np.asarray(x)),
    ],
    ids=["encoding", "of a tensor", "hashing", "lookup", "lookup of a tensor", "adapt"],
)
def test_numbers_with_fractions_are_no_categories(call):
    call([[1.0, 2.0]])
    for wrong in (1.5, np.nan, np.inf):
        with pytest.raises(
            TypeError, match=f'"kinds".* takes whole numbers; the inputs have {wrong:g} .*Discretization'
        ):
            call([[1.0, wrong]])


def test_categories_in_a_functional_model():
    x = ef.Input((3,), dtype="int32")
    model = ef.Model(x, layers.CategoryEncoding(num_tokens=4, output_mode="count")(x))
    assert model.output_shape == (None, 4)
    assert model(np.array([[0, 1, 1]], "int32")).tolist() == [[1, 2, 0, 0]]


def test_integers_and_hashes_in_a_functional_model():
    x = ef.Input((2,), dtype="int64")
    found = layers.IntegerLookup(vocabulary=[5, 6])(x)
    hashes = layers.Hashing(num_bins=3, output_mode="multi_hot")(x)
    model = ef.Model(x, [layers.Embedding(3, 4)(found), hashes])
    embedded, hot = model(np.array([[5, 9]]))
    assert embedded.shape == (1, 2, 4)
    assert hot.shape == (1, 3)


@pytest.mark.parametrize("mode", ["multi_hot", "count"])
def test_texts_without_a_word_are_vectors_of_zeros(mode):
    layer = layers.TextVectorization(vocabulary=["a", "b"], output_mode=mode)
    assert layer([" ", ""]).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_weights_of_words_are_filled_up_to_max_tokens():
    settings = {"output_mode": "tf_idf", "max_tokens": 6, "pad_to_max_tokens": True}
    layer = layers.TextVectorization(vocabulary=["a", "b"], idf_weights=[1.0, 3.0], **settings)
    assert layer(["a b b c"]).tolist() == [[2.0, 1.0, 6.0, 0.0, 0.0, 0.0]]  # an unknown word weighs their mean


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 2)])
def test_categories_know_their_shape(mode, shape):
    for layer in (layers.CategoryEncoding(4, output_mode=mode), layers.Hashing(3, output_mode=mode)):
        assert layer.compute_output_shape(shape) == layer(np.ones(shape, int)).shape


def test_text_vectorization_computes_strings():
    assert layers.TextVectorization().compute_dtype == layers.TextVectorization().variable_dtype == "string"
