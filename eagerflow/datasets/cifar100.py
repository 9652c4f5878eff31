"""CIFAR-100: photographs of 32×32 pixels in a hundred classes."""

from __future__ import annotations

from typing import Literal

from eagerflow.datasets.cifar import Part, load_parts
from eagerflow.datasets.source import Source

__all__ = ["load_data"]

_SOURCE = Source(
    "cifar-100-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
)


def load_data(label_mode: Literal["fine", "coarse"] | str = "fine") -> tuple[Part, Part]:
    """Loads CIFAR-100: 50,000 photographs to train with and 10,000 to test with.

    The archive (169 MB) is downloaded once into the folder `datasets` of `EAGERFLOW_HOME` (else of `~/.eagerflow`),
    unless it, or the folder `cifar-100-python` from it, is there already.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Args:
        label_mode: `"fine"` for the 100 classes, `"coarse"` for the 20 groups that they form.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: pictures, uint8 of shape `(rows, 32, 32, 3)` (or
        `(rows, 3, 32, 32)`, when channels come first by configuration), and labels, uint8 of shape `(rows, 1)`.

    Raises:
        ConnectionError: when the archive isn't there and can't be downloaded.
        ValueError: for another `label_mode`, or when what is there has another format.

    Example::

        (x_train, y_train), (x_test, y_test) = eagerflow.datasets.cifar100.load_data()
        x_train.shape, y_train.shape  # (50000, 32, 32, 3), (50000, 1)
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"load_data(label_mode={label_mode!r}): expected 'fine' or 'coarse'.")
    parts = load_parts(_SOURCE, "cifar-100-python", ("train", "test"), f"{label_mode}_labels")
    return parts["train"], parts["test"]
