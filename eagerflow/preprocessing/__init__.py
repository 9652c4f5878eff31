"""Data made ready for training, under the names of `keras.preprocessing`."""

from __future__ import annotations

from eagerflow.data.timeseries import timeseries_dataset_from_array
from eagerflow.preprocessing import image, sequence, text
from eagerflow.preprocessing.image_folder import image_dataset_from_directory
from eagerflow.preprocessing.text_folder import text_dataset_from_directory

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]


def __dir__() -> list[str]:
    return sorted(__all__)
