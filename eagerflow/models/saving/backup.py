"""The state of a training that was interrupted: weights, optimizer, all random states, and notes."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.serialization import as_json
from eagerflow.core import random
from eagerflow.models.saving import hdf5
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.files import opened, replacing
from eagerflow.models.saving.json_text import read_json
from eagerflow.models.saving.state import restore
from eagerflow.models.saving.weights_h5 import arrays_in, write_state
from eagerflow.training.resumed import notes_of

__all__ = ["read_backup", "write_backup"]

_NOTES = "eagerflow_training"
_ARRAYS = "_eagerflow/training/"


def write_backup(model: Any, path: str, notes: dict[str, Any], training: Any = None) -> None:
    """Write the state of the model, its optimizer and everything random, and where its training is.

    The file is replaced when it is complete.
    """
    more, arrays = ({}, {}) if training is None else notes_of(training)
    drawn = {"random": random.get_state(), "build_config": model.get_build_config()}
    text = as_json({**notes, **more, **drawn})
    with replacing(path) as file:
        write_state(model, file, {_NOTES: text}, more={f"{_ARRAYS}{p}": a for p, a in arrays.items()})


def read_backup(model: Any, path: str) -> tuple[dict[str, Any], dict[str, numpy.ndarray]]:
    """Set the state that `write_backup` wrote; returns the notes and the other arrays.

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
            others = {p.removeprefix(_ARRAYS): a.read() for p, a in arrays.items() if p.startswith(_ARRAYS)}
            restore(model, arrays, path, whole=True)
    random.set_state(notes["random"])
    return {**notes, "path": path}, others
