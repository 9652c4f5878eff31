"""Files that layers keep besides their weights, such as vocabularies: `save_assets(folder)`, `load_assets(folder)`.

`.keras` archives and folders hold them as files, other formats as arrays of bytes where Keras doesn't look.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow.base.machine.budget import take
from eagerflow.models.saving.assign import Stored
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.walk import saved_objects

__all__ = ["asset_arrays", "asset_files", "restore_asset_arrays", "restore_assets"]

_ASSETS = "_eagerflow/assets/"


def asset_files(model: Any) -> dict[str, bytes]:
    """The content of all such files, by the path of the layer and the name of the file."""
    found = {}
    for path, layer in saved_objects(model):
        if hasattr(layer, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                layer.save_assets(folder)
                for entry in sorted(os.listdir(folder)):
                    with open(os.path.join(folder, entry), "rb") as file:
                        found[f"{path}/{entry}" if path else entry] = file.read()
    return found


def restore_assets(model: Any, files: dict[str, bytes], file: str) -> None:
    """Give every layer its files. Names are compared, never used as paths: each must be a plain file's.

    Raises:
        FileFormatError: for files of no layer.
    """
    take(sum(120 * content.count(b"\n") for content in files.values()), "its vocabularies")  # whose tokens are objects
    left = dict(files)
    for path, layer in saved_objects(model):
        prefix = f"{path}/" if path else ""
        own = {n.removeprefix(prefix): n for n in left if n.startswith(prefix) and "/" not in n.removeprefix(prefix)}
        if not hasattr(layer, "load_assets") or not own:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for short, name in own.items():
                if os.path.basename(short) != short or short in ("", ".", "..") or "\\" in short or "\0" in short:
                    raise FileFormatError(f"{file!r}: {name!r:.80} is no plain file name.")
                with open(os.path.join(folder, short), "xb") as target:
                    target.write(left.pop(name))
            layer.load_assets(folder)
    if left:
        raise FileFormatError(f"{file!r} has files that no layer asks for: {list(left)[:5]!r:.200}.")


def asset_arrays(model: Any) -> dict[str, numpy.ndarray]:
    """The same files as arrays of bytes, for formats that hold arrays alone."""
    return {_ASSETS + name: numpy.frombuffer(content, "uint8") for name, content in asset_files(model).items()}


def restore_asset_arrays(model: Any, arrays: Mapping[str, Stored], file: str) -> None:
    """Give every layer the files that `asset_arrays` made arrays of."""
    found = {name: array for name, array in arrays.items() if name.startswith(_ASSETS)}
    restore_assets(model, {name.removeprefix(_ASSETS): a.read().tobytes() for name, a in found.items()}, file)
