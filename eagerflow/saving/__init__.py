"""Models to files, objects to configurations, and back: the names of `keras.saving`."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.base.serialization import CustomObjectScope as CustomObjectScope
from eagerflow.base.serialization import custom_object_scope as custom_object_scope
from eagerflow.base.serialization import deserialize_keras_object as deserialize_keras_object
from eagerflow.base.serialization import get_custom_objects as get_custom_objects
from eagerflow.base.serialization import get_registered_name as get_registered_name
from eagerflow.base.serialization import get_registered_object as get_registered_object
from eagerflow.base.serialization import register_keras_serializable as register_keras_serializable
from eagerflow.base.serialization import serialize_keras_object as serialize_keras_object
from eagerflow.models.saving import *

_listed(__name__)
