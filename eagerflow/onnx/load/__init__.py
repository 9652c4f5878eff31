"""ONNX files in: read with care, linked to a program of nodes, and run."""

from eagerflow.onnx.load.file import read
from eagerflow.onnx.load.program import Program
from eagerflow.onnx.load.wire import LoadError

__all__ = ["LoadError", "Program", "read"]
