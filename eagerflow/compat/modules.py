"""Which modules of eagerflow stand behind the modules of Keras and TensorFlow that scripts import from."""

from __future__ import annotations

__all__ = ["APPLICATIONS", "ENGINE_MODULES", "KERAS", "LAYER_MODULES", "OF_KERAS_ALONE", "TENSORFLOW", "UTILS_MODULES"]

_OF_KERAS_1 = "eagerflow.compat.keras_1"
_LAYERS = " ".join(
    [f"{_OF_KERAS_1}.convolutions", "eagerflow.layers eagerflow.compat.layers"]
    + [f"{_OF_KERAS_1}.{part}" for part in ("merging", "local")]
)
_MODELS = "eagerflow.models eagerflow.compat.models"
_ENGINE = f"{_LAYERS} {_MODELS} {_OF_KERAS_1}.engine"
_UTILS = "eagerflow.utils eagerflow.compat.utils"
_BACKEND = "settings values arithmetic rearranging networks crossentropies control graphs".split()
_PREPROCESSING = "eagerflow.preprocessing"

# Keras 1 and 2 had a module for every kind of layer, and more.
LAYER_MODULES = (
    "advanced_activations convolutional convolutional.base_conv convolutional_recurrent core cudnn_recurrent "
    "embeddings experimental experimental.preprocessing local merge noise normalization pooling "
    "preprocessing recurrent wrappers"
).split()
ENGINE_MODULES = "base_layer functional input_layer network sequential topology training".split()
APPLICATIONS = (
    "convnext densenet efficientnet efficientnet_v2 imagenet_utils inception_resnet_v2 inception_v3 mobilenet "
    "mobilenet_v2 mobilenet_v3 nasnet resnet resnet50 resnet_v2 vgg16 vgg19 xception"
).split()
UTILS_MODULES = (
    "backend_utils conv_utils data_utils generic_utils io_utils layer_utils losses_utils np_utils tf_utils "
    "training_utils vis_utils visualize_util"
).split()

# What comes after `keras.`, and the modules that its names are looked up in.
KERAS: dict[str, str] = {
    "": f"eagerflow {_MODELS} eagerflow.layers",
    "activations": "eagerflow.activations",
    "applications": "eagerflow.applications",
    **{f"applications.{name}": f"eagerflow.applications.{name}" for name in APPLICATIONS},
    **dict.fromkeys(
        ("backend", "backend.common", "backend.tensorflow_backend"),
        " ".join([f"eagerflow.compat.backend.{part}" for part in _BACKEND]),
    ),
    "backend_config": "eagerflow.config eagerflow.compat.backend.settings",
    "callbacks": "eagerflow.callbacks eagerflow.compat.callbacks eagerflow.compat.tensorboard",
    "config": "eagerflow.config",
    "constraints": "eagerflow.constraints",
    "datasets": "eagerflow.datasets",
    **{
        f"datasets.{name}": f"eagerflow.datasets.{name}"
        for name in "boston_housing california_housing cifar10 cifar100 fashion_mnist imdb mnist reuters".split()
    },
    "dtype_policies": "eagerflow.dtype_policies",
    "engine": _ENGINE,
    **{f"engine.{name}": _ENGINE for name in ENGINE_MODULES},
    "engine.saving": "eagerflow.saving",
    "initializations": f"{_OF_KERAS_1}.initializations",
    "initializers": "eagerflow.initializers",
    "layers": _LAYERS,
    **{f"layers.{name}": _LAYERS for name in LAYER_MODULES},
    "legacy": "",
    "legacy.layers": _LAYERS,
    "legacy.models": _MODELS,
    "losses": "eagerflow.losses eagerflow.compat.losses",
    "metrics": "eagerflow.metrics",
    "mixed_precision": "eagerflow.mixed_precision",
    "mixed_precision.experimental": "eagerflow.mixed_precision",
    "models": f"{_MODELS} eagerflow.layer.symbolic.input",
    "objectives": "eagerflow.losses eagerflow.compat.losses",
    "ops": "eagerflow.ops",
    "optimizers": "eagerflow.optimizers",
    "optimizers.experimental": "eagerflow.optimizers",
    "optimizers.legacy": "eagerflow.optimizers",
    "optimizers.schedules": "eagerflow.optimizers.schedules",
    "preprocessing": _PREPROCESSING,
    "preprocessing.image": f"{_PREPROCESSING}.image",
    "preprocessing.sequence": f"{_PREPROCESSING}.sequence",
    "preprocessing.text": f"{_PREPROCESSING}.text",
    "random": "eagerflow.random",
    "regularizers": f"eagerflow.regularizers {_OF_KERAS_1}.regularizers",
    **dict.fromkeys(("saving", "saving.legacy", "saving.saving_lib"), "eagerflow.saving"),
    "tree": "eagerflow.tree",
    "utils": _UTILS,
    **{f"utils.{name}": _UTILS for name in UTILS_MODULES},
    "utils.legacy": "eagerflow.compat.utils eagerflow.saving",
    "utils.conv_utils": f"{_UTILS} eagerflow.compat.lengths",
    "wrappers": "",
    "wrappers.scikit_learn": "eagerflow.wrappers.functions_that_build",
}

# Modules of `keras` itself, not of `tensorflow.keras`, that look up names there first: they differ in what they take.
OF_KERAS_ALONE: dict[str, str] = {
    below: f"{_OF_KERAS_1}.by_position {behind}" for below, behind in KERAS.items() if behind in (_LAYERS, _ENGINE)
}

_TF = "eagerflow.compat.tensorflow"
_TOP = f"{_TF}.basics {_TF}.math {_TF}.segments {_TF}.arrays {_TF}.casts {_TF}.steps"
_IMAGE = " ".join([f"{_TF}.images.{part}" for part in ("mirrored", "crops", "boxes", "colors", "quality", "encoded")])

# What comes after `tensorflow.`, without Keras.
TENSORFLOW: dict[str, str] = {
    "": _TOP,
    "audio": f"{_TF}.audio",
    "autograph": "eagerflow.compat.autograph",
    "compiler": "",
    "compat": f"{_TF}.session {_TF}.legacy",
    "compat.v1": f"{_TOP} {_TF}.session {_TF}.linalg",
    "compat.v1.train": f"{_TF}.train eagerflow.optimizers",
    "compat.v2": _TOP,
    "config": f"{_TF}.config",
    "config.experimental": f"{_TF}.config",
    "config.optimizer": f"{_TF}.config",
    "config.threading": f"{_TF}.config",
    "data": f"{_TF}.data {_TF}.files.records",
    "data.experimental": f"{_TF}.data",
    "debugging": f"{_TF}.debugging {_TF}.config",
    "distribute": f"{_TF}.distribute",
    "distribute.cluster_resolver": f"{_TF}.distribute",
    "distribute.experimental": f"{_TF}.distribute",
    "dtypes": f"{_TF}.casts",
    "errors": f"{_TF}.errors",
    "image": _IMAGE,
    "initializers": "eagerflow.initializers",
    "io": f"{_TF}.files.io {_TF}.files.examples {_TF}.files.records",
    "io.gfile": f"{_TF}.files.gfile",
    "linalg": f"{_TF}.linalg",
    "losses": "eagerflow.losses",
    "math": f"{_TF}.math {_TF}.segments {_TF}.special",
    "math.special": f"{_TF}.special",
    "metrics": "eagerflow.metrics",
    "nest": f"{_TF}.nest",
    "nn": f"{_TF}.nn",
    "optimizers": "eagerflow.optimizers",
    "random": f"{_TF}.random",
    "signal": f"{_TF}.signal",
    "strings": f"{_TF}.text.strings",
    "summary": f"{_TF}.summaries.summary",
    "summary.experimental": f"{_TF}.summaries.summary",
    "test": f"{_TF}.config",
    "train": f"{_TF}.train {_TF}.files.examples eagerflow.optimizers",
    "version": "eagerflow.compat.version",
}

# Modules below `tensorflow.python`, which are private there but imported all the same.
_PRIVATE: dict[str, str] = {
    "client.device_lib": f"{_TF}.config",
    **dict.fromkeys(("eager.backprop", "eager.tape"), _TOP),
    "eager.context": f"{_TOP} {_TF}.config",
    "framework.config": f"{_TF}.config",
    "framework.dtypes": f"{_TF}.casts",
    **dict.fromkeys(
        (f"framework.{name}" for name in "constant_op ops tensor_shape tensor_spec tensor_util".split()), _TOP
    ),
    "layers.utils": "eagerflow.compat.lengths",
    **dict.fromkeys((f"ops.{name}" for name in "array_ops clip_ops custom_gradient variables".split()), _TOP),
    **dict.fromkeys(("ops.control_flow_ops", "ops.state_ops"), f"{_TOP} {_TF}.session"),
    **dict.fromkeys(("ops.ctc_ops", "ops.nn", "ops.nn_ops"), f"{_TF}.nn"),
    "ops.image_ops": _IMAGE,
    **dict.fromkeys(("ops.init_ops", "ops.init_ops_v2"), "eagerflow.initializers"),
    "ops.linalg_ops": f"{_TF}.linalg",
    "ops.math_ops": f"{_TOP} {_TF}.special",
    "ops.random_ops": f"{_TF}.random",
    "ops.string_ops": f"{_TF}.text.strings",
    "ops.summary_ops_v2": f"{_TF}.summaries.summary",
    "util.nest": f"{_TF}.nest",
    "util.tf_inspect": "inspect",
}
TENSORFLOW |= {"python": "", **{f"python.{name.partition('.')[0]}": "" for name in _PRIVATE}}
TENSORFLOW |= {f"python.{name}": homes for name, homes in _PRIVATE.items()}
# Modules that look the same under `tensorflow.compat.v1` and `v2`; what differs there stands above.
_SAME = [name for name in TENSORFLOW if name and name.partition(".")[0] not in ("compat", "compiler", "python")]
TENSORFLOW = {f"compat.{v}.{name}": TENSORFLOW[name] for v in ("v1", "v2") for name in _SAME} | TENSORFLOW
