"""Epochs and archives of Keras 2: data repeat within an epoch, and archives are unpacked into their own folder."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import a_kind
from eagerflow.base.legacy import Arguments
from eagerflow.base.tracebacks import warn
from eagerflow.compat.arguments import Older
from eagerflow.compat.overrides import instead_of
from eagerflow.data import feed
from eagerflow.data.arrays import is_array_like
from eagerflow.data.feed import Feed, IterableFeed
from eagerflow.datasets import download

__all__ = ["CHANGES", "OVERRIDES", "without_batch_size"]

_ROUND = (
    "{} steps were asked for, and the data have {} batches: they are gone through again within an epoch. Let the data "
    "repeat, or leave steps_per_epoch out."
)


def _ended(original: Any, self: Any, done: int) -> bool:
    """An epoch doesn't end with its data."""
    if not self.once and self._passes == 1:
        warn(_ROUND.format(self.limit, done))
    return False


def _one_pass(original: Any, steps: int | None, available: int | None) -> int | None:
    """As many steps as asked for."""
    return available if steps is None else steps


def without_batch_size(args: tuple[Any, ...], kwargs: dict[str, Any], place: int = 3) -> Arguments:
    """The arguments of `fit` and its kin; `batch_size` is left out, with a warning, where x has batches already."""
    given = args[place] if len(args) > place else kwargs.get("batch_size")
    x = args[1] if len(args) > 1 else kwargs.get("x")
    if given is None or x is None or isinstance(x, Feed) or is_array_like(x):
        return args, kwargs
    warn(f"batch_size={given} changes nothing: x is {a_kind(x)}, which has batches already.")
    args = (*args[:place], None, *args[place + 1 :]) if len(args) > place else args
    return args, {name: value for name, value in kwargs.items() if name != "batch_size"}


def _beside(original: Any, archive: Any, folder: Any, kind: Any = "auto") -> None:
    """Archives are unpacked into their own folder, too, where programs look."""
    original(archive, folder, kind)
    original(archive, archive.parent, kind)


_READING = ("deterministic", "name", "num_parallel_calls")  # TensorFlow's, about how elements are read
CHANGES = {
    **{
        f"Dataset.{method}": Older(ignored=_READING)
        for method in "batch concatenate enumerate prefetch repeat shuffle skip take unbatch".split()
    },
    "_Slices.batch": Older(ignored=_READING),
    "_Slices.shuffle": Older(ignored=_READING),
    "Dataset.cache": Older(ignored=["filename", "name"]),
    "Dataset.filter": Older({"predicate": "function"}, ignored=_READING),
    "Dataset.map": Older({"map_func": "function"}, ignored=["deterministic", "name"]),
    "image_folder.image_dataset_from_directory": Older({"smart_resize": "crop_to_aspect_ratio"}),
}
OVERRIDES = [
    instead_of(IterableFeed, "_ended", _ended),
    instead_of(feed, "_one_pass", _one_pass),
    instead_of(download, "extract_archive", _beside),
]
