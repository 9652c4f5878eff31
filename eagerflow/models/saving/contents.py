"""The arrays in a file of weights, or of a model, without making a model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy

from eagerflow.base.machine.budget import Limit, loading
from eagerflow.models.saving import hdf5, safetensors
from eagerflow.models.saving.archive import Archive
from eagerflow.models.saving.assign import Stored
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.files import name_of, opened
from eagerflow.models.saving.state import collect
from eagerflow.models.saving.weights_h5 import arrays_in

__all__ = ["read_weights"]


def read_weights(source: Any, limit: Limit = "auto") -> dict[str, numpy.ndarray]:
    """Reads the arrays of a model or a file to a dict by the paths of Keras 3's files, such as `layers/dense/vars/0`.

    Arrays of `.h5` files of Keras 2 have the paths of that format. The state of the optimizer is included where it was
    saved, that of random generators isn't.

    Args:
        source: a built model; or the path of a `.keras`, `.weights.h5`, `.h5` or `.safetensors` file.
        limit: how many bytes may be taken; `"auto"`: by the size of the file. None: no limit, for files that you trust.

    Raises:
        FileNotFoundError: when there is no such file.
        FileFormatError: (a ValueError) when it is damaged or of another kind.

    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> {path: array.shape for path, array in ef.saving.read_weights(model).items()}
    {'layers/dense/vars/0': (3, 2), 'layers/dense/vars/1': (2,)}
    """
    if hasattr(source, "weights"):
        parts, _ = collect(source)
        held = {f"{part.path}/vars/{key}".lstrip("/"): array for part in parts for key, array in part.arrays.items()}
        return {name: numpy.array(array) for name, array in held.items()}
    with _arrays(name_of(source), limit) as arrays:
        return {name: array.read() for name, array in arrays.items() if not name.startswith("_eagerflow/")}


@contextmanager
def _arrays(name: str, limit: Limit) -> Iterator[Mapping[str, Stored]]:
    fix = "read_weights(..., limit=None)"
    with opened(name) as file, loading(name, os.fstat(file.fileno()).st_size, limit, fix):
        beginning = file.read(8)
        file.seek(0)
        if beginning[:2] == b"PK":
            with Archive(file, name).weights() as weights, arrays_in(weights, name) as arrays:
                yield arrays
        elif beginning == b"\x89HDF\r\n\x1a\n":
            with hdf5.reading(file, name) as root:
                yield dict(root.all_arrays())
        elif name.endswith(".safetensors"):
            with safetensors.reading(file, name) as (stored, _):
                yield stored
        else:
            raise FileFormatError(
                f"{name!r:.200} holds no weights, or is damaged: expected a .keras, .h5 or .safetensors file; it "
                f"begins with {beginning!r}."
            )
