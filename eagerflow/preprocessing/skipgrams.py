"""Pairs of words for learning word vectors, the way word2vec draws them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["make_sampling_table", "skipgrams"]

_GAMMA = 0.577  # Euler's constant, with the digits that Keras takes


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """The probability with which the word of each rank is used, smaller for frequent words.

    The frequencies are those of Zipf's law, with the sum 1 + 1/2 + ... + 1/rank approximated.

    Args:
        size: how many ranks.
        sampling_factor: the factor of word2vec's formula.

    Returns:
        float64 of shape `(size,)`.

    Raises:
        ValueError: when size is below 1.

    Source: T. Mikolov and others, "Distributed representations of words and phrases", 2013.

    >>> import eagerflow as ef
    >>> ef.preprocessing.sequence.make_sampling_table(3).round(5).tolist()
    [0.00315, 0.00315, 0.00548]
    """
    if size < 1:
        raise ValueError(f"make_sampling_table(size={size!r}): expected at least 1.")
    rank = np.arange(size)
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + _GAMMA) + 0.5 - 1.0 / (12.0 * rank)
    scaled = sampling_factor * inverse_frequency
    return np.minimum(1.0, scaled / np.sqrt(scaled))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that stand near each other, and pairs of a word with a random one.

    Args:
        sequence: numbers of words; 0 is no word and left out.
        vocabulary_size: the highest number of a word, plus one.
        window_size: how far words may be apart.
        negative_samples: how many random pairs there are for every pair of neighbours.
        shuffle: whether the pairs are put into random order.
        categorical: labels `[0, 1]` and `[1, 0]` rather than 1 and 0.
        sampling_table: the probability with which a word of each rank is used, see `make_sampling_table`.
        seed: for the order; other draws come from Python's `random`, as in Keras.

    Returns:
        A list of pairs, and a list of labels: 1 for neighbours, else 0.

    Source: T. Mikolov and others, "Efficient estimation of word representations in vector space", 2013.

    >>> import eagerflow as ef
    >>> ef.preprocessing.sequence.skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
    ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    near, far = ([0, 1], [1, 0]) if categorical else (1, 0)
    couples = _neighbours(sequence, window_size, sampling_table)
    labels: list[Any] = [near] * len(couples)
    if negative_samples > 0 and couples:
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        count = int(len(labels) * negative_samples)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [far] * count
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        random.seed(seed)
        random.shuffle(couples)
        random.seed(seed)
        random.shuffle(labels)
    return couples, labels


def _neighbours(sequence: Sequence[int], window_size: int, sampling_table: Any) -> list[list[int]]:
    couples = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        start = max(0, i - window_size)
        window = enumerate(sequence[start : i + window_size + 1], start)
        couples += [[word, other] for j, other in window if j != i and other]
    return couples
