"""Windows of a series as a data set."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.typing import DatasetFormat
from eagerflow.core.random import default_seed
from eagerflow.data.dataset import Dataset

__all__ = ["timeseries_dataset_from_array"]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: DatasetFormat = "tf",
) -> Dataset:
    """A data set of sliding windows over a time series.

    Args:
        data: the series, with time on its first axis.
        targets: `targets[i]` belongs to the window that begins at time step i of `data`; None: only windows.
        sequence_length: the number of time steps of a window.
        sequence_stride: the distance between the beginnings of windows, in time steps.
        sampling_rate: the distance between the time steps in a window.
        batch_size: windows per batch; None: no batches.
        shuffle: whether the windows come in random order, another one in each epoch.
        seed: the seed of the order.
        start_index: the first time step that is used; default: 0.
        end_index: the first time step that is not used any more; default: the length of `data`.
        format: accepted for Keras' signature: `"tf"` or `"grain"`; both give a `data.Dataset`.

    Returns:
        A `data.Dataset` of `windows` or `(windows, targets)`; windows have the shape
        `(batch, sequence_length, ...)`.

    Raises:
        ValueError: for arguments out of range, or when no window fits.

    >>> series = np.arange(6)
    >>> windows = ef.preprocessing.timeseries_dataset_from_array(series, series[3:], sequence_length=3, batch_size=2)
    >>> [(x.tolist(), y.tolist()) for x, y in windows]
    [([[0, 1, 2], [1, 2, 3]], [3, 4]), ([[2, 3, 4]], [5])]
    """
    if format not in ("tf", "grain"):
        raise ValueError(f"timeseries_dataset_from_array(format={format!r}): expected 'tf' or 'grain'.")
    series = numpy.asarray(data)
    lengths = {"sequence_length": sequence_length, "sequence_stride": sequence_stride}
    for name, value in {**lengths, "sampling_rate": sampling_rate}.items():
        if isinstance(value, bool) or not isinstance(value, (int, numpy.integer)) or value < 1:
            raise ValueError(f"timeseries_dataset_from_array({name}={value!r}): expected an integer of at least 1.")
    first, last = _bounds(start_index, end_index, len(series))
    goals = None if targets is None else numpy.asarray(targets)
    starts = _starts(first, last, sequence_length, sampling_rate, sequence_stride, goals)
    return _windows(series, goals, starts, sequence_length, sampling_rate, batch_size, _seed(shuffle, seed))


def _bounds(start: int | None, end: int | None, length: int) -> tuple[int, int]:
    first, last = start or 0, length if end is None else end
    if first < 0 or first >= length:
        raise ValueError(f"timeseries_dataset_from_array(start_index={start}): the series has {length} time steps.")
    if last <= first or last > length:
        raise ValueError(
            f"timeseries_dataset_from_array(end_index={end}): expected an index behind start_index ({first}) and at "
            f"most {length}, the length of the series."
        )
    return first, last


def _starts(first: int, last: int, length: int, rate: int, stride: int, targets: Any) -> numpy.ndarray:
    """The time steps at which windows begin."""
    end = last - (length - 1) * rate
    if targets is not None:
        end = min(end, len(targets))
    if end <= first:
        raise ValueError(
            f"timeseries_dataset_from_array: no window of sequence_length={length} and sampling_rate={rate} fits into "
            f"{last - first} time steps."
        )
    return numpy.arange(first, end, stride)


def _seed(shuffle: bool, seed: int | None) -> int | None:
    if not shuffle:
        return None
    return default_seed() if seed is None else seed


def _windows(
    series: Any, targets: Any, starts: Any, length: int, rate: int, batch_size: int | None, seed: int | None
) -> Dataset:
    """The chain of steps: numbers of windows, batches of them, then the windows themselves."""
    numbers = Dataset.from_tensor_slices(starts)
    if seed is not None:
        numbers = numbers.shuffle(len(starts), seed=seed)
    if batch_size is not None:
        numbers = numbers.batch(batch_size)
    steps = numpy.arange(length) * rate

    def cut(start: Any) -> Any:
        begin = start.numpy()
        window = series[begin[..., None] + steps]
        return window if targets is None else (window, targets[begin])

    return numbers.map(cut)
