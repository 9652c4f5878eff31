"""The state of a training that was interrupted: weights, optimizer, all random states, and notes."""

from __future__ import annotations

import json
from typing import Any

from eagerflow.core import random
from eagerflow.models.saving import hdf5
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.files import opened, replacing
from eagerflow.models.saving.json_text import read_json
from eagerflow.models.saving.state import restore
from eagerflow.models.saving.weights_h5 import arrays_in, write_state

__all__ = ["read_backup", "write_backup"]

_NOTES = "eagerflow_training"


def write_backup(model: Any, path: str, notes: dict[str, Any]) -> None:
    """Write the state of the model, its optimizer and everything random; the file is replaced when it is complete."""
    text = json.dumps({**notes, "random": random.get_state(), "build_config": model.get_build_config()})
    with replacing(path) as file:
        write_state(model, file, {_NOTES: text})


def read_backup(model: Any, path: str) -> dict[str, Any]:
    """Set all that `write_backup` wrote; gives the notes.

    Raises:
        FileFormatError: when the file is damaged, or of another model. Then nothing has changed.
    """
    with opened(path) as file:
        with hdf5.reading(file, path) as root:
            text = root.text(_NOTES)
        if text is None:
            raise FileFormatError(f"{path!r} is no backup of a training.")
        notes = read_json(text, path, "notes")
        if not model.built and notes.get("build_config"):
            model.build_from_config(notes["build_config"])
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        file.seek(0)
        with arrays_in(file, path) as arrays:
            restore(model, arrays, path, whole=True)
    random.set_state(notes["random"])
    return notes
