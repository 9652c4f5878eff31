"""Utilities: data sets from folders, images, sequences, seeds, progress bars."""

from typing import TYPE_CHECKING

from eagerflow.base.config import (
    disable_interactive_logging as disable_interactive_logging,
    enable_interactive_logging as enable_interactive_logging,
    is_interactive_logging_enabled as is_interactive_logging_enabled,
)
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
from eagerflow.callbacks.progbar import *
from eagerflow.core.dtypes import standardize_dtype as standardize_dtype
from eagerflow.core.random import set_random_seed as set_random_seed
from eagerflow.data.encoding import *
from eagerflow.data.packing import *
from eagerflow.data.py_dataset import *
from eagerflow.data.splitting import *
from eagerflow.data.timeseries import *
from eagerflow.layer.symbolic.session import *
from eagerflow.preprocessing.sequence import pad_sequences as pad_sequences
from eagerflow.utils.attribute_dict import *

if TYPE_CHECKING:
    from eagerflow._viz import model_to_dot as model_to_dot, plot_model as plot_model
    from eagerflow.datasets.download import get_file as get_file
    from eagerflow.preprocessing.audio_folder import audio_dataset_from_directory as audio_dataset_from_directory
    from eagerflow.preprocessing.image_folder import image_dataset_from_directory as image_dataset_from_directory
    from eagerflow.preprocessing.pictures import (
        array_to_img as array_to_img,
        img_to_array as img_to_array,
        load_img as load_img,
        save_img as save_img,
    )
    from eagerflow.preprocessing.text_folder import text_dataset_from_directory as text_dataset_from_directory
    from eagerflow.utils import bounding_boxes as bounding_boxes
    from eagerflow.utils.feature_space import FeatureSpace as FeatureSpace

Sequence = PyDataset

# What reads files and the network, or needs many layers, is loaded when it is first asked for.
_listed(
    __name__,
    "bounding_boxes",
    homes={
        ".feature_space": "FeatureSpace",
        "eagerflow._viz": "model_to_dot plot_model",
        "eagerflow.datasets.download": "get_file",
        "eagerflow.preprocessing.audio_folder": "audio_dataset_from_directory",
        "eagerflow.preprocessing.image_folder": "image_dataset_from_directory",
        "eagerflow.preprocessing.pictures": "array_to_img img_to_array load_img save_img",
        "eagerflow.preprocessing.text_folder": "text_dataset_from_directory",
    },
)
