"""Reuters: newswires as lists of word ranks, and their topics."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from eagerflow.base.tracebacks import boundary
from eagerflow.datasets.npz import read_arrays
from eagerflow.datasets.objects import FormatError
from eagerflow.datasets.source import KERAS_SITE, Source, Split, check_split, expect, orders, same_length
from eagerflow.datasets.words import marked, of_objects, read_word_index, shorter, within

__all__ = ["get_label_names", "get_word_index", "load_data"]

_SOURCE = Source(
    "reuters.npz", KERAS_SITE + "reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
)
_INDEX = Source("reuters_word_index.json", KERAS_SITE + "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")

# The topics of the corpus (Reuters-21578), in the order of the labels.
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton "
    "carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock "
    "retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


@boundary
def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Loads the Reuters newswires: 11,228 in 46 topics.

    Each word is encoded as its rank by frequency plus `index_from`; 0 is left for padding. The file (2 MB) is
    downloaded once, unless it is there already.

    Source: Reuters-21578, D. D. Lewis, 1987 to 1997; the file is Keras'.

    Args:
        path: the file, in the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`); or an absolute path.
        num_words: keep only words whose number is below this one; default: all.
        skip_top: keep only words whose number is at least this one.
        maxlen: keep only newswires of fewer words, the start included.
        test_split: the fraction of the data that is for tests, from 0 to below 1.
        seed: the seed of the order of the newswires.
        start_char: marks the start of a newswire; None for no mark.
        oov_char: the number that stands for words that aren't kept; None to leave them out.
        index_from: the number that is added to every rank.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: newswires as arrays of lists of ints, and topics from 0 to 45.

    Raises:
        ConnectionError: when the file isn't there and can't be downloaded.
        ValueError: when the file that is there has another format, or `maxlen` leaves no newswire.

    >>> from pathlib import Path
    >>> texts = np.empty(5, object)
    >>> texts[:] = [[rank] for rank in range(5, 10)]
    >>> np.savez("small.npz", x=texts, y=[3, 4, 3, 4, 16])
    >>> path = Path("small.npz").resolve()  # without one: 8982 newswires and 2246
    >>> (x_train, y_train), (x_test, y_test) = ef.datasets.reuters.load_data(path, test_split=0.2)
    >>> len(x_train), len(x_test), sorted([*y_train.tolist(), *y_test.tolist()])
    (4, 1, [3, 3, 4, 4, 16])
    """
    check_split(test_split)
    arrays = _SOURCE.read(_read, path)
    (indices,) = orders(seed, len(arrays["x"]))
    texts: Any = marked(arrays["x"][indices], start_char, index_from)
    labels: Any = arrays["y"][indices]
    if maxlen:
        texts, labels = shorter(maxlen, texts, labels)
        if not texts:
            raise ValueError(f"load_data(maxlen={maxlen}): no newswire is that short. Fix: a higher maxlen.")
    texts, labels = within(texts, num_words, skip_top, oov_char), np.asarray(labels)
    count = int(len(texts) * (1 - test_split))
    return (of_objects(texts[:count]), labels[:count]), (of_objects(texts[count:]), labels[count:])


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """A dict from words to their ranks by frequency, from 1. `load_data` adds its `index_from` to them.

    Args:
        path: the file, in the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`); or an absolute path.

    Raises:
        ConnectionError: when the file isn't there and can't be downloaded.
        ValueError: when the file that is there has another format.

    >>> import json
    >>> from pathlib import Path
    >>> _ = Path("index.json").write_text(json.dumps({"the": 1, "of": 2}), encoding="utf-8")
    >>> ef.datasets.reuters.get_word_index(Path("index.json").resolve())["of"]  # without a path: 30979 words
    2
    """
    return _INDEX.read(read_word_index, path)


def get_label_names() -> tuple[str, ...]:
    """The names of the topics, in the order of the labels: a tuple of strings.

    >>> ef.datasets.reuters.get_label_names()[3]
    'earn'
    """
    return tuple(_TOPICS.split())


def _read(path: Path) -> dict[str, np.ndarray]:
    arrays = read_arrays(path, ("x", "y"))
    if arrays["x"].dtype != object:
        raise FormatError(f"array 'x' is {arrays['x'].dtype}, expected lists of ints")
    expect(arrays, y=(None,))
    same_length(arrays, ("x", "y"))
    return arrays
