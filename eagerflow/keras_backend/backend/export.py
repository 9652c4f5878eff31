"""What Keras' exports ask of a backend: ONNX files by our writer."""

from __future__ import annotations

from typing import Any

from keras.src import tree

from eagerflow.onnx import convert

__all__ = ["EagerflowExportArchive", "export_onnx", "export_openvino"]

_CURE = "Export with format='onnx', or save a .keras file and export that with another backend of Keras."


def export_onnx(model: Any, filepath: Any, input_signature: Any, opset_version: int | None) -> None:
    """Writes a model's forward pass as an ONNX file."""
    leaves = tree.flatten(input_signature)

    def call(inputs: Any) -> Any:
        arguments = tree.pack_sequence_as(input_signature, inputs if len(leaves) > 1 else [inputs])
        return model(*arguments, training=False) if model._call_has_training_arg else model(*arguments)

    call.name, call.output_names = model.name, getattr(model, "output_names", [])  # type: ignore[attr-defined]
    convert(call, leaves, opset_version, keeps=False).write(filepath)


def export_openvino(*args: Any, **kwargs: Any) -> None:
    """OpenVINO reads ONNX files itself.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(f"The eagerflow backend writes no OpenVINO files. {_CURE}")


class EagerflowExportArchive:
    """SavedModels hold graphs of TensorFlow, which this backend doesn't have.

    Raises:
        NotImplementedError: always.
    """

    def __init__(self) -> None:
        raise NotImplementedError(
            "`export_saved_model` only currently supports the tensorflow, jax and torch backends. "
            f"The eagerflow backend exports no SavedModel. {_CURE}"
        )
