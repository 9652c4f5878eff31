"""Texts as lists of word numbers, the way Keras 2 did it; the layer `TextVectorization` is its successor."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from eagerflow.base.errors import expect_one_of
from eagerflow.core.observe import scope

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_Mode: TypeAlias = Literal["binary", "count", "freq", "tfidf"] | str
_MODES = ("binary", "count", "freq", "tfidf")


def text_to_word_sequence(input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """Splits a text into a list of words.

    Args:
        input_text: the text.
        filters: characters that are replaced by `split`.
        lower: whether the text is converted to lower case.
        split: the text at which words are separated.

    >>> ef.preprocessing.text.text_to_word_sequence("The cat, the mat.")
    ['the', 'cat', 'the', 'mat']
    """
    text = input_text.lower() if lower else input_text
    parting = {ord(character): split for character in filters}
    return [word for word in text.translate(parting).split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Encodes each word of a text as a number from 1 to n - 1, by Python's `hash`, which differs from run to run.

    It doesn't make one-hot vectors, in spite of its name; see `hashing_trick`.

    Args:
        input_text: the text.
        n: the size of the vocabulary.
        filters: see `text_to_word_sequence`.
        lower: see `text_to_word_sequence`.
        split: see `text_to_word_sequence`.
        analyzer: a function that returns the words of a text, instead of `text_to_word_sequence`.

    >>> numbers = ef.preprocessing.text.one_hot("the cat the mat", 50)
    >>> len(numbers), numbers[0] == numbers[2], all(1 <= n < 50 for n in numbers)
    (4, True, True)
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Encodes each word of a text as a number from 1 to n - 1 by its hash; different words may share a number.

    Args:
        text: the text.
        n: the size of the vocabulary; 0 stands for no word.
        hash_function: a function that returns an integer for a word; or `"md5"`, which gives the same numbers in every
            run. Default: Python's `hash`, which doesn't.
        filters: see `text_to_word_sequence`.
        lower: see `text_to_word_sequence`.
        split: see `text_to_word_sequence`.
        analyzer: a function that returns the words of a text, instead of `text_to_word_sequence`.

    Raises:
        ValueError: when n is below 2, or the name of a hash function is unknown.

    >>> ef.preprocessing.text.hashing_trick("the cat the mat", 50, "md5")
    [43, 32, 43, 29]
    """
    if n < 2:
        raise ValueError(f"hashing_trick(n={n!r}): expected at least 2.")
    if isinstance(hash_function, str) and hash_function != "md5":
        raise ValueError(f"hashing_trick(hash_function={hash_function!r}): expected 'md5' or a function.")
    number = _md5 if hash_function == "md5" else hash_function or hash
    assert callable(number)  # the one name was replaced
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [number(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Encodes texts as the numbers of their words, which are ranked by frequency from 1 up; 0 is left for padding.

    It is for Keras 2 programs; its successor is the layer `TextVectorization`.

    Args:
        num_words: keep only words whose number is below this one; default: all.
        filters: characters that are replaced by `split`.
        lower: whether texts are converted to lower case.
        split: the text at which words are separated.
        char_level: whether every character counts as a word.
        oov_token: a word with number 1 that stands for unknown words; None to leave them out.
        analyzer: a function that returns the words of a text, instead of `text_to_word_sequence`.
        **kwargs: `nb_words`, the older name of `num_words`, and `document_count`.

    Attributes:
        word_index: a dict from words to numbers; `index_word` is the reverse.
        word_counts: how often each word occurred, in the order of appearance.
        word_docs: in how many texts each word occurred; `index_docs` is the same by number.
        document_count: the number of texts seen.

    Source: the class of the same name in `keras.preprocessing.text`, whose numbers and JSON it shares.

    >>> tokenizer = ef.preprocessing.text.Tokenizer(oov_token="?")
    >>> tokenizer.fit_on_texts(["the cat", "the dog"])
    >>> tokenizer.texts_to_sequences(["the cat sat"])
    [[2, 3, 1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.num_words = kwargs.pop("nb_words", num_words)
        self.document_count: int = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f"Tokenizer() got an unknown argument {next(iter(kwargs))!r}.")
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.analyzer = analyzer
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Counts the words of texts, and numbers all words seen so far by frequency.

        Args:
            texts: an iterable of texts, or of lists of words.

        >>> tokenizer = ef.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> tokenizer.word_index
        {'the': 1, 'cat': 2, 'dog': 3}
        """
        if isinstance(texts, str):
            raise TypeError("Tokenizer.fit_on_texts(texts): expected a list of texts; got one text.")
        with scope("user", "vocabulary", self):
            for text in texts:
                self.document_count += 1
                self._count(list(self._words(text)))
            self._number()

    def _count(self, words: list[str]) -> None:
        for word in words:
            self.word_counts[word] = self.word_counts.get(word, 0) + 1
        for word in set(words):
            self.word_docs[word] = self.word_docs.get(word, 0) + 1

    def _number(self) -> None:
        by_count = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        words = by_count if self.oov_token is None else [self.oov_token, *by_count]
        self.word_index = {word: number for number, word in enumerate(words, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def _words(self, text: Any) -> Iterable[str]:
        if isinstance(text, list):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_sequences(self, sequences: Iterable[Iterable[int]]) -> None:
        """Counts in how many sequences each number occurs, which `sequences_to_matrix` needs for `"tfidf"`.

        Args:
            sequences: lists of numbers.

        >>> tokenizer = ef.preprocessing.text.Tokenizer(num_words=4)
        >>> tokenizer.fit_on_sequences([[1, 2, 1], [3]])
        >>> tokenizer.document_count, dict(tokenizer.index_docs)
        (2, {1: 1, 2: 1, 3: 1})
        """
        for sequence in sequences:
            self.document_count += 1
            for number in set(sequence):
                self.index_docs[number] = self.index_docs.get(number, 0) + 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Converts each text to the list of its words' numbers.

        Args:
            texts: an iterable of texts, or of lists of words.

        >>> tokenizer = ef.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> tokenizer.texts_to_sequences(["the dog", "a cat"])  # "a" is unknown
        [[1, 3], [2]]
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Like `texts_to_sequences`, as a generator.

        Args:
            texts: an iterable of texts, or of lists of words.

        >>> tokenizer = ef.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> next(tokenizer.texts_to_sequences_generator(["the dog", "a cat"]))
        [1, 3]
        """
        if isinstance(texts, str):
            raise TypeError("Tokenizer.texts_to_sequences(texts): expected a list of texts; got one text.")
        unknown = self._unknown()
        for text in texts:
            numbers = (self.word_index.get(word) for word in self._words(text))
            kept = (number if self._given_out(number) else unknown for number in numbers)
            yield [number for number in kept if number is not None]

    def _unknown(self) -> int | None:
        return None if self.oov_token is None else self.word_index.get(self.oov_token)

    def _given_out(self, number: int | None) -> bool:
        return number is not None and (not self.num_words or number < self.num_words)

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Converts each list of numbers to a text: its words, joined by spaces.

        Args:
            sequences: lists of numbers.

        >>> tokenizer = ef.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> tokenizer.sequences_to_texts([[1, 3], [2]])
        ['the dog', 'cat']
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Like `sequences_to_texts`, as a generator.

        Args:
            sequences: lists of numbers.

        >>> tokenizer = ef.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> next(tokenizer.sequences_to_texts_generator([[1, 3], [2]]))
        'the dog'
        """
        unknown = None if self._unknown() is None else self.oov_token
        for sequence in sequences:
            words = (
                self.index_word[int(n)] if int(n) in self.index_word and self._given_out(int(n)) else unknown
                for n in sequence
            )
            yield " ".join(word for word in words if word is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: _Mode = "binary") -> np.ndarray:
        """Converts texts to a matrix with a row per text and a column per word.

        Args:
            texts: an iterable of texts, or of lists of words.
            mode: as for `sequences_to_matrix`.

        >>> tokenizer = ef.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])  # the: 1, cat: 2, dog: 3
        >>> tokenizer.texts_to_matrix(["the dog", "cat"]).tolist()
        [[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Iterable[Any], mode: _Mode = "binary") -> np.ndarray:
        """Converts sequences to a matrix with a row per sequence and a column per word.

        Args:
            sequences: lists of numbers.
            mode: `"binary"`: 1 for words that occur; `"count"`: how often they occur; `"freq"`: their fraction of the
                sequence; `"tfidf"`: `(1 + log count) * log(1 + texts / (1 + texts with the word))`.

        Returns:
            float64 of shape `(sequences, num_words)`.

        Raises:
            ValueError: for another mode, or when there is no vocabulary yet.

        >>> tokenizer = ef.preprocessing.text.Tokenizer(num_words=4)
        >>> tokenizer.sequences_to_matrix([[1, 1, 3], [2]], mode="count").tolist()
        [[0.0, 2.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]
        >>> tokenizer.sequences_to_matrix([[1, 1, 3], [2]], mode="binary").tolist()
        [[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]
        """
        expect_one_of("Tokenizer.sequences_to_matrix", "mode", mode, _MODES)
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            raise ValueError("Tokenizer: give it num_words, or call fit_on_texts first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: 'tfidf' needs texts; call fit_on_texts first.")
        rows = [list(sequence) for sequence in sequences]
        matrix = np.zeros((len(rows), columns))
        for row, sequence in zip(matrix, rows):
            for number, count in Counter(n for n in sequence if n < columns).items():
                row[number] = self._weight(mode, number, count, len(sequence))
        return matrix

    def _weight(self, mode: _Mode, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            seen = self.index_docs.get(number, 0)
            return float((1 + np.log(count)) * np.log(1 + self.document_count / (1 + seen)))
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]

    def get_config(self) -> dict[str, Any]:
        """The arguments (without `analyzer`) and the counts, as a dict; the counts are JSON texts.

        >>> config = ef.preprocessing.text.Tokenizer(num_words=100, lower=False).get_config()
        >>> config["num_words"], config["lower"]
        (100, False)
        """
        tables = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        plain = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        return {name: getattr(self, name) for name in plain} | {
            name: json.dumps(getattr(self, name)) for name in tables
        }

    def to_json(self, **kwargs: Any) -> str:
        """The tokenizer as a JSON text, which `tokenizer_from_json` reads.

        Args:
            **kwargs: passed on to `json.dumps`.

        >>> tokenizer = ef.preprocessing.text.Tokenizer()
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> again = ef.preprocessing.text.tokenizer_from_json(tokenizer.to_json())
        >>> again.word_index == tokenizer.word_index
        True
        """
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Creates a tokenizer from the text that `Tokenizer.to_json`, here or in Keras, returned.

    Args:
        json_string: that text.

    Raises:
        ValueError: for another text.

    >>> tokenizer = ef.preprocessing.text.Tokenizer()
    >>> tokenizer.fit_on_texts(["the cat", "the dog"])
    >>> ef.preprocessing.text.tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["the dog"])
    [[1, 3]]
    """
    try:
        config = _object_in(_object_in(json_string)["config"])
        kinds = {"word_counts": int, "word_docs": int, "word_index": int, "index_docs": int, "index_word": str}
        found = {name: _object_in(config.pop(name), kind) for name, kind in kinds.items()}
        numbers = {n: {int(i): value for i, value in found[n].items()} for n in ("index_docs", "index_word")}
        tokenizer = Tokenizer(**config)
    except KeyError as error:
        raise ValueError(f"tokenizer_from_json(json_string): it holds no tokenizer (no {error!s:.80}).") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"tokenizer_from_json(json_string): it holds no tokenizer ({error!s:.200}).") from None
    tokenizer.word_counts = OrderedDict(found["word_counts"])
    tokenizer.word_docs = defaultdict(int, found["word_docs"])
    tokenizer.word_index = found["word_index"]
    tokenizer.index_docs = defaultdict(int, numbers["index_docs"])
    tokenizer.index_word = numbers["index_word"]
    return tokenizer


def _object_in(text: Any, values: type = object) -> dict[str, Any]:
    """The JSON object in a text, or the object itself, when all in it is of one kind."""
    found = json.loads(text) if isinstance(text, (str, bytes)) else text
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object where there is {found!r:.60}")
    for key, value in found.items():
        if not isinstance(value, values):
            raise ValueError(f"expected {values.__name__} for {key!r:.40} where there is {value!r:.60}")
    return dict(found)


def __dir__() -> list[str]:
    return sorted(__all__)
