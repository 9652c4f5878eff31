"""Data made ready for training, under the names of `keras.preprocessing`."""

from __future__ import annotations

from eagerflow.data.timeseries import timeseries_dataset_from_array
from eagerflow.preprocessing import sequence

__all__ = ["sequence", "timeseries_dataset_from_array"]
