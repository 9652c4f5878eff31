"""ONNX: export models and functions for other runtimes, and load such files as models."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.faces import missing as _missing
from eagerflow.onnx.exporter import Converted, convert, export
from eagerflow.onnx.reading import LoadError
from eagerflow.onnx.trace import ExportError

__all__ = ["Converted", "ExportError", "LoadError", "convert", "export", "load_onnx"]

load_onnx: _Any  # see __getattr__


if not TYPE_CHECKING:  # for which a name that isn't here is an error

    def __getattr__(name: str) -> _Any:
        """`load_onnx`, which gives a model, comes from a floor above."""
        if name == "load_onnx":
            return _import_module("eagerflow.models").load_onnx
        raise _missing(__name__, name, __all__)


def __dir__() -> list[str]:
    return list(__all__)
