"""Files under the names of Keras 2: a model in a folder, weights in what was a checkpoint of TensorFlow's."""

from __future__ import annotations

import os
from typing import Any

from eagerflow.base.files import names_a_file
from eagerflow.base.legacy import Arguments
from eagerflow.callbacks import model_checkpoint
from eagerflow.compat.arguments import Older
from eagerflow.compat.overrides import Override, instead_of
from eagerflow.models.saving.files import name_of

__all__ = ["CHANGES", "OVERRIDES"]

_WEIGHTS = (".h5", ".hdf5", ".safetensors")


def _with_path(change: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """The arguments of a method, with the path that `change` makes of theirs, unless that is an open file."""
    path = args[1] if len(args) > 1 else kwargs.get("filepath")
    if path is None or hasattr(path, "read") or hasattr(path, "write"):
        return args, kwargs
    found = change(name_of(path))
    return ((args[0], found, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "filepath": found})


def _save(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """`model.save("my_model")` made a folder; what can only be meant as a file is refused there, too."""
    path = args[1] if len(args) > 1 else kwargs.get("filepath")
    if path is not None and not hasattr(path, "write"):
        path = name_of(path)
        if not path.endswith((*_WEIGHTS, ".keras")) and not names_a_file(path) and len(args) < 4:
            kwargs.setdefault("zipped", False)
    return args, kwargs


def _checkpoint(path: str) -> str:
    if path.endswith(_WEIGHTS):
        return path
    path = f"{path}.weights.h5"
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    return path


def _written(path: str) -> str:
    """The file that `save_weights("checkpoint")` wrote."""
    written = f"{path}.weights.h5"
    return written if not os.path.exists(path) and os.path.exists(written) else path


def _save_weights(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    sharded = len(args) > 3 or kwargs.get("max_shard_size") is not None
    return (args, kwargs) if sharded else _with_path(_checkpoint, args, kwargs)


def _load_weights(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    return _with_path(_written, args, kwargs)


def _period(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """The number of epochs between files, which became an attribute."""
    period = kwargs.pop("period")
    if isinstance(period, bool) or not isinstance(period, int) or period < 1:
        raise ValueError(f"ModelCheckpoint(period={period!r:.60}): expected a number of epochs, at least 1.")
    args[0].period = period
    return args, kwargs


def _checked_path(original: Any, path: str, weights_only: bool) -> str:
    """A checkpoint or folder of TensorFlow's has no ending."""
    other = not os.path.splitext(path)[1].startswith((".h5", ".keras", ".hdf5"))
    return path if other and (weights_only or not names_a_file(path)) else original(path, weights_only)


CHANGES = {
    "api.save_model": Older(first=_save, always=True),
    "methods.save": Older(first=_save, always=True),
    "methods.save_weights": Older(first=_save_weights, always=True, ignored=["options", "save_format"]),
    "methods.load_weights": Older(first=_load_weights, always=True, ignored=["options", "save_format"]),
    "ModelCheckpoint.__init__": Older(first=_period, asks=["period"], ignored=["options"]),
}
OVERRIDES: list[Override] = [instead_of(model_checkpoint, "_checked_path", _checked_path)]
