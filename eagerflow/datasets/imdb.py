"""IMDB: film reviews as lists of word ranks, and whether they praise the film."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from eagerflow.base.tracebacks import boundary
from eagerflow.datasets.npz import read_arrays
from eagerflow.datasets.objects import FormatError
from eagerflow.datasets.source import KERAS_SITE, Source, Split, expect, orders, same_length
from eagerflow.datasets.words import marked, of_objects, read_word_index, shorter, within

__all__ = ["get_word_index", "load_data"]

_SOURCE = Source(
    "imdb.npz", KERAS_SITE + "imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
)
_INDEX = Source("imdb_word_index.json", KERAS_SITE + "imdb_word_index.json", "bfafd718b763782e994055a2d397834f")


@boundary
def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Loads the IMDB reviews: 25,000 to train with and 25,000 to test with.

    Each word is encoded as its rank by frequency plus `index_from`; 0 is left for padding. The file (17 MB) is
    downloaded once, unless it is there already.

    Source: A. L. Maas and others, "Learning word vectors for sentiment analysis", 2011; the file is Keras'.

    Args:
        path: the file, in the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`); or an absolute path.
        num_words: keep only words whose number is below this one; default: all.
        skip_top: keep only words whose number is at least this one.
        maxlen: keep only reviews of fewer words, the start included.
        seed: the seed of the order of the reviews.
        start_char: marks the start of a review; None for no mark.
        oov_char: the number that stands for words that aren't kept; None to leave them out.
        index_from: the number that is added to every rank.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: reviews as arrays of lists of ints, and labels: 1 for a positive review,
        0 for a negative one.

    Raises:
        ConnectionError: when the file isn't there and can't be downloaded.
        ValueError: when the file that is there has another format, or `maxlen` leaves no review.

    >>> from pathlib import Path
    >>> texts = np.empty(2, object)
    >>> texts[:] = [[5, 1, 9], [2, 3]]  # ranks of words
    >>> np.savez("small.npz", x_train=texts, y_train=[1, 0], x_test=texts, y_test=[1, 0])
    >>> path = Path("small.npz").resolve()  # without one: 25000 reviews to train with and 25000 to test with
    >>> (x_train, y_train), test = ef.datasets.imdb.load_data(path, num_words=10)
    >>> sorted(x_train.tolist())  # 1 begins a text, 2 stands for a rarer word, to ranks 3 is added
    [[1, 5, 6], [1, 8, 4, 2]]
    """
    arrays = _SOURCE.read(_read, path)
    train, test = orders(seed, len(arrays["x_train"]), len(arrays["x_test"]))
    x_train: Any = marked(arrays["x_train"][train], start_char, index_from)
    x_test: Any = marked(arrays["x_test"][test], start_char, index_from)
    y_train: Any = arrays["y_train"][train]
    y_test: Any = arrays["y_test"][test]
    if maxlen:
        x_train, y_train = shorter(maxlen, x_train, y_train)
        x_test, y_test = shorter(maxlen, x_test, y_test)
        if not x_train or not x_test:
            raise ValueError(f"load_data(maxlen={maxlen}): no review is that short. Fix: a higher maxlen.")
    texts = within(x_train + x_test, num_words, skip_top, oov_char)
    count = len(x_train)
    return (of_objects(texts[:count]), np.asarray(y_train)), (of_objects(texts[count:]), np.asarray(y_test))


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """A dict from words to their ranks by frequency, from 1. `load_data` adds its `index_from` to them.

    Args:
        path: the file, in the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`); or an absolute path.

    Raises:
        ConnectionError: when the file isn't there and can't be downloaded.
        ValueError: when the file that is there has another format.

    >>> import json
    >>> from pathlib import Path
    >>> _ = Path("index.json").write_text(json.dumps({"the": 1, "and": 2}), encoding="utf-8")
    >>> ranks = ef.datasets.imdb.get_word_index(Path("index.json").resolve())  # without a path: 88584 words
    >>> words = {rank + 3: word for word, rank in ranks.items()}
    >>> [words.get(number, "?") for number in [1, 4, 5]]  # as `load_data` numbers them
    ['?', 'the', 'and']
    """
    return _INDEX.read(read_word_index, path)


def _read(path: Path) -> dict[str, np.ndarray]:
    arrays = read_arrays(path, ("x_train", "y_train", "x_test", "y_test"))
    for name in ("x_train", "x_test"):
        if arrays[name].dtype != object:
            raise FormatError(f"array {name!r} is {arrays[name].dtype}, expected lists of ints")
    expect(arrays, y_train=(None,), y_test=(None,))
    same_length(arrays, ("x_train", "y_train"), ("x_test", "y_test"))
    return arrays
