"""ONNX files in: read with care, linked to a program of nodes, and run."""

from eagerflow.onnx.reading.file import read
from eagerflow.onnx.reading.program import Program
from eagerflow.onnx.reading.protos import LoadError, model_of
from eagerflow.onnx.reading.reader import SPECIFIED

__all__ = ["LoadError", "Program", "SPECIFIED", "model_of", "read"]
