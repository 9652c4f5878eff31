"""eagerflow: an eager, define-by-run deep-learning framework with Keras' API and a tape you can read."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
