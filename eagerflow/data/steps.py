"""Further steps of `Dataset`: windows, padded batches, data sets inside of data sets."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy

from eagerflow.base import tree
from eagerflow.base.typing import NewDataset, Tensors
from eagerflow.core.device import to_host
from eagerflow.core.random import generator, next_key
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, text_tensor
from eagerflow.layer.symbolic.text_type import is_text

T = TypeVar("T")

__all__ = ["MoreSteps", "listed", "padded"]


class MoreSteps:
    """The part of `Dataset` that `tf.data` has for rarer needs."""

    _make: Callable[[], Any]
    _length: int | None

    def _new(self, make: Callable[[], Any], length: int | None = None) -> Any:
        raise NotImplementedError

    def apply(self: Any, transformation_func: Callable[[Any], T]) -> T:
        """Calls a function with this data set and returns its result, which puts custom steps into a chain of methods.

        Args:
            transformation_func: takes a data set and returns one.

        >>> [batch.tolist() for batch in ef.data.Dataset.range(4).apply(lambda data: data.batch(2))]
        [[0, 1], [2, 3]]
        """
        return transformation_func(self)

    def flat_map(self: Any, map_func: Callable[..., Any]) -> NewDataset:
        """Makes a data set from each element, and joins these data sets one after the other.

        Args:
            map_func: takes an element and returns a data set.

        >>> [int(x) for x in ef.data.Dataset.range(4).flat_map(lambda n: ef.data.Dataset.range(int(n)))]
        [0, 0, 1, 0, 1, 2]
        """
        return self._new(lambda: itertools.chain.from_iterable(self.map_each(map_func)))

    def map_each(self: Any, function: Callable[..., Any]) -> Iterator[Any]:
        """An iterator over the results of a function for each element, which aren't converted to tensors.

        Args:
            function: takes an element; the parts of a tuple are passed as arguments.

        >>> list(ef.data.Dataset.range(3).map_each(int))
        [0, 1, 2]
        """
        return (function(*e) if isinstance(e, tuple) else function(e) for e in self)

    def interleave(
        self: Any, map_func: Callable[..., Any], cycle_length: int | None = None, block_length: int = 1, **kwargs: Any
    ) -> NewDataset:
        """Makes a data set from each element, and takes elements from several of these data sets in turn.

        Args:
            map_func: takes an element and returns a data set.
            cycle_length: from how many data sets at a time; default: 16.
            block_length: how many elements in a row are taken from each.
            **kwargs: accepted for TensorFlow's signature.

        >>> data = ef.data.Dataset.range(1, 3).interleave(lambda n: ef.data.Dataset.range(10 * int(n), 10 * int(n) + 3))
        >>> [int(x) for x in data]
        [10, 20, 11, 21, 12, 22]
        """
        width = 16 if cycle_length in (None, -1) else int(cycle_length or 1)

        def make() -> Iterator[Any]:
            waiting = self.map_each(map_func)
            running: list[Any] = [iter(d) for d in itertools.islice(waiting, width)]
            while running:
                for i, source in enumerate(running):
                    block = list(itertools.islice(source, block_length))
                    yield from block
                    if len(block) < block_length:
                        following = next(waiting, None)
                        running[i] = None if following is None else iter(following)
                running = [source for source in running if source is not None]

        return self._new(make)

    def window(
        self: Any, size: int, shift: int | None = None, stride: int = 1, drop_remainder: bool = False
    ) -> NewDataset:
        """Splits the elements into windows: a data set of data sets of `size` elements each.

        Args:
            size: how many elements a window has at most.
            shift: how many elements later the next window begins; default: `size`, so that windows don't overlap.
            stride: the distance between neighbouring elements of a window.
            drop_remainder: whether to leave out windows at the end that have fewer elements.

        >>> [[int(x) for x in part] for part in ef.data.Dataset.range(5).window(3, shift=2)]
        [[0, 1, 2], [2, 3, 4], [4]]
        """
        step = size if shift is None else int(shift)

        def make() -> Iterator[Any]:
            held: list[Any] = []
            source, reach, ended = iter(self), (size - 1) * stride + 1, False
            while True:
                while len(held) < reach and not ended:
                    following = next(source, held)
                    ended = following is held
                    if not ended:
                        held.append(following)
                part = held[:reach:stride]
                if not part or (drop_remainder and len(part) < size):
                    return
                yield self._parts_of(part)
                missing = step - len(held)
                del held[:step]
                for _ in range(missing):
                    next(source, None)

        return self._new(make)

    def _parts_of(self: Any, elements: list[Any]) -> Any:
        """Elements as a data set; of tuples, a tuple of data sets."""
        if isinstance(elements[0], tuple):
            return tuple([self._new(lambda c=column: iter(c), len(column)) for column in zip(*elements)])
        if isinstance(elements[0], Mapping):
            return {k: self._new(lambda k=k: (e[k] for e in elements), len(elements)) for k in elements[0]}
        return self._new(lambda: iter(elements), len(elements))

    def padded_batch(
        self: Any,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> NewDataset:
        """Batches of elements of different lengths, padded to the longest of the batch or to `padded_shapes`.

        Args:
            batch_size: how many elements go into a batch.
            padded_shapes: the shape that each element gets, None for the longest in the batch; of tuples and dicts, a
                tuple or dict of shapes.
            padding_values: what elements are padded with; default: 0, or an empty text.
            drop_remainder: whether to leave out a last batch that is smaller.
            name: accepted for TensorFlow's signature.

        Raises:
            ValueError: for an element that is longer than `padded_shapes`, or a tuple of more or fewer parts than
                the others. (A list of a generator becomes a tuple: give arrays.)

        >>> data = ef.data.Dataset.from_generator(lambda: map(np.array, [[1, 2, 3], [4]])).padded_batch(2)
        >>> [batch.tolist() for batch in data]
        [[[1, 2, 3], [4, 0, 0]]]
        """

        def make() -> Iterator[Any]:
            source = iter(self)
            while group := list(itertools.islice(source, batch_size)):
                if len(group) < batch_size and drop_remainder:
                    return
                shapes = _as_leaves(padded_shapes, group[0])
                values = _as_leaves(padding_values, group[0])
                leaves = [tree.flatten(e) for e in group]
                _check_equally_many(leaves)
                columns = [padded(c, s, v) for c, s, v in zip(zip(*leaves), shapes, values, strict=True)]
                yield tree.pack_sequence_as(group[0], columns)

        length = self._length
        if length is not None and length >= 0:
            length = length // batch_size if drop_remainder else -(-length // batch_size)
        return self._new(make, length)

    def reduce(self: Any, initial_state: Any, reduce_func: Callable[[Any, Any], Any], name: Any = None) -> Tensors:
        """Combines all elements to one value: `state = reduce_func(state, element)` for each of them.

        Args:
            initial_state: the state before the first element.
            reduce_func: takes the state and an element, and returns the new state.
            name: accepted for TensorFlow's signature.

        >>> int(ef.data.Dataset.range(5).reduce(0, lambda total, x: total + x))
        10
        """
        state = initial_state
        for element in self:
            state = reduce_func(state, element)
        return state if isinstance(state, (Tensor, tuple, list, dict, TextTensor)) else Tensor(state)

    def shard(self: Any, num_shards: int, index: int) -> NewDataset:
        """Every `num_shards`-th element, beginning with the one at position `index`.

        Args:
            num_shards: how many parts the data set is divided into.
            index: which part to take, from 0.

        >>> [int(x) for x in ef.data.Dataset.range(10).shard(num_shards=3, index=1)]
        [1, 4, 7]
        """
        return self._new(lambda: itertools.islice(iter(self), index, None, num_shards))

    def take_while(self: Any, predicate: Callable[..., Any]) -> NewDataset:
        """The elements before the first one for which a function is false.

        Args:
            predicate: takes an element and returns a bool.

        >>> [int(x) for x in ef.data.Dataset.range(10).take_while(lambda x: x < 3)]
        [0, 1, 2]
        """
        return self._new(
            lambda: itertools.takewhile(lambda e: bool(predicate(*e if isinstance(e, tuple) else (e,))), self)
        )

    def with_options(self: Any, options: Any, name: str | None = None) -> NewDataset:
        """Accepted for compatibility with `tf.data`: there are no options, so it returns the data set itself.

        Args:
            options: anything; it is ignored.
            name: accepted for TensorFlow's signature.

        >>> [int(x) for x in ef.data.Dataset.range(2).with_options(None)]
        [0, 1]
        """
        return self

    def options(self: Any) -> None:
        """Accepted for compatibility with `tf.data`: there are no options, so this is None.

        >>> print(ef.data.Dataset.range(2).options())
        None
        """

    def get_single_element(self: Any, name: str | None = None) -> Tensors:
        """The only element of the data set.

        Args:
            name: accepted for TensorFlow's signature.

        Raises:
            ValueError: when there is none, or more than one.

        >>> int(ef.data.Dataset.range(7, 8).get_single_element())
        7
        """
        found = list(itertools.islice(iter(self), 2))
        if len(found) != 1:
            raise ValueError(f"get_single_element: expected one element; got {'none' if not found else 'more'}.")
        return found[0]

    @property
    def element_spec(self: Any) -> Any:
        """The shape and dtype of each tensor in the first element, in its structure.

        >>> ef.data.Dataset.from_tensor_slices([[1.0, 2.0], [3.0, 4.0]]).element_spec.shape
        (2,)
        """
        first = next(iter(self), None)
        return tree.map_structure(lambda x: ElementSpec(tuple(numpy.shape(x)), getattr(x, "dtype", None)), first)

    def rebatch(self: Any, batch_size: int, drop_remainder: bool = False) -> NewDataset:
        """Divides a data set of batches into batches of another size.

        Args:
            batch_size: the number of rows in a new batch.
            drop_remainder: whether to leave out a last batch that is smaller.

        >>> [batch.tolist() for batch in ef.data.Dataset.range(4).batch(4).rebatch(3)]
        [[0, 1, 2], [3]]
        """
        return self.unbatch().batch(batch_size, drop_remainder)

    def ignore_errors(self: Any, log_warning: bool = False, name: str | None = None) -> NewDataset:
        """Leaves out the elements that raise an error when they are computed.

        Args:
            log_warning: accepted for TensorFlow's signature; nothing is logged.
            name: accepted for TensorFlow's signature.

        >>> data = ef.data.Dataset.range(4).map(lambda x: 6 // int(x)).ignore_errors()  # the first is 6 // 0
        >>> [int(x) for x in data]
        [6, 3, 2]
        """

        def make() -> Iterator[Any]:
            source, failed = iter(self), object()
            while True:
                element = _next(source, failed)
                if element is source:
                    return
                if element is not failed:
                    yield element

        return self._new(make)


class ElementSpec(NamedTuple):
    """What an element's tensors are like."""

    shape: tuple[int, ...]
    dtype: Any


def _next(source: Iterator[Any], failed: Any) -> Any:
    """The next element; `failed` where making it raises, the source itself at its end."""
    try:
        return next(source, source)
    except Exception:  # noqa: BLE001 - whatever it is, the element is left out
        return failed


def listed(pattern: Any, shuffle: bool | None, seed: int | None) -> Callable[[], Iterator[Any]]:
    """What makes the names of the files that fit a pattern, or one of several.

    Raises:
        FileNotFoundError: when there is none.
    """
    patterns = text_tensor(
        [os.fspath(p) for p in pattern] if isinstance(pattern, (list, tuple)) else os.fspath(pattern)
    )
    texts = [os.fsdecode(x) for x in patterns.reshape(-1).tolist()]
    names = [found for text in texts for found in sorted(glob.glob(text))]
    if not names:
        raise FileNotFoundError(f"list_files({texts[0]!r}): there is no such file.")

    def make() -> Iterator[Any]:
        rng = generator(next_key() if seed is None else (int(seed), 0))
        order: Any = rng.permutation(len(names)) if shuffle in (None, True) else range(len(names))
        return iter([text_tensor(names[i]) for i in order])

    return make


def padded(parts: Sequence[Any], shape: Any, value: Any) -> Any:
    """Arrays of unequal lengths as one, padded at the end.

    Args:
        parts: the arrays.
        shape: the lengths that they get; None (also of single axes) for the longest.
        value: what fills; default: 0, or an empty text.

    Raises:
        ValueError: when one is longer.
    """
    arrays = [to_host(p.data) if isinstance(p, Tensor) else numpy.asarray(p) for p in parts]
    longest = [max(lengths) for lengths in zip(*[a.shape for a in arrays])]
    wanted = [
        n if w in (None, -1) else int(w) for n, w in zip(longest, longest if shape is None else shape, strict=True)
    ]
    if any(n > w for n, w in zip(longest, wanted)):
        raise ValueError(f"padded_batch(padded_shapes={tuple(wanted)}): an element has the shape {tuple(longest)}.")
    words = is_text(arrays[0])
    fill = ("" if words else 0) if value is None else value.numpy() if isinstance(value, Tensor) else value
    batch = numpy.full((len(arrays), *wanted), fill, object if words else arrays[0].dtype)
    for i, array in enumerate(arrays):
        place: Any = (i, *[slice(n) for n in array.shape])
        batch[place] = array
    return text_tensor(batch) if words else Tensor(batch, None, None)


def _check_equally_many(elements: list[list[Any]]) -> None:
    for parts in elements:
        if len(parts) != len(elements[0]):
            raise ValueError(
                f"padded_batch: one element consists of {len(elements[0])} parts, another of {len(parts)}. Lists "
                "become tuples of tensors: to pad sequences of numbers, give each as one array, numpy.array([1, 2, 3])."
            )


def _as_leaves(given: Any, element: Any) -> list[Any]:
    """One shape or value for each leaf of an element."""
    count = len(tree.flatten(element))
    if given is None:
        return [None] * count
    if isinstance(element, Mapping):
        return [given[k] for k in sorted(element)]
    if isinstance(element, tuple):
        return [leaf for part, e in zip(given, element, strict=True) for leaf in _as_leaves(part, e)]
    return [given]
