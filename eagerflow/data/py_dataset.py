"""`PyDataset`: batches by number, for data that doesn't fit into memory or is made on the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.data.prefetch import in_order

__all__ = ["PyDataset"]


class PyDataset:
    """Base class of data sets whose batches are computed by index.

    Override `__getitem__`, and `__len__` or the property `num_batches`.

    Args:
        workers: how many threads compute batches ahead of their use; with 1, batches are computed when they are needed.
        use_multiprocessing: accepted for Keras' signature; the workers are always threads.
        max_queue_size: how many batches are computed ahead at most.

    In data-parallel training, each rank computes the whole batch and uses its rows of it. To compute only these,
    also override `num_rows(index)`, the number of rows of a batch, and `rows(index, start, stop)`, which returns
    some of them.

    >>> class Squares(ef.data.PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return np.array([[index]]), np.array([[index**2]])
    >>> data = Squares()
    >>> data.num_batches, data[2]
    (3, (array([[2]]), array([[4]])))
    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
    >>> model.predict(data, verbose=0).tolist()
    [[0.0], [1.0], [2.0]]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`: `x`, `(x, y)` or `(x, y, sample_weight)`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index).")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None for an endless data set.

        >>> class Batches(ef.data.PyDataset):
        ...     def __len__(self):
        ...         return 3
        >>> Batches().num_batches
        3
        """
        if "_num_batches" in self.__dict__:
            return self.__dict__["_num_batches"]
        length = getattr(self, "__len__", None)
        if length is None:
            raise NotImplementedError(f"{type(self).__name__} must define __len__() or num_batches.")
        return int(length())

    @num_batches.setter
    def num_batches(self, count: int | None) -> None:
        self.__dict__["_num_batches"] = count  # a custom class may keep it as an attribute

    def __iter__(self) -> Iterator[Any]:
        """The batches in order, once; without end where there is none, or nothing tells it."""
        try:
            number = self.num_batches
        except NotImplementedError:
            number = None
        return (self[i] for i in (itertools.count() if number is None else range(number)))

    def on_epoch_begin(self) -> None:
        """Called before every epoch.

        >>> class Told(ef.data.PyDataset):
        ...     def __len__(self):
        ...         return 1
        ...     def __getitem__(self, index):
        ...         return np.zeros((1, 1)), np.zeros((1, 1))
        ...     def on_epoch_begin(self):
        ...         print("an epoch begins")
        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(Told(), epochs=2, verbose=0)
        an epoch begins
        an epoch begins
        """

    def on_epoch_end(self) -> None:
        """Called after every epoch.

        >>> class Shuffled(ef.data.PyDataset):
        ...     order = [0, 1, 2]
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         return np.full((1, 1), self.order[index]), np.zeros((1, 1))
        ...     def on_epoch_end(self):
        ...         self.order = self.order[::-1]
        >>> data, model = Shuffled(), ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(data, epochs=3, shuffle=False, verbose=0)
        >>> data.order
        [2, 1, 0]
        """


def batches_of(dataset: Any, order: Any) -> Any:
    """An iterator over the batches in the order of the indices, made ahead where it has workers."""
    workers = getattr(dataset, "workers", 1) or 1
    if workers <= 1:
        return (dataset[int(i)] for i in order)

    def made(i: int) -> Any:
        """A batch of its own: the data set may use its arrays again for the next, while this one waits."""
        return tree.map_structure(lambda a: a.copy() if isinstance(a, numpy.ndarray) else a, dataset[i])

    return in_order(made, (int(i) for i in order), workers, getattr(dataset, "max_queue_size", 10))
