"""Handwritten digits of 8×8 pixels, shipped inside the package."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

__all__ = ["load_data"]


def load_data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Loads 1,797 real handwritten digits, split once and for all into training and test images.

    Thirteen people wrote digits on forms, which were scanned with 32×32 black or white pixels. Each pixel here is the
    number of black ones in a block of 4×4. All ten classes are about equally frequent in both parts. The data come with
    eagerflow; nothing is downloaded.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository (1998), https://doi.org/10.24432/C50P49, CC BY 4.0.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: NumPy arrays which are yours to change. `x_train` is
        uint8 of shape `(1442, 8, 8)` with values from 0 (white) to 16 (black), `y_train` uint8 of shape
        `(1442,)` with the digits 0 to 9; `x_test` and `y_test` are the same for 355 images.

    Example:
        >>> from eagerflow.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, x_test.shape
        ((1442, 8, 8), (355, 8, 8))
        >>> int(y_train[1]), x_train[1, :3].tolist()
        (1, [[0, 0, 0, 12, 13, 5, 0, 0], [0, 0, 0, 11, 16, 9, 0, 0], [0, 0, 3, 15, 16, 6, 0, 0]])
    """
    packed = files("eagerflow.datasets").joinpath("digits.npz")
    with packed.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
