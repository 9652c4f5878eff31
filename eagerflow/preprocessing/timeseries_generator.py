"""`TimeseriesGenerator`: batches of windows of a series, the way Keras 2 made them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from eagerflow.core.random import generator, next_key
from eagerflow.data.py_dataset import PyDataset

__all__ = ["TimeseriesGenerator"]


class TimeseriesGenerator(PyDataset):
    """Batches of sliding windows over a time series, each with the target of the time step after the window.

    It is for Keras 2 programs; its successor is `timeseries_dataset_from_array`, which takes the target at the
    beginning of a window.

    Args:
        data: the series, with time on its first axis.
        targets: one target per time step; a window of steps i to i + length - 1 gets the target of step i + length.
        length: how many time steps a window covers.
        sampling_rate: the distance between the time steps in a window.
        stride: the distance between the beginnings of windows, in time steps.
        start_index: the first time step that is used.
        end_index: the last time step that is used as a target; default: the last one.
        shuffle: whether windows are drawn at random, with replacement.
        reverse: whether time runs backwards in the windows.
        batch_size: windows per batch.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of `PyDataset`.

    Raises:
        ValueError: when lengths differ, a number is below 1, or no window fits.

    Source: the class of the same name in `keras.preprocessing.sequence`.

    >>> windows = ef.preprocessing.sequence.TimeseriesGenerator(np.arange(6), np.arange(6), length=2, batch_size=3)
    >>> x, y = windows[0]
    >>> x.tolist(), y.tolist()
    ([[0, 1], [1, 2], [2, 3]], [2, 3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        numbers = {"length": length, "sampling_rate": sampling_rate, "stride": stride, "batch_size": batch_size}
        for name, value in numbers.items():
            if value < 1:
                raise ValueError(f"TimeseriesGenerator({name}={value!r}): expected at least 1.")
        if len(data) != len(targets):
            raise ValueError(f"TimeseriesGenerator: data has {len(data)} time steps and targets {len(targets)}.")
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if start_index < 0 or self.end_index >= len(data):
            raise ValueError(
                f"TimeseriesGenerator(start_index={start_index}, end_index={end_index}): "
                f"there are {len(data)} time steps."
            )
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: no window of length {length} fits between start_index {start_index} and "
                f"end_index {self.end_index}."
            )

    def __len__(self) -> int:
        covered = self.batch_size * self.stride
        return (self.end_index - self.start_index + covered) // covered

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._rows(index)
        samples = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1] if self.reverse else samples), targets

    def _rows(self, index: int) -> np.ndarray:
        """The time steps of the targets of a batch."""
        if self.shuffle:
            return generator(next_key()).integers(self.start_index, self.end_index + 1, self.batch_size)
        first = self.start_index + self.batch_size * self.stride * index
        return np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)

    def get_config(self) -> dict[str, Any]:
        """All arguments; data and targets as JSON texts.

        >>> data = np.arange(6)
        >>> config = ef.preprocessing.sequence.TimeseriesGenerator(data, data, length=2).get_config()
        >>> config["length"], config["data"]
        (2, '[0, 1, 2, 3, 4, 5]')
        """
        plain = tuple(
            """
            length sampling_rate stride start_index end_index shuffle reverse batch_size
            """.split()
        )
        series = {name: json.dumps(np.asarray(getattr(self, name)).tolist()) for name in ("data", "targets")}
        return series | {name: getattr(self, name) for name in plain}

    def to_json(self, **kwargs: Any) -> str:
        """The arguments as a JSON text.

        Args:
            **kwargs: passed on to `json.dumps`.

        >>> import json
        >>> data = np.arange(6)
        >>> text = ef.preprocessing.sequence.TimeseriesGenerator(data, data, length=2).to_json()
        >>> json.loads(text)["config"]["length"]
        2
        """
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)
