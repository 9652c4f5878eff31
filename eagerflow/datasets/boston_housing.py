"""Boston housing: prices of houses in 1978, by 13 features of their surroundings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from eagerflow.datasets.npz import read_arrays
from eagerflow.datasets.source import KERAS_SITE, Source, Split, check_split, expect, same_length, shuffled_split

__all__ = ["load_data"]

_SOURCE = Source(
    "boston_housing.npz",
    KERAS_SITE + "boston_housing.npz",
    "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
)


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz", test_split: float = 0.2, seed: int | None = 113
) -> tuple[Split, Split]:
    """Loads the Boston housing data: 506 rows of 13 features, and the median house price in thousands of dollars.

    One feature, "B", was made on the assumption that people pay for segregation: prefer `california_housing`,
    unless this is what you teach.

    Source: D. Harrison and D. L. Rubinfeld, "Hedonic prices and the demand for clean air", 1978.

    Args:
        path: the file, in the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`); or an absolute path.
        test_split: the fraction of the data that is for tests, from 0 to below 1.
        seed: the seed of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float64 of shapes `(rows, 13)` and `(rows,)`.

    Raises:
        ConnectionError: when the file isn't there and can't be downloaded.
        ValueError: when the file that is there has another format.

    >>> from pathlib import Path
    >>> np.savez("small.npz", x=np.zeros((10, 13)), y=np.arange(10.0))
    >>> path = Path("small.npz").resolve()  # without one: 404 rows and 102
    >>> (x_train, y_train), (x_test, y_test) = ef.datasets.boston_housing.load_data(path, test_split=0.2)
    >>> x_train.shape, x_test.shape, sorted([*y_train.tolist(), *y_test.tolist()])[:3]
    ((8, 13), (2, 13), [0.0, 1.0, 2.0])
    """
    check_split(test_split)
    arrays = _SOURCE.read(_read, path)
    return shuffled_split(arrays["x"], arrays["y"], test_split, seed)


def _read(path: Path) -> dict[str, np.ndarray]:
    arrays = read_arrays(path, ("x", "y"))
    expect(arrays, x=(None, 13), y=(None,))
    same_length(arrays, ("x", "y"))
    return arrays
