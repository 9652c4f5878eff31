"""Numbers by their older names: Keras 2.2 reported `metrics=["accuracy"]` as `acc`, later ones as `accuracy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.spellings import behaviour

__all__ = ["either_name"]


class _EitherName(dict[str, Any]):
    """A dict that finds `acc` under `accuracy`, and the other way round."""

    def __missing__(self, name: str) -> Any:
        other = _other(name)
        if not super().__contains__(other):
            raise KeyError(name)
        return super().__getitem__(str(other))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or super().__contains__(_other(str(name)))

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default


def _other(name: str) -> str | None:
    before, last = (name[: name.rfind("_") + 1], name[name.rfind("_") + 1 :]) if "_" in name else ("", name)
    found = {"acc": "accuracy", "accuracy": "acc"}.get(last)
    return None if found is None else before + found


def either_name(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers; in programs of Keras 2, found by both names."""
    return _EitherName(numbers) if behaviour.keras_2 else dict(numbers)
