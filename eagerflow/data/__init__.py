"""Data sets, and the conversion of what users hand in into batches."""

from __future__ import annotations

from eagerflow.data.dataset import Dataset
from eagerflow.data.encoding import normalize, to_categorical
from eagerflow.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from eagerflow.data.py_dataset import PyDataset

__all__ = [
    "Dataset",
    "PyDataset",
    "normalize",
    "pack_x_y_sample_weight",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


def __dir__() -> list[str]:
    return sorted(__all__)
