"""Pairs of words for learning word vectors, the way word2vec draws them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["make_sampling_table", "skipgrams"]

_GAMMA = 0.577  # Euler's constant, with the digits that Keras takes


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """Sampling probabilities of words by rank, as in word2vec: frequent words are used less often.

    Word frequencies are assumed to follow Zipf's law.

    Args:
        size: the number of ranks, which is the size of the vocabulary.
        sampling_factor: the sampling factor of word2vec; smaller values use frequent words less.

    Returns:
        float64 of shape `(size,)`.

    Raises:
        ValueError: when size is below 1.

    Source: T. Mikolov and others, "Distributed representations of words and phrases", 2013.

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
    """Makes training pairs for word2vec: neighbouring words, and words with random ones (negative samples).

    Args:
        sequence: a list of words' numbers; 0 stands for no word and is left out.
        vocabulary_size: the highest number of a word, plus one.
        window_size: the largest distance between neighbouring words.
        negative_samples: the number of random pairs for each pair of neighbours.
        shuffle: whether the pairs are in random order.
        categorical: whether labels are `[0, 1]` and `[1, 0]` instead of 1 and 0.
        sampling_table: the probability of using the word of each rank, see `make_sampling_table`; default: all are
            used.
        seed: the seed of the order; other draws come from Python's `random`, as in Keras.

    Returns:
        A list of pairs, and a list of labels: 1 for neighbours, else 0.

    Source: T. Mikolov and others, "Efficient estimation of word representations in vector space", 2013.

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
