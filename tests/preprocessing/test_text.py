"""Tokenizers and windows of series: corners and errors; `test_match_keras.py` has the numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eagerflow.preprocessing import sequence, text


@pytest.fixture
def tokenizer():
    made = text.Tokenizer()
    made.fit_on_texts(["the cat", "the dog", ["Listed", "words"]])
    return made


def test_a_tokenizer_survives_json(tokenizer):
    again = text.tokenizer_from_json(tokenizer.to_json(indent=1))
    assert again.get_config() == tokenizer.get_config()
    assert again.texts_to_sequences(["a listed cat"]) == tokenizer.texts_to_sequences(["a listed cat"]) == [[4, 2]]
    again.fit_on_texts(["cat cat cat"])
    assert again.word_index["cat"] == 1


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"config": {}}', '{"config": 3}', "[" * 100_000])
def test_texts_that_hold_no_tokenizer(broken):
    with pytest.raises(ValueError, match="holds no tokenizer"):
        text.tokenizer_from_json(broken)


def test_a_configuration_with_an_unknown_setting_is_no_tokenizer(tokenizer):
    written = json.loads(tokenizer.to_json())
    written["config"]["eval"] = "1"
    with pytest.raises(ValueError, match="unknown argument 'eval'"):
        text.tokenizer_from_json(json.dumps(written))


def test_words_of_an_own_analyzer():
    made = text.Tokenizer(analyzer=lambda t: t.split("-"))
    made.fit_on_texts(["a-b-a"])
    assert made.texts_to_sequences(["b-a-c"]) == [[2, 1]]
    assert text.hashing_trick("a-b", 10, "md5", analyzer=lambda t: t.split("-")) == text.hashing_trick("a b", 10, "md5")
    assert all(1 <= number < 10 for number in text.one_hot("some words here", 10))


def test_sequences_count_as_documents():
    made = text.Tokenizer(num_words=4)
    made.fit_on_sequences([[1, 2, 2], [1, 3]])
    assert made.document_count == 2
    weights = made.sequences_to_matrix([[1, 2, 9]], "tfidf")[0]
    np.testing.assert_allclose(weights, [0, np.log(1 + 2 / 3), np.log(2), 0])


@pytest.mark.parametrize(
    ("call", "error", "problem"),
    [
        (lambda: text.Tokenizer(words=3), TypeError, "unknown argument 'words'"),
        (lambda: text.Tokenizer().fit_on_texts("one text"), TypeError, "a list of texts; got one text"),
        (lambda: text.Tokenizer().texts_to_sequences("one text"), TypeError, "a list of texts; got one text"),
        (lambda: text.Tokenizer().texts_to_matrix(["a"]), ValueError, "call fit_on_texts first"),
        (lambda: text.Tokenizer(5).sequences_to_matrix([[1]], "tfidf"), ValueError, "needs texts"),
        (lambda: text.Tokenizer(5).sequences_to_matrix([[1]], "tf-idf"), ValueError, "Did you mean 'tfidf'"),
        (lambda: text.hashing_trick("a", 1), ValueError, "n=1"),
        (lambda: text.hashing_trick("a", 9, "sha"), ValueError, "expected 'md5' or a function"),
        (lambda: sequence.make_sampling_table(0), ValueError, "size=0"),
        (lambda: sequence.TimeseriesGenerator([1, 2], [1], 1), ValueError, "2 time steps and targets 1"),
        (lambda: sequence.TimeseriesGenerator([1, 2], [1, 2], 0), ValueError, "length=0"),
        (lambda: sequence.TimeseriesGenerator([1, 2], [1, 2], 2), ValueError, "no window of length 2 fits"),
        (lambda: sequence.TimeseriesGenerator([1, 2], [1, 2], 1, end_index=2), ValueError, "there are 2 time steps"),
    ],
)
def test_what_cannot_be_is_refused(call, error, problem):
    with pytest.raises(error, match=problem):
        call()


def test_random_windows_and_their_configuration():
    series = np.arange(10)
    made = sequence.TimeseriesGenerator(series, series, 2, shuffle=True, batch_size=50)
    x, y = made[0]
    np.testing.assert_array_equal(x, np.stack([y - 2, y - 1], 1))
    assert set(y) <= set(range(2, 10))
    config = json.loads(made.to_json())["config"]
    assert json.loads(config["data"]) == series.tolist()
    assert (config["length"], config["start_index"], config["batch_size"]) == (2, 2, 50)


def test_pairs_of_no_words():
    assert sequence.skipgrams([0, 0], 5) == ([], [])
