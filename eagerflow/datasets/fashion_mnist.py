"""Fashion-MNIST: pictures of clothes of 28×28 pixels."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from eagerflow.base.machine.budget import take
from eagerflow.datasets.objects import FormatError
from eagerflow.datasets.source import KERAS_SITE, Source, Split

__all__ = ["load_data"]

# No checksums are published for these; gzip has its own, and the sizes are in the files.
_SOURCES = {
    name: Source(f"{name}-ubyte.gz", f"{KERAS_SITE}{name}-ubyte.gz", folder="datasets/fashion-mnist")
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
}


def load_data() -> tuple[Split, Split]:
    """Loads Fashion-MNIST: 60,000 pictures of clothes to train with and 10,000 to test with.

    The labels are 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
    9 ankle boot. Four files (31 MB) are downloaded once into `datasets/fashion-mnist`.

    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST", 2017, MIT license, Zalando SE.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images, uint8 of shape `(rows, 28, 28)`, and labels, uint8 of
        shape `(rows,)`.

    Raises:
        ConnectionError: when a file isn't there and can't be downloaded.
        ValueError: when a file that is there has another format.

    Example::

        (x_train, y_train), (x_test, y_test) = eagerflow.datasets.fashion_mnist.load_data()
        x_train.shape, y_train.shape  # (60000, 28, 28), (60000,)
    """
    return _part("train"), _part("t10k")


def _part(name: str) -> Split:
    images = _SOURCES[f"{name}-images-idx3"]
    x = images.read(lambda path: _read_idx(path, (28, 28)))
    y = _SOURCES[f"{name}-labels-idx1"].read(lambda path: _read_idx(path, ()))
    if len(x) != len(y):
        raise ValueError(f"{images.place()} has {len(x)} images and its neighbour {len(y)} labels.")
    return x, y


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A compressed IDX file of bytes: two zeros, the type 8, the number of axes, their lengths, the bytes."""
    axes = 1 + len(shape)
    try:
        with gzip.open(path) as stream:
            head = stream.read(4 + 4 * axes)
            lengths = _lengths(head, shape)
            expected = lengths[0] * math.prod(shape)
            take(2 * expected, f"as many as {lengths[0]} rows")
            body = stream.read(expected + 1)  # past its end, where the checksum is verified
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"it is no whole gzip file ({error})") from None
    if expected != len(body):
        raise FormatError(f"its header says {lengths[0]} rows, and {len(body)} bytes follow")
    return np.frombuffer(body, np.uint8).reshape(lengths).copy()


def _lengths(head: bytes, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The lengths of the axes, when those of one row are as they should be."""
    axes = 1 + len(shape)
    lengths = tuple([int(n) for n in np.frombuffer(head[4:].ljust(4 * axes, b"\0"), ">u4")])
    if head[:4] != bytes([0, 0, 8, axes]) or len(head) != 4 + 4 * axes or lengths[1:] != shape:
        raise FormatError(f"it is no IDX file of bytes with {axes} axes")
    return lengths
