"""California housing: prices of houses in 1990, by 8 features of the block."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from eagerflow.datasets.npz import read_arrays
from eagerflow.datasets.source import KERAS_SITE, Source, Split, check_split, expect, same_length, shuffled_split

__all__ = ["load_data"]

_SOURCE = Source(
    "california_housing.npz",
    KERAS_SITE + "california_housing.npz",
    "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
)
_SMALL = 600  # rows of the small version


def load_data(
    version: Literal["large", "small"] | str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int | None = 113,
) -> tuple[Split, Split]:
    """Loads the California housing data: 8 features of each block of houses, and the median price there in dollars.

    The features: median income, median age of the houses, rooms and bedrooms per household, population,
    people per household, latitude, longitude.

    Source: R. K. Pace and R. Barry, "Sparse spatial autoregressions", 1997.

    Args:
        version: `"large"` for all 20,640 rows, `"small"` for the first 600.
        path: the file, in the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`); or an absolute path.
        test_split: the fraction of the data that is for tests, from 0 to below 1.
        seed: the seed of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)` of shapes `(rows, 8)` and `(rows,)`.

    Raises:
        ConnectionError: when the file isn't there and can't be downloaded.
        ValueError: for another `version`, or when the file that is there has another format.

    >>> from pathlib import Path
    >>> np.savez("small.npz", x=np.zeros((10, 8)), y=np.arange(10.0))
    >>> path = Path("small.npz").resolve()  # without one: 16512 rows and 4128
    >>> (x_train, y_train), (x_test, y_test) = ef.datasets.california_housing.load_data(path=path)
    >>> x_train.shape, x_test.shape
    ((8, 8), (2, 8))
    """
    if version not in ("large", "small"):
        raise ValueError(f"load_data(version={version!r}): expected 'large' or 'small'.")
    check_split(test_split)
    arrays = _SOURCE.read(_read, path)
    rows = _SMALL if version == "small" else None
    return shuffled_split(arrays["x"][:rows], arrays["y"][:rows], test_split, seed)


def _read(path: Path) -> dict[str, np.ndarray]:
    arrays = read_arrays(path, ("x", "y"))
    expect(arrays, x=(None, 8), y=(None,))
    same_length(arrays, ("x", "y"))
    return arrays
