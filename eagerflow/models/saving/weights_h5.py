"""`.weights.h5`, the HDF5 file of Keras 3 that holds the state of a model; `.keras` archives contain one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from eagerflow.models.saving import hdf5
from eagerflow.models.saving.assign import Stored
from eagerflow.models.saving.state import Part, collect

__all__ = ["arrays_in", "group_of", "write_state"]


def write_state(
    model: Any,
    target: BinaryIO,
    notes: Mapping[str, str] | None = None,
    skipped: Sequence[Any] = (),
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write weights, states of optimizers and random states; texts by name and further arrays by path."""
    parts, seeds = collect(model, skipped=skipped)
    with hdf5.writing(target) as writer:
        writer.notes(notes or {})
        for part in parts:
            writer.attributes(group_of(part), {"name": part.name})
            for key, array in part.arrays.items():
                writer.array(f"{group_of(part)}/{key}", array)
        for path, array in {**seeds, **(more or {})}.items():
            writer.array(path, array)


def group_of(part: Part) -> str:
    """The group in the file that holds the arrays of a layer or optimizer."""
    return f"{part.path}/vars" if part.path else "vars"


@contextlib.contextmanager
def arrays_in(source: BinaryIO, file: str) -> Iterator[dict[str, Stored]]:
    """The arrays of such a file by path, while it is open."""
    with hdf5.reading(source, file) as root:
        found: dict[str, Stored] = dict(root.all_arrays())
        yield {_renamed(path): array for path, array in found.items()}


def _renamed(path: str) -> str:
    """Keras 2.12 and 2.13 called the list of layers otherwise."""
    return path.replace("_layer_checkpoint_dependencies/", "layers/")
