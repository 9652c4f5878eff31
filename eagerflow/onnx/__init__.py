"""ONNX: export models and functions for other runtimes, and load such files as models."""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed
from eagerflow.onnx.exporter import Converted as Converted, convert as convert, export as export
from eagerflow.onnx.reading import LoadError as LoadError
from eagerflow.onnx.trace import ExportError as ExportError

if TYPE_CHECKING:
    from eagerflow.onnx.model import load_onnx as load_onnx

_listed(__name__, homes={".model": "load_onnx"})
