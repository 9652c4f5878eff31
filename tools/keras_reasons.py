"""Why some public names of Keras are different here, missing, or left out: the tables behind docs/keras.md.

A table goes from a reason to the paths it holds for, divided by white space, with `*` for anything.
`layers.Dense` is a name in a module, `Model().fit` a member of a class.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

Table = dict[str, str]


def reason_for(path: str, table: Table) -> str:
    """The reason that a table gives for a path, or an empty string."""
    return next((reason for reason, paths in table.items() if matches(path, paths)), "")


def matches(path: str, paths: str) -> bool:
    """Whether a path is among those of one reason."""
    return any(fnmatchcase(path, pattern) for pattern in paths.split())


LEFT_OUT: Table = {
    "it calibrates a language model on texts, block by block; `int8` and `int4` of `quantize` need no data": """
        quantizers.AWQConfig quantizers.GPTQConfig dtype_policies.AWQDTypePolicy dtype_policies.GPTQDTypePolicy
    """,
    "functions of TensorFlow, JAX and PyTorch: export them as ONNX, which `models.load_onnx` reads": """
        layers.TFSMLayer layers.JaxLayer layers.FlaxLayer layers.TorchModuleWrapper
    """,
    "checkpoints of JAX": "callbacks.OrbaxCheckpoint",
    "a `train_step` of your own with a second loss does it": "distillation distillation.*",
    "`matplotlib` shows images; what is drawn on them is here": "visualization.plot_*",
    "TensorFlow's SavedModel; `onnx.export` writes a file for each function or model": "export export.ExportArchive",
    "`saving.read_weights` shows what a file holds; `h5py` changes it": "saving.KerasFileEditor",
    "Keras' own bridge to its older names; ours are in place": "*legacy",
    "no ragged and sparse tensors": "KerasTensor().ragged KerasTensor().ragged_rank KerasTensor().row_splits_dtype "
    "KerasTensor().sparse",
}

DIFFERENCES: Table = {
    "further arguments say how ranks talk to each other": "distribution.DataParallel",
    "of Keras' further arguments, only `nb_words` means something; it is taken, others are refused": """
        datasets.imdb.load_data""",
    "Keras takes and ignores unknown arguments here; we refuse them, with the name that was probably meant": """
        KerasTensor Model().evaluate Sequential().call Sequential().compute_output_spec
    """,
    "no `layout`, which places a variable on several devices": "Variable",
    "takes the arguments of Keras 2 too": "Sequential models.Sequential Layer().add_variable Metric().add_* "
    "Model().train_on_batch Model().test_on_batch",
    "takes `inputs` too, to draw a model that has not been called": "utils.plot_model utils.model_to_dot",
    "any arguments in the base class: a subclass says which": "Layer().build Sequential().compute_output_shape",
    "dimensions one by one, as in `x.reshape(2, 3)`, or as one tuple": "KerasTensor().reshape",
    "`limit` says how much memory a file may take": "models.load_model saving.load_model models.model_from_json",
    "has a default": "*Optimizer().finalize_variable_values Layer().compute_mask",
    "the argument has a name: `sequences`": "layers.RNN().compute_mask layers.Bidirectional().compute_mask",
    "says which arguments Keras' `call` takes": "Model().call",
    "writes ONNX, by itself, and pages for browsers; from ONNX the other formats are made": "Model().export",
}

# What is still missing, or still has another signature: a path per line. The list only shrinks; the tests fail when
# one of its names has arrived, and `python -m tools.keras_table page` takes it out.
NOT_YET_FILE = Path(__file__).with_name("keras_not_yet.txt")


def not_yet() -> list[str]:
    """The paths that are still awaited."""
    return NOT_YET_FILE.read_text(encoding="utf-8").split()
