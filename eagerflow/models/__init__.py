"""Models, with the names of `keras.models`."""

from __future__ import annotations

from eagerflow.models.cloning import clone_model, model_from_json
from eagerflow.models.functional import Functional
from eagerflow.models.model import Model
from eagerflow.models.saving import load_model, save_model
from eagerflow.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def __dir__() -> list[str]:
    return sorted(__all__)
