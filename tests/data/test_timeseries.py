"""Windows of a series, as Keras 3.15 cuts them."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.preprocessing import timeseries_dataset_from_array

SERIES = np.arange(12)


def windows(targets=None, **settings):
    dataset = timeseries_dataset_from_array(SERIES, targets, **{"sequence_length": 3, **settings})
    pairs = [batch if isinstance(batch, tuple) else (batch, None) for batch in dataset]
    return [(x.tolist(), y if y is None else y.tolist()) for x, y in pairs]


@pytest.mark.parametrize(
    ("settings", "first", "last", "count"),
    [
        ({}, [0, 1, 2], [9, 10, 11], 10),
        ({"sequence_stride": 2}, [0, 1, 2], [8, 9, 10], 5),
        ({"sampling_rate": 2}, [0, 2, 4], [7, 9, 11], 8),
        ({"start_index": 2, "end_index": 8}, [2, 3, 4], [5, 6, 7], 4),
        ({"sequence_length": 12}, list(range(12)), list(range(12)), 1),
    ],
)
def test_windows(settings, first, last, count):
    [(found, _)] = windows(**settings)
    assert (found[0], found[-1], len(found)) == (first, last, count)


@pytest.mark.parametrize(
    ("targets", "settings", "expected"),
    [
        (SERIES * 10, {}, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]),
        (SERIES[3:] * 10, {}, [30, 40, 50, 60, 70, 80, 90, 100, 110]),
        (SERIES * 10, {"start_index": 2}, [20, 30, 40, 50, 60, 70, 80, 90]),
        (SERIES[2:] * 10, {"start_index": 2}, [40, 50, 60, 70, 80, 90, 100, 110]),
        (SERIES, {"sequence_stride": 3, "sampling_rate": 2}, [0, 3, 6]),
    ],
)
def test_targets_go_with_the_step_a_window_begins_at(targets, settings, expected):
    [(_, found)] = windows(targets, **settings)
    assert found == expected


def test_batches():
    assert [len(x) for x, _ in windows(batch_size=4)] == [4, 4, 2]
    assert windows(batch_size=None)[0] == ([0, 1, 2], None)


def test_random_order():
    dataset = timeseries_dataset_from_array(SERIES, SERIES, 2, batch_size=None, shuffle=True, seed=3)
    first, second = ([(x.tolist(), int(y)) for x, y in dataset] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == [([i, i + 1], i) for i in range(11)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequence_length": 0}, "sequence_length=0"),
        ({"sequence_stride": 1.5}, "sequence_stride=1.5"),
        ({"sequence_length": 20}, "no window of sequence_length=20"),
        ({"start_index": 12}, "the series has 12 time steps"),
        ({"end_index": 20}, "at most 12"),
        ({"end_index": 0}, "end_index=0"),
        ({"format": "torch"}, "expected 'tf' or 'grain'"),
    ],
)
def test_mistakes(settings, message):
    with pytest.raises(ValueError, match=message):
        windows(**settings)


@pytest.mark.parametrize(("seeds", "same"), [((3, 3), True), ((3, 4), False), ((None, None), False)])
def test_a_seed_fixes_the_order(seeds, same):
    one, other = (windows(sequence_length=1, batch_size=None, shuffle=True, seed=seed) for seed in seeds)
    assert (one == other) is same
    assert sorted(one) == sorted(other) == windows(sequence_length=1, batch_size=None)
