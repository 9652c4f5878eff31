"""Rarer steps of data sets; the results are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import Tensor
from eagerflow.data import Dataset


def numbers(dataset):
    return [np.asarray(x).tolist() for x in dataset]


def counted(start, end):
    return Dataset.range(start, end).map(lambda i: np.full(int(i), int(i)))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: Dataset.range(7).window(3, shift=2), [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6]]),
        (lambda: Dataset.range(7).window(3, 1, 2, drop_remainder=True), [[0, 2, 4], [1, 3, 5], [2, 4, 6]]),
        (lambda: Dataset.range(10).window(2, shift=4), [[0, 1], [4, 5], [8, 9]]),
    ],
)
def test_windows(made, expected):
    assert [numbers(part) for part in made()] == expected


def test_windows_of_tuples_and_dicts_have_a_data_set_for_each_part():
    pair = next(iter(Dataset.from_tensor_slices(([1, 2, 3], [4, 5, 6])).window(2)))
    assert [numbers(part) for part in pair] == [[1, 2], [4, 5]]
    named = next(iter(Dataset.from_tensor_slices({"a": [1, 2, 3]}).window(2)))
    assert numbers(named["a"]) == [1, 2]
    assert numbers(next(iter(Dataset.from_tensor_slices({"a": [1, 2, 3]}).window(1)))["a"]) == [1]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: Dataset.range(3).flat_map(lambda i: Dataset.range(int(i) + 1)), [0, 0, 1, 0, 1, 2]),
        (
            lambda: Dataset.range(4).interleave(lambda i: Dataset.from_tensor_slices([int(i)] * 3), 2, 2),
            [0, 0, 1, 1, 0, 1, 2, 2, 3, 3, 2, 3],
        ),
        (lambda: Dataset.range(7).shard(3, 1), [1, 4]),
        (lambda: Dataset.range(9).take_while(lambda i: i < 3), [0, 1, 2]),
        (lambda: Dataset.range(5).batch(2).rebatch(3), [[0, 1, 2], [3, 4]]),
        (lambda: Dataset.range(3).apply(lambda d: d.take(1)).with_options(None), [0]),
        (lambda: counted(1, 5).padded_batch(2), [[[1, 0], [2, 2]], [[3, 3, 3, 0], [4, 4, 4, 4]]]),
        (lambda: counted(1, 4).padded_batch(2, [3], -1, drop_remainder=True), [[[1, -1, -1], [2, 2, -1]]]),
    ],
)
def test_steps(made, expected):
    assert numbers(made()) == expected


def test_padded_batches_of_structures_and_text():
    words = [np.array(["a"]), np.array(["b", "c"])]
    rows = Dataset.from_generator(lambda: iter([({"w": words[0]}, 1), ({"w": words[1]}, 2)]))
    x, y = next(iter(rows.padded_batch(2)))
    assert x["w"].numpy().tolist() == [[b"a", b""], [b"b", b"c"]]
    assert y.tolist() == [1, 2]
    x, _ = next(iter(rows.padded_batch(2, ({"w": [3]}, []))))
    assert x["w"].shape == (2, 3)
    with pytest.raises(ValueError, match="longer than"):
        next(iter(rows.padded_batch(2, ({"w": [3]},))))
    with pytest.raises(ValueError, match="an element has the shape"):
        next(iter(counted(1, 4).padded_batch(3, [2])))


@pytest.mark.parametrize("lists", [[[4], [1, 2, 3]], [[1, 2, 3], [4]]])
def test_padding_lists_of_unequal_lengths_drops_nothing_but_says_to_give_arrays(lists):
    with pytest.raises(ValueError, match=r"consists of . parts, another of .*give each as one array"):
        next(iter(Dataset.from_generator(lambda: lists).padded_batch(2)))


def test_single_numbers_of_data_sets():
    assert int(Dataset.range(5).reduce(0, lambda total, x: total + x)) == 10
    assert int(Dataset.range(1).get_single_element()) == 0
    with pytest.raises(ValueError, match="got more"):
        Dataset.range(2).get_single_element()
    assert tuple(Dataset.range(4).batch(2).element_spec) == ((2,), np.dtype("int64"))


def test_elements_that_cannot_be_made_are_left_out():
    def odd(i):
        if int(i) % 2 == 0:
            raise ValueError("even")
        return i

    assert numbers(Dataset.range(5).map(odd).ignore_errors()) == [1, 3]


def test_files_by_their_names(tmp_path):
    for name in ("b.txt", "a.txt", "c.png"):
        (tmp_path / name).touch()
    found = Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False)
    assert [x.numpy().decode()[-5:] for x in found] == ["a.txt", "b.txt"]
    assert len(list(Dataset.list_files([str(tmp_path / "*.txt"), str(tmp_path / "*.png")], seed=1))) == 3
    with pytest.raises(FileNotFoundError, match="no such file"):
        Dataset.list_files(str(tmp_path / "*.gif"))


def test_samples_of_several_data_sets():
    both = Dataset.sample_from_datasets([Dataset.range(50), Dataset.range(100, 150)], weights=[0.9, 0.1], seed=1)
    found = numbers(both)
    assert sorted(found) == [*range(50), *range(100, 150)]
    assert sum(x < 100 for x in found[:20]) > 12
    short = Dataset.sample_from_datasets([Dataset.range(2), Dataset.range(9)], seed=1, stop_on_empty_dataset=True)
    assert len(numbers(short)) < 11
    assert isinstance(next(iter(short)), Tensor)
