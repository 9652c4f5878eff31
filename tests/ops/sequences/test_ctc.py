"""CTC, compared with the sum over all alignments, one by one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops

LOGITS = np.random.default_rng(3).normal(size=(1, 4, 3))
PROBABILITIES = (np.exp(LOGITS) / np.exp(LOGITS).sum(axis=2, keepdims=True))[0]


def collapsed(path, blank=0):
    """Repeated classes once, blanks dropped."""
    return tuple(k for k, _ in itertools.groupby(path) if k != blank)


def by_label_sequence(blank=0):
    """The probability of every label sequence, by going through all paths."""
    found = {}
    for path in itertools.product(range(3), repeat=4):
        labels = collapsed(path, blank)
        found[labels] = found.get(labels, 0) + math.prod(PROBABILITIES[t, k] for t, k in enumerate(path))
    return found


@pytest.mark.parametrize("labels", [(), (1,), (2, 1), (1, 1), (1, 2, 1), (2, 2, 1), (1, 2, 1, 2)])
def test_the_loss_sums_over_all_alignments(labels, device):
    padded = np.array([[*labels, *[1] * (5 - len(labels))]])
    loss = ops.ctc_loss(padded, LOGITS, [len(labels)], [4])
    np.testing.assert_allclose(loss.numpy(), [-math.log(by_label_sequence()[labels])], rtol=1e-6)


def test_labels_without_alignment_cost_infinitely_much_and_have_no_gradient():
    loss = ops.ctc_loss([[1, 1, 1]], LOGITS, [3], [4])
    assert loss.tolist() == [math.inf]
    assert not ef.grad(lambda x: ops.ctc_loss([[1, 1, 1]], x, [3], [4])[0])(LOGITS).numpy().any()


def test_steps_past_the_length_do_not_count():
    longer = np.concatenate([LOGITS, np.full((1, 2, 3), 7.0)], axis=1)
    expected = ops.ctc_loss([[1, 2]], LOGITS, [2], [4]).numpy()
    np.testing.assert_allclose(ops.ctc_loss([[1, 2]], longer, [2], [4]).numpy(), expected)


@pytest.mark.parametrize("blank", [0, 1, 2])
def test_beam_search_finds_the_most_probable_labels(blank):
    paths, scores = ops.ctc_decode(LOGITS, [4], "beam_search", 100, 3, mask_index=blank)
    best = sorted(by_label_sequence(blank).items(), key=lambda item: -item[1])[:3]
    assert [tuple(k for k in path[0] if k >= 0) for path in paths.tolist()] == [labels for labels, _ in best]
    np.testing.assert_allclose(scores.numpy(), [[math.log(p) for _, p in best]], rtol=1e-6)


def test_a_long_sequence_neither_overflows_nor_underflows():
    logits = np.random.default_rng(0).normal(size=(1, 400, 5)).astype("float32") * 20
    labels = np.tile([1, 2, 3, 4], (1, 25))
    loss = ops.ctc_loss(labels, logits, [100], [400])
    assert np.isfinite(loss.numpy()).all()
    slope = ef.grad(lambda x: ops.ctc_loss(labels, x, [100], [400])[0])(logits).numpy()
    np.testing.assert_allclose(slope.sum(axis=2), 0, atol=1e-4)


def test_labels_and_lengths_out_of_bounds_give_nan_on_a_gpu(cupy_stand_in):
    """Where looking at them would stop the GPU."""
    with ef.device("gpu:0"):
        found = ops.ctc_loss([[1], [9], [1]], np.repeat(LOGITS, 3, axis=0), [1, 1, 2], [4, 4, 4]).numpy()
    assert np.isnan(found).tolist() == [False, True, True]
