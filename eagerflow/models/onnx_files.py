"""`load_onnx`; what reads the file is loaded when it is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from eagerflow.base.machine.budget import Limit

if TYPE_CHECKING:
    from eagerflow.models.onnx_model import OnnxModel

__all__ = ["load_onnx"]


def load_onnx(
    filepath: str | os.PathLike[str],
    name: str | None = None,
    outputs: Sequence[str] | None = None,
    limit: Limit = "auto",
) -> OnnxModel:
    """Loads an ONNX file as a model: from PyTorch, TensorFlow (tf2onnx) or `Model.export`.

    Its nodes run as eagerflow's ops, so the model can be trained, be part of other models, be traced by viz, and
    exported again. Weights become variables: kernels, biases, scales and embeddings are trainable, moving means and
    variances are not. Also in training, normalization uses these moving values and dropout is off, as in the file.

    Files may come from anywhere: no code in them runs, sizes are checked before memory is taken, and further files are
    read from the model's own folder only.

    Args:
        filepath: the path of the file.
        name: the name of the model; default: that in the file.
        outputs: names of values in the graph to return instead of its outputs, such as the features before the last
            layer.
        limit: how many bytes may be taken; `"auto"`: by the size of the file. None: no limit, for files that you trust.

    Returns:
        A model. It takes one tensor, or several in the order of the file, or a dict by their names.

    Raises:
        LoadError: (a `ValueError`) for a damaged file, or for unknown nodes, which the message names.
        LoadLimitError: (a `ValueError`) when it would take more memory or time than its size gives reason for.
        FileNotFoundError: when there is no file.

    >>> import os, tempfile
    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.onnx")
    ...     model.export(path)
    ...     again = ef.models.load_onnx(path)
    >>> x = ef.ops.ones((3, 4))
    >>> bool(ef.ops.allclose(model(x), again(x))), again.count_params()
    (True, 10)
    """
    return import_module("eagerflow.models.onnx_model").loaded(filepath, name, outputs, limit)
