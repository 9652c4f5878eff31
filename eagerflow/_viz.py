"""The one place where eagerflow reaches for viz, and only when asked: `import eagerflow` never loads it."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viz.callback import TensorBoard as TensorBoard
    from viz.callback import Trace as Trace

__all__ = ["NAME", "callback", "package", "utility"]

NAME = "viz"


def callback(name: str) -> Any:
    """A callback class of viz: `"TensorBoard"` or `"Trace"`."""
    return getattr(importlib.import_module("viz.callback"), name)


def utility(name: str) -> Any:
    """A function of viz that Keras has in `keras.utils`: `"plot_model"` or `"model_to_dot"`."""
    return getattr(importlib.import_module("viz.plot"), name)


def package() -> ModuleType:
    """The package viz itself."""
    return importlib.import_module("viz")
