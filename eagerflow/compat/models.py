"""What `keras.models` of Keras 1 and 2 has besides models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from eagerflow.models.cloning import model_from_json
from eagerflow.models.model import Model

__all__ = ["model_from_config"]


def model_from_config(config: Mapping[str, Any], custom_objects: Any = None) -> Model:
    """The model that a config describes: `{"class_name": ..., "config": ...}`."""
    return model_from_json(json.dumps(config), custom_objects)
