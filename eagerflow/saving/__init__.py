"""Saving and loading of models and weights, and classes of your own in files."""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed
from eagerflow.base.serialization import (
    CustomObjectScope as CustomObjectScope,
    custom_object_scope as custom_object_scope,
    deserialize_keras_object as deserialize_keras_object,
    get_custom_objects as get_custom_objects,
    get_registered_name as get_registered_name,
    get_registered_object as get_registered_object,
    register_keras_serializable as register_keras_serializable,
    serialize_keras_object as serialize_keras_object,
)
from eagerflow.models.saving import (
    FileFormatError as FileFormatError,
    LoadLimitError as LoadLimitError,
    load_weights as load_weights,
    read_weights as read_weights,
    save_model as save_model,
    save_weights as save_weights,
)

if TYPE_CHECKING:  # where its type is known
    from eagerflow.models import load_model as load_model
else:
    from eagerflow.models.saving import load_model as load_model

_listed(__name__)
