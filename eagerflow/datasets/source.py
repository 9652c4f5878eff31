"""Where a data set comes from: the file that is in its place, else the official one, downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from eagerflow.base.config import home
from eagerflow.base.machine.budget import LoadLimitError, loading
from eagerflow.base.typing import Shape
from eagerflow.datasets.download import download
from eagerflow.datasets.objects import FormatError

__all__ = ["KERAS_SITE", "Source", "check_split", "expect", "orders", "same_length", "shuffled_split"]

KERAS_SITE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

Result = TypeVar("Result")
# Samples and their labels.
Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Source:
    """An official file.

    Attributes:
        name: its name in the folder of data sets.
        url: its address.
        checksum: what its publisher says; None where nothing is published.
        folder: the folder in `EAGERFLOW_HOME`, else in `~/.eagerflow`.
    """

    name: str
    url: str
    checksum: str | None = None
    folder: str = "datasets"

    def place(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Where the file is, or is to be: `path` inside the folder, or an absolute `path`."""
        return home() / self.folder / Path(path or self.name).expanduser()

    def read(self, reader: Callable[[Path], Result], path: str | os.PathLike[str] | None = None) -> Result:
        """What `reader` makes of the file, which is downloaded when it isn't there.

        A file that is there is used whatever its checksum, if its format is right.

        Args:
            reader: raises a `FormatError` for a file of another format.
            path: another place, see `place`.

        Raises:
            ConnectionError: when it isn't there and can't be downloaded; says where to put it.
            ValueError: when what is there has another format.
        """
        place = self.place(path)
        if not place.exists():
            download(self.url, place, self.checksum, by_hand=self._by_hand(place))
        if not place.is_file():
            raise ValueError(f"{place} is no file. Fix: remove it, and the file is downloaded from {self.url}")
        try:
            with loading(str(place), place.stat().st_size, "auto", "read it with NumPy", multiple=100):
                return reader(place)
        except (FormatError, LoadLimitError) as error:
            raise ValueError(
                f"{place} is not the file that it should be: {str(error)[:200]}. "
                f"Fix: remove it, and it is downloaded from {self.url}"
            ) from None

    def _by_hand(self, place: Path) -> str:
        return f"Without a network, get the file elsewhere and put it there: {place}"


def expect(arrays: dict[str, np.ndarray], **shapes: Shape) -> None:
    """Refuse arrays whose shapes are not those of the official file.

    Args:
        arrays: what was read.
        **shapes: the shape of each array; None for any length of its own, the first lengths may differ.

    Raises:
        FormatError: for another shape, or for arrays that hold no numbers.
    """
    for name, shape in shapes.items():
        found = arrays[name]
        same = len(found.shape) == len(shape) and all(
            want is None or have == want for have, want in zip(found.shape, shape)
        )
        if not same or found.dtype.kind not in "biuf":
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise FormatError(f"array {name!r} is {found.dtype}{list(found.shape)}, expected numbers [{wanted}]")


def same_length(arrays: dict[str, np.ndarray], *pairs: tuple[str, str]) -> None:
    """Refuse images and labels, say, of which there are not equally many."""
    for first, second in pairs:
        if len(arrays[first]) != len(arrays[second]):
            raise FormatError(f"{first!r} has {len(arrays[first])} rows and {second!r} has {len(arrays[second])}")


def check_split(test_split: float) -> None:
    """Refuse a share of test data that leaves nothing to train with."""
    if not 0 <= test_split < 1:
        raise ValueError(f"load_data(test_split={test_split!r}): expected at least 0 and less than 1.")


def orders(seed: int | None, *rows: int) -> list[np.ndarray]:
    """The permutations that Keras' loaders draw for a seed, in the order of the draws."""
    draw = np.random.RandomState(seed)
    found = [np.arange(count) for count in rows]
    for indices in found:
        draw.shuffle(indices)
    return found


def shuffled_split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int | None) -> tuple[Split, Split]:
    """Rows in the order of a seed, the last of them for tests."""
    (indices,) = orders(seed, len(x))
    train = int(len(x) * (1 - test_split))
    first, last = indices[:train], indices[train:]
    return (x[first], y[first]), (x[last], y[last])
