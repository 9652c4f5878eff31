"""Older names of functions and classes, with their present ones; and names without a successor, with advice."""

from __future__ import annotations

from eagerflow.compat.modules import ENGINE_MODULES, LAYER_MODULES, UTILS_MODULES

__all__ = ["GONE", "OLDER"]

_LOSS_FUNCTIONS = {
    **dict.fromkeys(("mse", "MSE"), "mean_squared_error"),
    **dict.fromkeys(("mae", "MAE"), "mean_absolute_error"),
    **dict.fromkeys(("mape", "MAPE"), "mean_absolute_percentage_error"),
    **dict.fromkeys(("msle", "MSLE"), "mean_squared_logarithmic_error"),
    **dict.fromkeys(("kld", "KLD", "kullback_leibler_divergence"), "kl_divergence"),
    **dict.fromkeys(("bce", "BCE"), "binary_crossentropy"),
    **dict.fromkeys(("cosine", "cosine_proximity"), "cosine_similarity"),
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}
_ENGINE_NAMES = {"Container": "Model", "Network": "Model"}

# By the module in which scripts look: the older name, and what stands in that module's homes.
OLDER: dict[str, dict[str, str]] = {
    "keras.callbacks": {"TensorBoard": "OlderTensorBoard"},
    "keras.constraints": {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm"},
    "keras.engine": _ENGINE_NAMES,
    "keras.initializers": {"normal": "RandomNormal", "uniform": "RandomUniform", "zero": "Zeros", "one": "Ones"},
    "keras.losses": _LOSS_FUNCTIONS,
    "keras.metrics": {k: v for k, v in _LOSS_FUNCTIONS.items() if v != "cosine_similarity"},
    "keras.optimizers": {
        name.lower(): name for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam")
    },
}
OLDER |= dict.fromkeys(
    ("keras.layers.convolutional", "keras.layers.convolutional.base_conv"), dict.fromkeys(("BaseConv", "Conv"), "_Conv")
)
OLDER["keras.optimizers"]["optimizer_from_config"] = "deserialize"
OLDER["keras.utils.visualize_util"] = {"plot": "plot_model"}
OLDER["keras.backend"] = {"Variable": "variable"}
OLDER["keras.objectives"] = OLDER["keras.losses"]
OLDER |= {f"keras.engine.{module}": OLDER["keras.engine"] for module in ENGINE_MODULES}
OLDER["tensorflow.train"] = {
    "AdagradOptimizer": "Adagrad",
    "AdamOptimizer": "Adam",
    "GradientDescentOptimizer": "SGD",
    "MomentumOptimizer": "SGD",
}
OLDER["tensorflow.compat.v1.train"] = OLDER["tensorflow.train"]
OLDER["tensorflow.compat.v1"] = {f"matrix_{name}": name for name in ("band_part", "diag", "diag_part", "set_diag")}
OLDER["tensorflow.python.ops.init_ops"] = OLDER["keras.initializers"] | {
    f"{name}_initializer": name
    for name in "glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform".split()
}
OLDER["tensorflow.python.client.device_lib"] = {"list_local_devices": "list_logical_devices"}
OLDER["tensorflow.distribute.experimental"] = {"CentralStorageStrategy": "MirroredStrategy"}
OLDER["tensorflow.debugging"] = {"check_numerics": "assert_all_finite"}
OLDER["tensorflow.config.experimental"] = {
    "VirtualDeviceConfiguration": "LogicalDeviceConfiguration",
    "set_virtual_device_configuration": "set_logical_device_configuration",
}
OLDER["tensorflow.initializers"] = OLDER["keras.initializers"]
OLDER["tensorflow.losses"] = OLDER["keras.losses"]
OLDER["tensorflow.metrics"] = OLDER["keras.metrics"]

_LAMBDA = "Write it as a Layer of your own, or with Lambda."
_SPARSE = "There are no sparse tensors here; use dense ones."
_GRAPH = "There are no graphs and sessions: everything runs at once. "

# Names without a successor, and what to do. "*": wherever they are looked for.
GONE: dict[str, dict[str, str]] = {
    "*": {
        "ConfigProto": f"{_GRAPH}Nothing needs to be configured.",
        "Graph": f"{_GRAPH}Leave it out.",
        "InteractiveSession": f"{_GRAPH}Leave it out.",
        "Session": f"{_GRAPH}Call functions on tensors; .numpy() gives the values.",
        "global_variables_initializer": f"{_GRAPH}Variables have their values from the beginning.",
        "multi_gpu_model": "Leave it out: the model then runs on one device.",
        "model_from_yaml": "Write model.to_json() and model_from_json.",
        "placeholder": f"{_GRAPH}Write keras.Input for a model, or pass tensors to a function.",
    },
    "keras": {"estimator": "Use the model's own fit, evaluate and predict.", "premade": "Build the model from layers."},
    "keras.legacy": {"interfaces": "Leave its decorators out: older arguments are translated without them."},
    "keras.layers": {
        "RandomFourierFeatures": _LAMBDA,
        **dict.fromkeys(
            ("RandomHeight", "RandomWidth"),
            "Lengths stay the same here: write RandomZoom(height_factor, width_factor).",
        ),
        "TFSMLayer": "Write model.save('name.keras') and keras.models.load_model.",
        "TimeDistributedDense": "Write TimeDistributed(Dense(...)), or Dense(...), which does the same.",
    },
    "keras.utils": {"HDF5Matrix": "Read with h5py, and pass arrays, or a PyDataset that reads batch by batch."},
    "keras.backend": {"ctc_label_dense_to_sparse": _SPARSE, "control_flow_ops": f"{_GRAPH}Write Python's if and for."},
    "tensorflow": {
        "examples": "Write keras.datasets.mnist.load_data() and its kin.",
        "SparseTensor": _SPARSE,
        "RaggedTensor": "There are no ragged tensors here; pad the rows: keras.utils.pad_sequences.",
        "estimator": "Use keras.Model with fit, evaluate and predict.",
        "contrib": "It ended with TensorFlow 1.",
        "app": "Write def main() and call it.",
        "experimental": "For tf.experimental.numpy write import numpy, or eagerflow.ops where gradients are wanted.",
        "feature_column": "Use layers: Normalization, StringLookup, Embedding; or keras.utils.FeatureSpace.",
        "lookup": "Use layers.StringLookup or IntegerLookup, with num_oov_indices.",
        "lite": "For programs without Python write model.export('name.onnx').",
        **{
            name: f"Write tf.random.{name.removeprefix('random_')}."
            for name in ("random_normal", "random_uniform", "random_shuffle", "truncated_normal")
        },
        **{
            f"to_{kind}": f"Write tf.cast(x, tf.{dtype})."
            for kind, dtype in (("float", "float32"), ("double", "float64"), ("int32", "int32"), ("int64", "int64"))
        },
        "autodiff": "For forward derivatives write eagerflow.jvp(f, primals, tangents).",
        **dict.fromkeys(("gradients", "hessians"), "Record with tf.GradientTape; tape.gradient(y, x) differentiates."),
        "IndexedSlices": "Gradients are whole tensors here.",
        "tpu": "There are no TPUs here; leave it out.",
        "saved_model": "Write model.save('name.keras').",
        "ragged": "There are no ragged tensors here; pad the rows: keras.utils.pad_sequences.",
        "sparse": _SPARSE,
    },
}
_SESSIONS = ("get_session", "set_session")
GONE["keras.backend"] |= dict.fromkeys(_SESSIONS, f"{_GRAPH}Leave it out; K.eval(x) and K.function give values.")
GONE["tensorflow.train"] = dict.fromkeys(
    ("list_variables", "load_checkpoint", "load_variable"),
    "TensorFlow's checkpoints can't be read here. In TensorFlow, write model.save_weights('name.weights.h5').",
)
GONE["tensorflow.io"] = dict.fromkeys(
    ("RaggedFeature", "SparseFeature", "VarLenFeature"),
    "Write tf.io.FixedLenFeature; there are no sparse tensors here.",
)
GONE["tensorflow.distribute"] = {
    "ParameterServerStrategy": "There are no parameter servers here; every rank holds the whole model. Write "
    "tf.distribute.MultiWorkerMirroredStrategy()."
}
_SCIPY = "Compute it with scipy.special on arrays; gradients don't flow through it."
GONE["tensorflow.summary"] = {
    **dict.fromkeys(("FileWriter", "merge", "merge_all"), f"{_GRAPH}Write tf.summary.create_file_writer(folder)."),
    "graph": "Write tf.summary.trace_on(), run a step, and tf.summary.trace_export(name, step).",
    "write": "Write tf.summary.scalar, histogram, image, audio or text.",
}
GONE["tensorflow.data.experimental"] = dict.fromkeys(
    ("CsvDataset", "make_csv_dataset"), "Write tf.data.Dataset.from_tensor_slices(dict(pandas.read_csv(path)))."
)
GONE["tensorflow.compiler"] = dict.fromkeys(("mlir", "jit", "xla"), "Nothing is compiled here; leave it out.")
GONE["tensorflow.math"] = {
    **dict.fromkeys("betainc igamma igammac zeta polygamma lbeta ndtri erfcinv".split(), _SCIPY),
    **dict.fromkeys("bessel_i0 bessel_i0e bessel_i1 bessel_i1e".split(), _SCIPY),
    "sobol_sample": "Write scipy.stats.qmc.Sobol(d).random(n).",
    "accumulate_n": "Write tf.add_n.",
    "reduce_euclidean_norm": "Write tf.norm.",
}
GONE["tensorflow.math.special"] = dict.fromkeys(
    "bessel_i0 bessel_i0e bessel_i1 bessel_i1e bessel_j0 bessel_j1 bessel_k0 bessel_k0e bessel_k1 bessel_k1e "
    "bessel_y0 bessel_y1 dawsn expint fresnel_cos fresnel_sin spence".split(),
    _SCIPY,
)
GONE["tensorflow.nn"] = {
    "nce_loss": "Write tf.nn.sigmoid_cross_entropy_with_logits of drawn classes.",
    "crelu": "Write tf.concat([tf.nn.relu(x), tf.nn.relu(-x)], -1).",
}
GONE["tensorflow"] |= {
    "reverse_sequence": "Write tf.stack([tf.concat([x[:n][::-1], x[n:]], 0) for x, n in zip(rows, lengths)]).",
    "unique_with_counts": "Write y, idx = tf.unique(x), and tf.math.bincount(idx).",
}
GONE["keras.models"] = GONE["keras"]
GONE |= {f"keras.layers.{module}": GONE["keras.layers"] for module in LAYER_MODULES}
GONE |= {f"keras.utils.{module}": GONE["keras.utils"] for module in UTILS_MODULES}
