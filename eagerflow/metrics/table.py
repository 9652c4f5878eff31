"""The closed table of metrics by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from eagerflow.base.serialization import Table

__all__ = ["METRICS"]

T = TypeVar("T")


def _snake(name: str) -> str:
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()


class _Metrics(Table):
    """As in Keras, `"mean_squared_error"` asks for a `MeanSquaredError`, though a function has that name, too.

    A config that tells a function means the function: see `find`.
    """

    def __init__(self) -> None:
        super().__init__("metric", "keras.metrics", "eagerflow.metrics")
        self._classes: dict[str, type] = {}

    def add(self, *aliases: str, name: str | None = None) -> Callable[[T], T]:
        enter: Callable[[T], T] = super().add(*aliases, name=name)

        def enter_both(thing: T) -> T:
            if isinstance(thing, type):
                self._classes[_snake(thing.__name__)] = thing
                self._entries.setdefault(_snake(thing.__name__), thing)
            return enter(thing)

        return enter_both

    def get(self, identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        found = super().get(identifier, custom_objects)
        if isinstance(identifier, str) and self.name_of(found) == identifier and identifier in self._classes:
            return self._classes[identifier]()
        return found


METRICS = _Metrics()
