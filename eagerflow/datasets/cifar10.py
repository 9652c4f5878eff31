"""CIFAR-10: photographs of 32×32 pixels in ten classes."""

from __future__ import annotations

import numpy as np

from eagerflow.datasets.cifar import Part, load_parts
from eagerflow.datasets.source import Source

__all__ = ["load_data"]

_SOURCE = Source(
    "cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)
_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))


def load_data() -> tuple[Part, Part]:
    """Loads CIFAR-10: 50,000 photographs to train with and 10,000 to test with.

    The labels are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck. The
    archive (170 MB) is downloaded once into the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`), unless
    it, or the folder `cifar-10-batches-py` from it, is there already.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: pictures, uint8 of shape `(rows, 32, 32, 3)` (or
        `(rows, 3, 32, 32)`, when channels come first by configuration), and labels, uint8 of shape `(rows, 1)`.

    Raises:
        ConnectionError: when the archive isn't there and can't be downloaded.
        ValueError: when what is there has another format.

    Example::

        (x_train, y_train), (x_test, y_test) = eagerflow.datasets.cifar10.load_data()
        x_train.shape, y_train.shape  # (50000, 32, 32, 3), (50000, 1)
    """
    parts = load_parts(_SOURCE, "cifar-10-batches-py", (*_TRAIN, "test_batch"), "labels")
    x_train = np.concatenate([parts[name][0] for name in _TRAIN])
    y_train = np.concatenate([parts[name][1] for name in _TRAIN])
    return (x_train, y_train), parts["test_batch"]
