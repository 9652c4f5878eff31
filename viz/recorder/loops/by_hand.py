"""Whether a program changes weights by itself, for observers that don't hear of single updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import Variable
from viz.recorder.kept_values import as_numpy

__all__ = ["HeldWeights"]

_MOST = 4  # weights that are compared
_ELEMENTS = 16  # of each


class HeldWeights:
    """Some numbers of some weights, as they were when gradients of them were computed.

    >>> import eagerflow as ef
    >>> w, held = ef.Variable([1.0, 2.0]), HeldWeights()
    >>> held.hold([w])
    >>> held.have_changed()
    False
    >>> _ = w.assign_sub([0.5, 0.0])
    >>> held.have_changed()
    True
    """

    def __init__(self) -> None:
        self._held: list[tuple[Variable, Any]] = []

    def hold(self, sources: Sequence[Any]) -> None:
        """Gradients of these were computed."""
        variables = sorted([x for x in sources if isinstance(x, Variable)], key=lambda x: x.data.size)[:_MOST]
        self._held = [(x, _some(x)) for x in variables]

    def let_go(self) -> None:
        """Compare nothing any more."""
        self._held = []

    def have_changed(self) -> bool:
        """Does one of them hold other numbers now?"""
        return any(not numpy.array_equal(_some(x), before, equal_nan=True) for x, before in self._held)


def _some(variable: Variable) -> Any:
    return as_numpy(variable.data.reshape(-1)[:_ELEMENTS])
