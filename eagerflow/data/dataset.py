"""`Dataset`: a chain of small steps (shuffle, map, batch, ...) which runs again each time it is iterated.

Elements live on the host, as tensors in tuples and dicts; `fit` moves batches to its device.

Source: the interface follows `tf.data.Dataset`.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy

from eagerflow.base import tree
from eagerflow.base.errors import a_kind
from eagerflow.base.signatures import refuses
from eagerflow.base.tracebacks import boundary
from eagerflow.core.device import device
from eagerflow.core.random import Orders, generator, next_key, orders
from eagerflow.core.tensor import Tensor
from eagerflow.data.arrays import check_lengths
from eagerflow.data.elements import drawn, element_of, host_arrays, stacked, wrapped
from eagerflow.data.prefetch import ahead, in_order
from eagerflow.data.steps import MoreSteps, listed
from eagerflow.data.text import TextTensor

__all__ = ["Dataset"]


class _NumpyIterator(Iterator[Any]):
    def __init__(self, dataset: Iterable[Any]) -> None:
        self._elements = iter(dataset)

    def __next__(self) -> Any:
        element = next(self._elements)
        return tree.map_structure(lambda x: x.numpy() if isinstance(x, (Tensor, TextTensor)) else x, element)

    next = __next__  # as TensorFlow spells it


class Dataset(MoreSteps):
    """A pipeline of data, such as batches for training. It can be iterated any number of times.

    Create one with `from_tensor_slices`, `from_generator` or `range`; its methods don't change it, but return a
    new data set. Elements are tensors, or tuples and dicts of tensors.

    Args:
        make: a function without arguments that returns a new iterator over the elements.
        length: the number of elements; None when unknown, -1 for an endless data set.

    >>> batches = ef.data.Dataset.from_tensor_slices(([1, 2, 3], [0, 1, 0])).batch(2)
    >>> [x.tolist() for x, y in batches]
    [[1, 2], [3]]
    """

    def __init__(self, make: Callable[[], Iterable[Any]], length: int | None = None) -> None:
        self._make = make
        self._length = length

    # -- sources

    @staticmethod
    def from_tensor_slices(tensors: Any, *more: Any) -> Dataset:
        """A data set with one element for each row of the arrays.

        Args:
            tensors: an array, or a tuple or dict of arrays with the same number of rows.
            *more: refused: put several arrays into one tuple.

        Raises:
            ValueError: when the numbers of rows differ, or there are none.

        >>> data = ef.data.Dataset.from_tensor_slices({"x": [[1.0, 2.0], [3.0, 4.0]], "y": [0, 1]})
        >>> [(row["x"].tolist(), int(row["y"])) for row in data]
        [([1.0, 2.0], 0), ([3.0, 4.0], 1)]
        """
        if more:
            raise TypeError("from_tensor_slices takes several arrays as one tuple: from_tensor_slices((x, y)).")
        arrays = host_arrays(tensors)
        rows = check_lengths(tensors=arrays)
        return _Slices(arrays, rows)

    @staticmethod
    def from_generator(make: Callable[[], Iterable[Any]], length: int | None = None) -> Dataset:
        """A data set of what a generator yields.

        Args:
            make: a generator function without arguments, or a function that returns an iterable. It is called again for
                each iteration.
            length: the number of elements, if it is known.

        Raises:
            TypeError: for something that can't be called, such as a generator itself.

        >>> list(ef.data.Dataset.from_generator(lambda: [(1.0, 0), (2.0, 1)]))[1][0].tolist()
        2.0
        """
        if not callable(make):
            raise TypeError(
                f"from_generator(make=...): expected a function that makes a generator; got {type(make).__name__}. "
                "A generator itself can be iterated only once."
            )
        return Dataset(lambda: map(element_of, make()), length)

    @staticmethod
    def range(*bounds: int) -> Dataset:
        """A data set of whole numbers, like Python's `range`.

        Args:
            *bounds: `stop`; `start, stop`; or `start, stop, step`.

        >>> [int(x) for x in ef.data.Dataset.range(3)], [int(x) for x in ef.data.Dataset.range(2, 8, 2)]
        ([0, 1, 2], [2, 4, 6])
        """
        return _Slices(numpy.arange(*bounds), len(range(*bounds)))

    @staticmethod
    def zip(*datasets: Any) -> Dataset:
        """Tuples with one element of each data set; it ends with the shortest.

        Args:
            *datasets: the data sets, or a tuple of them, which may hold tuples.

        >>> [(int(a), int(b)) for a, b in ef.data.Dataset.zip(ef.data.Dataset.range(3), ef.data.Dataset.range(10, 20))]
        [(0, 10), (1, 11), (2, 12)]
        """
        parts = tuple(datasets[0]) if len(datasets) == 1 and isinstance(datasets[0], tuple) else datasets
        parts = tuple([Dataset.zip(d) if isinstance(d, tuple) else d for d in parts])
        other = next((d for d in parts if not isinstance(d, Dataset)), None)
        if other is not None:
            raise TypeError(f"Dataset.zip: expected data sets; got {a_kind(other)}. For arrays: from_tensor_slices.")
        lengths = [d._length for d in parts if d._length != -1]
        length = -1 if not lengths else None if None in lengths else min(n for n in lengths if n is not None)
        return Dataset(lambda: zip(*parts), length)

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: int | None = None) -> Dataset:
        """A data set of the names of files, as text.

        Args:
            file_pattern: a pattern such as `"data/*.csv"`, or a list of them.
            shuffle: whether the names come in random order; default: True.
            seed: an integer for the same order in every run.

        Raises:
            FileNotFoundError: when there is none.

        >>> from pathlib import Path
        >>> for name in ("a.csv", "b.csv", "notes.txt"):
        ...     Path(name).touch()
        >>> [name.numpy() for name in ef.data.Dataset.list_files("*.csv", shuffle=False)]
        [b'a.csv', b'b.csv']
        """
        return Dataset(listed(file_pattern, shuffle, seed))

    @staticmethod
    def sample_from_datasets(
        datasets: Any, weights: Any = None, seed: int | None = None, stop_on_empty_dataset: bool = False
    ) -> Dataset:
        """Takes each element from one of several data sets, chosen at random.

        Args:
            datasets: a list of data sets.
            weights: a probability for each of them; default: all the same.
            seed: an integer for the same choices in every run.
            stop_on_empty_dataset: whether to end with the first data set that ends; by default, the others go on.

        >>> few, many = ef.data.Dataset.range(100).repeat(), ef.data.Dataset.range(100, 200).repeat()
        >>> data = ef.data.Dataset.sample_from_datasets([few, many], weights=[0.2, 0.8], seed=1).take(1000)
        >>> round(sum(int(x) >= 100 for x in data) / 1000, 1)
        0.8
        """

        def make() -> Iterator[Any]:
            rng = generator(next_key() if seed is None else (int(seed), 0))
            left = [iter(d) for d in datasets]
            chances = numpy.ones(len(left)) if weights is None else numpy.array(weights, float)
            while left:
                i = int(rng.choice(len(left), p=chances / chances.sum()))
                element = next(left[i], left)
                if element is not left:
                    yield element
                elif stop_on_empty_dataset:
                    return
                else:
                    del left[i]
                    chances = numpy.delete(chances, i)

        return Dataset(make)

    def _new(self, make: Callable[[], Iterable[Any]], length: int | None = None) -> Dataset:
        return Dataset(make, length)

    # -- reading

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make())

    def as_numpy_iterator(self) -> Iterator[Any]:
        """An iterator over the elements, with NumPy arrays in place of tensors.

        >>> [x.item() for x in ef.data.Dataset.range(2).as_numpy_iterator()]
        [0, 1]
        """
        return _NumpyIterator(self)

    if not TYPE_CHECKING:  # to type checkers `dataset[0]` is a mistake

        def __getitem__(self, index: Any) -> NoReturn:
            raise TypeError(
                f"a Dataset has no element [{index!r:.40}]: it gives one after the other. next(iter(dataset)) is the "
                "first, dataset.take(3) has the first three, list(dataset) has all."
            )

    def __len__(self) -> int:
        if self._length is None or self._length < 0:
            raise TypeError(
                "this Dataset's length is unknown; take(n) gives one of a known length."
                if self._length is None
                else "this Dataset has no end; take(n) gives a finite one."
            )
        return self._length

    def cardinality(self) -> int:
        """The number of elements; -1 for an endless data set, -2 when it is unknown.

        >>> ef.data.Dataset.range(5).batch(2).cardinality(), ef.data.Dataset.range(5).repeat().cardinality()
        (3, -1)
        """
        return -2 if self._length is None else self._length

    # -- steps

    @boundary
    def map(self, function: Callable[..., Any], num_parallel_calls: int | None = None) -> Dataset:
        """Applies a function to every element.

        Args:
            function: takes an element and returns the new one; the parts of a tuple are passed as arguments.
            num_parallel_calls: how many threads compute elements ahead of their use; the order stays the same. Default:
                none.

        >>> data = ef.data.Dataset.from_tensor_slices(([1.0, 2.0], [0, 1]))
        >>> [(float(x), int(y)) for x, y in data.map(lambda x, y: (10 * x, y))]
        [(10.0, 0), (20.0, 1)]
        """

        def apply(element: Any) -> Any:
            with device("cpu"):
                return element_of(_called("map", function, element))

        workers = num_parallel_calls or 1
        if workers == -1:  # tf.data.AUTOTUNE
            workers = 4
        if workers > 1:
            return Dataset(lambda: in_order(apply, iter(self), workers, workers), self._length)
        return Dataset(lambda: map(apply, iter(self)), self._length)

    @boundary
    def filter(self, function: Callable[..., Any]) -> Dataset:
        """Keeps only the elements for which `function` is true.

        Args:
            function: takes an element and returns a bool; the parts of a tuple are passed as arguments.

        >>> [int(x) for x in ef.data.Dataset.range(6).filter(lambda x: x % 2 == 0)]
        [0, 2, 4]
        """
        return Dataset(lambda: (e for e in self if _called("filter", function, e)))

    @boundary
    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Stacks `batch_size` elements at a time along a new first axis.

        Args:
            batch_size: the number of elements in a batch, at least 1.
            drop_remainder: whether to leave out a last batch that is smaller.

        >>> [batch.tolist() for batch in ef.data.Dataset.range(5).batch(2)]
        [[0, 1], [2, 3], [4]]
        >>> [batch.tolist() for batch in ef.data.Dataset.range(5).batch(2, drop_remainder=True)]
        [[0, 1], [2, 3]]
        """
        size = _positive("batch", "batch_size", batch_size)
        return Dataset(lambda: stacked(iter(self), size, drop_remainder), _batches(self._length, size, drop_remainder))

    @boundary
    def unbatch(self) -> Dataset:
        """Splits each element, a batch, into its rows.

        >>> [int(x) for x in ef.data.Dataset.from_tensor_slices([[1, 2], [3, 4]]).unbatch()]
        [1, 2, 3, 4]
        """
        return Dataset(lambda: (row for e in self for row in Dataset.from_tensor_slices(e)))

    @boundary
    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> Dataset:
        """Puts the elements into random order: each is drawn from a buffer of the next `buffer_size` ones.

        Args:
            buffer_size: the size of the buffer. All orders are equally likely if it holds the whole data set.
            seed: an integer for the same order in every run; default: one that `set_random_seed` decides.
            reshuffle_each_iteration: whether the order is another one in each iteration.

        >>> data = ef.data.Dataset.range(5).shuffle(5, seed=1)
        >>> first, second = [int(x) for x in data], [int(x) for x in data]
        >>> sorted(first), first == second  # another order each time
        ([0, 1, 2, 3, 4], False)
        """
        size = _positive("shuffle", "buffer_size", buffer_size)
        draw = _generators(seed, reshuffle_each_iteration)
        return Dataset(lambda: drawn(iter(self), size, draw()), self._length)

    @boundary
    def repeat(self, count: int | None = None) -> Dataset:
        """Repeats the whole data set.

        Args:
            count: how often the elements come in all; None or -1: without end.

        >>> [int(x) for x in ef.data.Dataset.range(3).repeat(2)]
        [0, 1, 2, 0, 1, 2]
        >>> [int(x) for x in ef.data.Dataset.range(3).repeat().take(4)]
        [0, 1, 2, 0]
        """
        if count is None or count == -1:
            return Dataset(lambda: itertools.chain.from_iterable(itertools.repeat(self)), -1)
        length = self._length if self._length in (None, -1) else self._length * count
        return Dataset(lambda: itertools.chain.from_iterable(itertools.repeat(self, count)), length)

    @boundary
    def take(self, count: int) -> Dataset:
        """The first `count` elements.

        Args:
            count: how many elements to take at most.

        >>> [int(x) for x in ef.data.Dataset.range(5).take(3)]
        [0, 1, 2]
        """
        known = self._length is not None and self._length >= 0
        length = min(count, self._length or 0) if known else count if self._length == -1 else None
        return Dataset(lambda: itertools.islice(iter(self), count), length)

    @boundary
    def skip(self, count: int) -> Dataset:
        """All but the first `count` elements.

        Args:
            count: how many elements to leave out.

        >>> [int(x) for x in ef.data.Dataset.range(5).skip(3)]
        [3, 4]
        """
        length = self._length if self._length in (None, -1) else max(0, self._length - count)
        return Dataset(lambda: itertools.islice(iter(self), count, None), length)

    @boundary
    def enumerate(self, start: int = 0) -> Dataset:
        """Pairs `(number, element)`.

        Args:
            start: the number of the first element.

        >>> [(i, int(x)) for i, x in ef.data.Dataset.range(10, 13).enumerate()]
        [(0, 10), (1, 11), (2, 12)]
        """
        return Dataset(lambda: enumerate(self, start), self._length)

    @boundary
    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements of this data set, then those of another one.

        Args:
            dataset: the other data set.

        >>> [int(x) for x in ef.data.Dataset.range(2).concatenate(ef.data.Dataset.range(10, 12))]
        [0, 1, 10, 11]
        """
        lengths = (self._length, dataset._length)
        length = -1 if -1 in lengths else None if None in lengths else sum(n for n in lengths if n is not None)
        return Dataset(lambda: itertools.chain(self, dataset), length)

    @boundary
    def cache(self) -> Dataset:
        """Keeps the elements in memory, so that the earlier steps of the pipeline run only during the first iteration.

        >>> made = []
        >>> data = ef.data.Dataset.range(3).map(lambda x: made.append(int(x)) or 2 * x).cache()
        >>> first, second = [int(x) for x in data], [int(x) for x in data]
        >>> second, made  # `map` ran once for each element
        ([0, 2, 4], [0, 1, 2])
        """
        kept: list[Any] = []
        complete: list[bool] = []

        def make() -> Iterator[Any]:
            if complete:
                yield from kept
                return
            found = []
            for element in self:
                found.append(element)
                yield element
            kept[:] = found
            complete.append(True)

        return Dataset(make, self._length)

    @boundary
    def prefetch(self, buffer_size: int) -> Dataset:
        """Prepares the next elements in a thread while the present one is used.

        Args:
            buffer_size: how many elements are prepared ahead at most; -1 (`AUTOTUNE`): two.

        >>> [int(x) for x in ef.data.Dataset.range(3).map(lambda x: x * x).prefetch(2)]
        [0, 1, 4]
        """
        count = 2 if buffer_size == -1 else _positive("prefetch", "buffer_size", buffer_size)
        return Dataset(lambda: ahead(self.__iter__, count), self._length)

    def __repr__(self) -> str:
        length = {None: "unknown length", -1: "no end"}.get(self._length, f"{self._length} elements")
        return f"<Dataset: {length}>"


class _Slices(Dataset):
    """Rows of arrays, perhaps in random order: batches are then cut out at once, not stacked row by row."""

    def __init__(self, arrays: Any, rows: int, draw: Callable[[], numpy.random.Generator] | None = None) -> None:
        super().__init__(self._rows, rows)
        self._arrays = arrays
        self._draw = draw

    def _rows(self) -> Iterator[Any]:
        order = range(len(self)) if self._draw is None else self._draw().permutation(len(self))
        return (tree.map_structure(lambda a, i=i: wrapped(a[i]), self._arrays) for i in order)

    @boundary
    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        size = _positive("batch", "batch_size", batch_size)
        rows = len(self)
        end = rows - rows % size if drop_remainder else rows

        def make() -> Iterator[Any]:
            order = None if self._draw is None else self._draw().permutation(rows)
            for start in range(0, end, size):
                part = slice(start, min(start + size, rows))
                index: Any = part if order is None else order[part]
                yield tree.map_structure(lambda a, index=index: wrapped(a[index]), self._arrays)

        return Dataset(make, _batches(rows, size, drop_remainder))

    @boundary
    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> Dataset:
        if _positive("shuffle", "buffer_size", buffer_size) < len(self) or self._draw is not None:
            return super().shuffle(buffer_size, seed, reshuffle_each_iteration)
        return _Slices(self._arrays, len(self), _generators(seed, reshuffle_each_iteration))


def _called(method: str, function: Callable[..., Any], element: Any) -> Any:
    """What a function gives for an element, whose parts are its arguments.

    Raises:
        TypeError: where it takes another number of them.
    """
    parts = element if isinstance(element, tuple) else (element,)
    try:
        return function(*parts)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None or not refuses(function, *parts):
            raise
        taken = inspect.signature(function)
        asked = ", ".join(["x", "y", "z"][: len(parts)]) if len(parts) < 4 else "*parts"
        of = f"{len(parts)} parts, which become its arguments" if len(parts) > 1 else "one part"
        raise TypeError(
            f"Dataset.{method}: the function takes {taken}, and elements have {of}: write lambda {asked}: ..."
        ) from None


def _positive(method: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, numpy.integer)) or value < 1:
        raise ValueError(f"Dataset.{method}({name}={value!r}): expected an integer of at least 1.")
    return int(value)


def _batches(rows: int | None, size: int, drop_remainder: bool) -> int | None:
    if rows is None or rows < 0:
        return rows
    return rows // size if drop_remainder else -(-rows // size)


def _generators(seed: int | None, reshuffle: bool) -> Callable[[], numpy.random.Generator]:
    """A function that gives the generator for each iteration."""
    if not reshuffle:
        fixed = next_key() if seed is None else (int(seed), 0)
        return lambda: generator(fixed)
    if seed is None:
        return lambda: generator(next_key() if (of_pass := orders()) is None else of_pass.key())
    return _Seeded(int(seed))


class _Seeded:
    """The orders of a seed, one after the other; where `fit` trains, those of its epochs."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = self._number = 0
        self._pass: Orders | None = None

    def __call__(self) -> numpy.random.Generator:
        of_pass = orders()
        if of_pass is None:
            key = self._seed, self._count
            self._count += 1
            return generator(key)
        self._number = self._number + 1 if of_pass is self._pass else 0
        self._pass = of_pass
        return generator(of_pass.key_of_seed(self._seed, self._number))
