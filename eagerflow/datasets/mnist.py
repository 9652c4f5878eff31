"""MNIST: handwritten digits of 28×28 pixels."""

from __future__ import annotations

import os
from pathlib import Path

from eagerflow.datasets.npz import read_arrays
from eagerflow.datasets.source import KERAS_SITE, Source, Split, expect, same_length

__all__ = ["load_data"]

_SOURCE = Source(
    "mnist.npz", KERAS_SITE + "mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
)


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> tuple[Split, Split]:
    """Loads MNIST: 60,000 images of handwritten digits to train with and 10,000 to test with.

    The file is downloaded once (11 MB), unless it is there already.

    Source: Y. LeCun and C. Cortes, http://yann.lecun.com/exdb/mnist/, CC BY-SA 3.0; the file is Keras'.

    Args:
        path: the file, in the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`); or an absolute path.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images, uint8 of shape `(rows, 28, 28)` from 0 (black) to
        255 (white), and the digits, uint8 of shape `(rows,)`.

    Raises:
        ConnectionError: when the file isn't there and can't be downloaded.
        ValueError: when the file that is there has another format.

    >>> from pathlib import Path
    >>> images, labels = np.zeros((5, 28, 28), "uint8"), np.arange(5, dtype="uint8")
    >>> np.savez("small.npz", x_train=images, y_train=labels, x_test=images[:2], y_test=labels[:2])
    >>> (x_train, y_train), (x_test, y_test) = ef.datasets.mnist.load_data(Path("small.npz").resolve())
    >>> x_train.shape, y_train.tolist(), x_test.shape  # without a path: (60000, 28, 28) and (10000, 28, 28)
    ((5, 28, 28), [0, 1, 2, 3, 4], (2, 28, 28))
    """
    return _SOURCE.read(_read, path)


def _read(path: Path) -> tuple[Split, Split]:
    arrays = read_arrays(path, ("x_train", "y_train", "x_test", "y_test"))
    expect(arrays, x_train=(None, 28, 28), y_train=(None,), x_test=(None, 28, 28), y_test=(None,))
    same_length(arrays, ("x_train", "y_train"), ("x_test", "y_test"))
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
