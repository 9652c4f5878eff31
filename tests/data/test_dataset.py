"""`data.Dataset`: what its steps give, lengths, order, threads."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from eagerflow.data import Dataset
from eagerflow.utils import set_random_seed


def values(dataset):
    return [element.tolist() for element in dataset]


def test_rows_become_elements():
    rows = list(Dataset.from_tensor_slices({"a": np.arange(2), "b": [[1.0], [2.0]]}))
    assert [row["a"].tolist() for row in rows] == [0, 1]
    assert rows[1]["b"].tolist() == [2.0]


def test_it_can_be_iterated_again():
    dataset = Dataset.range(3).map(lambda x: x * 2)
    assert values(dataset) == values(dataset) == [0, 2, 4]


@pytest.mark.parametrize("direct", [True, False], ids=["slices", "stacked"])
def test_batches(direct):
    dataset = Dataset.range(5) if direct else Dataset.range(5).map(lambda x: x)
    assert values(dataset.batch(2)) == [[0, 1], [2, 3], [4]]
    assert values(dataset.batch(2, drop_remainder=True)) == [[0, 1], [2, 3]]
    assert len(dataset.batch(2)) == 3
    assert len(dataset.batch(2, drop_remainder=True)) == 2


@pytest.mark.parametrize("direct", [True, False], ids=["slices", "buffered"])
def test_shuffling_keeps_every_element_and_changes_each_time(direct):
    dataset = (Dataset.range(50) if direct else Dataset.range(50).map(lambda x: x)).shuffle(50)
    first, second = values(dataset), values(dataset)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


def test_shuffling():
    found = []
    for _ in range(2):
        set_random_seed(3)
        found.append(values(Dataset.range(20).shuffle(20).batch(4)))
    assert found[0] == found[1]
    one = Dataset.range(20).shuffle(20, seed=1)
    other = Dataset.range(20).shuffle(20, seed=1)
    assert values(one) == values(other)
    fixed = Dataset.range(20).shuffle(5, seed=1, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)
    order = values(Dataset.range(100).shuffle(2, seed=0))
    assert order != list(range(100))
    assert all(element <= place + 2 for place, element in enumerate(order))


def test_steps_that_select():
    dataset = Dataset.range(10)
    assert values(dataset.take(2)) == [0, 1]
    assert values(dataset.skip(8)) == [8, 9]
    assert values(dataset.filter(lambda x: x % 2 == 0)) == [0, 2, 4, 6, 8]
    assert values(dataset.take(2).repeat(2)) == [0, 1, 0, 1]
    assert values(dataset.take(1).concatenate(dataset.skip(9))) == [0, 9]
    assert values(dataset.batch(4).unbatch()) == list(range(10))


def test_zip_and_enumerate():
    pairs = Dataset.zip(Dataset.range(3), Dataset.range(10))
    assert [(a.item(), b.item()) for a, b in pairs] == [(0, 0), (1, 1), (2, 2)]
    assert [i for i, _ in Dataset.range(2).enumerate()] == [0, 1]


def test_lengths():
    dataset = Dataset.range(10)
    assert len(dataset.skip(3).take(100)) == 7
    assert len(dataset.repeat(3)) == 30
    assert dataset.repeat().cardinality() == -1
    assert dataset.filter(bool).cardinality() == -2
    assert dataset.repeat().batch(2).cardinality() == -1
    assert len(dataset.repeat().take(5)) == 5
    with pytest.raises(TypeError, match="no end"):
        len(dataset.repeat())
    with pytest.raises(TypeError, match="unknown"):
        len(dataset.filter(bool))


def test_cache_runs_the_steps_before_it_once():
    calls = []

    def note(x):
        calls.append(x)
        return x

    dataset = Dataset.range(3).map(note).cache()
    assert values(dataset) == values(dataset) == [0, 1, 2]
    assert len(calls) == 3


def test_map_in_threads_keeps_the_order():
    def slow_first(x):
        time.sleep(0.01 if x == 0 else 0)
        return x

    assert values(Dataset.range(20).map(slow_first, num_parallel_calls=4)) == list(range(20))


def test_prefetch_works_in_a_thread_and_ends_with_its_iterator():
    before = threading.active_count()
    names = []

    def note(x):
        names.append(threading.current_thread() is threading.main_thread())
        return x

    dataset = Dataset.range(100).map(note).prefetch(2)
    assert values(dataset.take(3)) == [0, 1, 2]
    assert not any(names)
    assert threading.active_count() == before


def test_an_error_in_the_thread_comes_out():
    def fail(x):
        raise RuntimeError(f"no {x.item()}")

    with pytest.raises(RuntimeError, match="no 0"):
        list(Dataset.range(3).map(fail).prefetch(2))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Dataset.from_tensor_slices(([1, 2], [1, 2, 3])), ValueError, "same number"),
        (lambda: Dataset.from_tensor_slices([]), ValueError, "empty"),
        (lambda: Dataset.range(3).batch(0), ValueError, "batch_size=0"),
        (lambda: Dataset.range(3).shuffle(-1), ValueError, "buffer_size=-1"),
        (lambda: Dataset.from_generator(x for x in [1]), TypeError, "only once"),
    ],
)
def test_mistakes_have_clear_errors(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_elements_of_unequal_shapes_are_told_of_padded_batch():
    data = Dataset.from_generator(lambda: (np.ones(n) for n in (2, 3, 4))).batch(2)
    with pytest.raises(ValueError, match=r"different shapes, \(2,\) and \(3,\).*padded_batch\(2\)"):
        list(data)


def test_several_arrays_in_a_list_are_told_to_go_into_a_tuple():
    with pytest.raises(ValueError, match=r"\(10, 3\), \(10,\).*tuple: from_tensor_slices\(\(x, y\)\)"):
        Dataset.from_tensor_slices([np.ones((10, 3)), np.ones(10)])
    with pytest.raises(ValueError, match=r"\(2,\), \(1,\).*from_generator"):
        Dataset.from_tensor_slices([[1, 2], [3]])


def test_pythons_floats_are_float32_as_in_tensors_and_arrays_stay():
    given = {"plain": [[1.0, 2.0]], "whole": [1], "array": np.array([1.0]), "mixed": [np.float64(1)]}
    found = next(iter(Dataset.from_tensor_slices(given)))
    assert {name: part.dtype.name for name, part in found.items()} == {
        "plain": "float32",
        "whole": "int64",
        "array": "float64",
        "mixed": "float64",
    }
