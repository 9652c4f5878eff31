"""The doctor: what is wrong with a training, in plain words, with the line that did it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, NoReturn

from viz.doctor.diagnosis import Diagnosis
from viz.doctor.finding import KINDS, SEVERITIES, Finding
from viz.doctor.watcher import Watcher

__all__ = ["Diagnosis", "Finding", "KINDS", "SEVERITIES", "Watcher"]


class _Package(ModuleType):
    """This package, which is named like the command."""

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "viz.doctor is a package, and no function: viz.diagnose(model, x, y) looks at a few steps of training, "
            "callbacks.Doctor() at fit while it runs, and the command viz doctor at a script"
        )


sys.modules[__name__].__class__ = _Package
