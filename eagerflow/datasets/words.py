"""What imdb and reuters share: texts as lists of word ranks, and the index of the words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from eagerflow.base.machine.budget import LoadLimitError, json_value
from eagerflow.datasets.objects import FormatError

__all__ = ["marked", "of_objects", "read_word_index", "shorter", "within"]

Texts = list[list[int]]


def marked(texts: Iterable[Sequence[int]], start_char: int | None, index_from: int) -> Texts:
    """Texts with every rank moved up by `index_from`, after a `start_char` where there is one."""
    start = [] if start_char is None else [start_char]
    shift = index_from or 0
    return [start + [word + shift for word in text] for text in texts]


def shorter(maxlen: int, texts: Texts, labels: Iterable[int]) -> tuple[Texts, list[int]]:
    """The texts of fewer than `maxlen` words, with their labels."""
    kept = [(text, label) for text, label in zip(texts, labels) if len(text) < maxlen]
    return [text for text, _ in kept], [label for _, label in kept]


def within(texts: Texts, num_words: int | None, skip_top: int, oov_char: int | None) -> Texts:
    """Texts in which words outside `skip_top` to `num_words` are replaced by `oov_char`, or left out.

    Without `num_words` the highest index itself is the limit, as it is in Keras.
    """
    limit = num_words or max((max(text, default=0) for text in texts), default=0)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < limit] for text in texts]
    return [[word if skip_top <= word < limit else oov_char for word in text] for text in texts]


def of_objects(texts: Texts) -> np.ndarray:
    """A row of lists: always with one axis, also when the lists are equally long."""
    row = np.empty(len(texts), dtype=object)
    row[:] = texts
    return row


def read_word_index(path: Path) -> dict[str, int]:
    """The rank of every word, from a JSON file.

    Raises:
        FormatError: when the file holds anything but words and their ranks.
    """
    try:
        index = json_value(path.read_text(encoding="utf-8"), "its JSON")
    except LoadLimitError:
        raise
    except ValueError as error:
        raise FormatError(f"it is no JSON ({str(error)[:80]})") from None
    if not isinstance(index, dict) or set(map(type, index.values())) - {int}:
        raise FormatError("it is no JSON object of words and their ranks")
    return index
