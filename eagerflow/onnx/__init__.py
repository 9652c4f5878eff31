"""ONNX: models, and any functions of tensors, as files that other runtimes read."""

from eagerflow.onnx.exporter import Converted, convert, export
from eagerflow.onnx.trace import ExportError

__all__ = ["Converted", "ExportError", "convert", "export"]
