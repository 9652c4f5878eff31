"""A softmax over an axis of one number, which is 1 whatever the number: what layers say of it."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from eagerflow.base.tracebacks import warn
from eagerflow.core.observe import current

__all__: list[str] = []

_told: WeakSet[Any] = WeakSet()


def warn_of_softmax(layer: Any, length: Any) -> None:
    """Warn, once a layer, where its softmax goes over an axis of this length, and that is 1.

    Args:
        layer: whose softmax it is.
        length: of the axis; None where it isn't known.
    """
    if length != 1 or layer in _told:
        return
    _told.add(layer)
    if not any(observer.tells_mistakes for observer in current()):
        warn(
            f'{type(layer).__name__} "{layer.name}": softmax over an axis of length 1 is always 1, whatever the input. '
            'For two classes in one unit write activation="sigmoid" (with binary_crossentropy); else give every class '
            "a unit."
        )
