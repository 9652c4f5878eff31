"""`tf.data`: `eagerflow.data.Dataset` with TensorFlow's way of making one of a generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from eagerflow import data

__all__ = ["AUTOTUNE", "Dataset", "Options"]

AUTOTUNE = -1


class _AnyDataset(type):
    """`isinstance(x, tf.data.Dataset)` is true for every data set."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, data.Dataset)


class Dataset(data.Dataset, metaclass=_AnyDataset):
    """Elements one after the other; see `eagerflow.data.Dataset`."""

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]], output_types: Any = None, output_shapes: Any = None, args: Any = (),
        output_signature: Any = None, name: str | None = None,
    ) -> data.Dataset:  # fmt: skip
        """What a generator function yields, called anew for each pass; types are those of the values."""
        return data.Dataset.from_generator(lambda: generator(*(args or ())))

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> data.Dataset:
        """One element."""
        return data.Dataset.from_generator(lambda: iter([tensors]), 1)


class Options:
    """Accepted by `with_options`; there is nothing to choose."""
