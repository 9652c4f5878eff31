"""The one place where eagerflow reaches for viz, and only when asked: `import eagerflow` never loads it."""

from __future__ import annotations

import importlib
import os
import re
import sys
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

__all__ = ["NAME", "curves", "note_own_file", "package", "web_page"]

NAME = "viz"
_HOMES = {
    "Cockpit": "viz.cockpit.callback",
    "Doctor": "viz.doctor.callback",
    "Live": "viz.livepage.callback",
    "TensorBoard": "viz.callbacks",
    "Trace": "viz.callbacks",
    "model_to_dot": "viz.picture.plot_model",
    "plot_model": "viz.picture.plot_model",
}


def __getattr__(name: str) -> Any:
    """What viz has and users find as `callbacks.TensorBoard` or, as in Keras, `utils.plot_model`."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_module(_HOMES[name]), name)


def web_page(model: Any, path: Any, **options: Any) -> None:
    """Write a model as a page that runs in a browser; see `viz.web.export`. The model's states stay as they were."""
    page = _module("viz.web")
    with undone(), frozen():
        page.export(model, path, **options)


def curves(history: Any, epochs: Any) -> str:
    """What `fit` returned as HTML; empty text where it holds no numbers."""
    found: str = importlib.import_module("viz.picture.history").history_charts(history, epochs)
    return found


def package() -> ModuleType:
    """The package viz itself."""
    return _module("viz")


def note_own_file() -> None:
    """Where a `viz.py` or a package `viz` lies in the script's folder: errors that end the script name it.

    Such a script asks its own file for what the package has. Python's words for that don't name the file's place.
    """
    folder = sys.path[0] if sys.path else ""
    places = [os.path.join(folder, f"{NAME}.py"), os.path.join(folder, NAME, "__init__.py")]
    if not any(map(_is_own, places)) or getattr(sys.excepthook, "knows_own_file", False):
        return
    before = sys.excepthook

    def noted(kind: Any, error: Any, trail: Any) -> None:
        found = sys.modules.get(NAME)
        own = getattr(found, "__file__", None) or ""
        if _is_own(own) and isinstance(error, (AttributeError, ImportError)) and re.search(rf"'{NAME}[.']", str(error)):
            error.add_note(
                f"`import {NAME}` gives your own {own!r} here, as it lies in the script's folder, and not the package "
                f"{NAME} that comes with eagerflow. Rename that file to use the package."
            )
        before(kind, error, trail)

    noted.knows_own_file = True  # type: ignore[attr-defined]
    sys.excepthook = noted


def _is_own(file: str) -> bool:
    """Is it a file that isn't of the package that comes with eagerflow?"""
    ours = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), NAME)
    return os.path.isfile(file) and os.path.realpath(os.path.dirname(file)) != os.path.realpath(ours)


def _module(name: str) -> ModuleType:
    """A module of viz.

    Raises:
        ImportError: where a user's own `viz.py` stands in the way.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        found = sys.modules.get(NAME)
        if found is None or hasattr(found, "__path__"):
            raise
        raise ImportError(
            f"this needs the package viz, which comes with eagerflow, but `import viz` gives {found.__file__!r}. "
            "Rename that file."
        ) from error
