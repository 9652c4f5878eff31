"""ONNX files in: read with care, linked to a program of nodes, and run."""

from eagerflow.onnx.reading.file import read
from eagerflow.onnx.reading.program import Program
from eagerflow.onnx.reading.wire import LoadError

__all__ = ["LoadError", "Program", "read"]
