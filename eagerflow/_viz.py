"""The one place where eagerflow reaches for viz, and only when asked: `import eagerflow` never loads it."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from eagerflow.core.in_place import undone
from eagerflow.core.random import frozen

if TYPE_CHECKING:
    from viz.callbacks import TensorBoard as TensorBoard, Trace as Trace
    from viz.cockpit.callback import Cockpit as Cockpit
    from viz.doctor.callback import Doctor as Doctor
    from viz.livepage.callback import Live as Live
    from viz.picture.plot_model import model_to_dot as model_to_dot, plot_model as plot_model

__all__ = ["NAME", "callback", "package", "web_page"]

NAME = "viz"
_HOMES = {"Cockpit": "viz.cockpit.callback", "Doctor": "viz.doctor.callback", "Live": "viz.livepage.callback"}


def callback(name: str) -> Any:
    """A callback class of viz: `"Cockpit"`, `"Doctor"`, `"Live"`, `"TensorBoard"` or `"Trace"`."""
    return getattr(importlib.import_module(_HOMES.get(name, "viz.callbacks")), name)


def __getattr__(name: str) -> Any:
    """The functions of viz that Keras has in `keras.utils`."""
    if name in ("model_to_dot", "plot_model"):
        return getattr(importlib.import_module("viz.picture.plot_model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def web_page(model: Any, path: Any, **options: Any) -> None:
    """Write a model as a page that runs in a browser; see `viz.web.export`. The model's states stay as they were."""
    page = importlib.import_module("viz.web")
    with undone(), frozen():
        page.export(model, path, **options)


def package() -> ModuleType:
    """The package viz itself."""
    return importlib.import_module("viz")
