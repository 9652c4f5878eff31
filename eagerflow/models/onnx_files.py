"""`load_onnx`; what reads the file is loaded when it is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eagerflow.models.onnx_model import OnnxModel

__all__ = ["load_onnx"]


def load_onnx(
    filepath: str | os.PathLike[str], name: str | None = None, outputs: Sequence[str] | None = None
) -> OnnxModel:
    """A model of an ONNX file, of PyTorch, TensorFlow (tf2onnx), scikit-learn (skl2onnx) or our own `export`.

    Its nodes run by our ops, so gradients flow: it can be compiled and trained, be part of other models, be traced by
    viz, and exported again. Weights are variables; those that nodes learn (kernels, biases, scales, embeddings) are
    trainable, moving means and variances are not. Normalization uses them in training too, and dropout stays off, as in
    the file.

    Files may come from anywhere: no code in them runs, sizes are checked before memory is taken, and further files are
    read from the model's own folder only.

    Args:
        filepath: the file.
        name: the name of the model; default: what the file says.
        outputs: names of values in the graph that are wanted instead of its own outputs, such as the features in front
            of the last layer.

    Returns:
        A model. It takes one tensor, or several in the order of the file, or a dict by their names.

    Raises:
        LoadError: (a `ValueError`) for a damaged file, or nodes that aren't known here, which it names.
        FileNotFoundError: where there is none.

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
    return import_module("eagerflow.models.onnx_model").loaded(filepath, name, outputs)
