"""The outputs of a model, and what users give for each of them: in lists by place, in dicts by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eagerflow.core import tree
from eagerflow.core.errors import did_you_mean
from eagerflow.core.tensor import Tensor

__all__ = ["Outputs"]


class Outputs:
    """Names and structure of the outputs, known from the graph or from the first predictions.

    Attributes:
        names: one per output, None until known.
        is_dict: whether the model gives a dict.
    """

    def __init__(self, names: Sequence[str] | None) -> None:
        self.names = None if names is None else _unique(names)
        self.is_dict = False
        self._keys: list[Any] | None = None
        self._nameless = False
        self._settled = False

    @property
    def known_names(self) -> list[str]:
        """The names, after `settle`."""
        return self.names or []

    def settle(self, y_pred: Any) -> None:
        """Learn the structure from predictions."""
        if self._settled:
            return
        self._settled = True
        if isinstance(y_pred, Mapping):
            self.is_dict = True
            self._keys = sorted(y_pred)
            self.names = [str(k) for k in self._keys]
            return
        count = len(tree.flatten(y_pred))
        if self.names is None or len(self.names) != count:
            self._nameless = True
            self.names = [f"output_{i + 1}" for i in range(count)] if count > 1 else ["output"]

    def check(self, what: str, given: Any) -> None:
        """Compare with the known names, before there are predictions.

        Raises:
            ValueError: for another number, or an unknown name.
        """
        if isinstance(given, Mapping):
            self._by_name(what, given)
        elif isinstance(given, (list, tuple)):
            self._counted(what, given)

    def flat(self, what: str, structure: Any) -> list[Any]:
        """One leaf per output, from a list or dict of them."""
        if structure is None:
            return [None] * len(self.known_names)
        if isinstance(structure, Mapping):
            return self._by_name(what, structure)
        if isinstance(structure, (list, tuple)):
            return self._counted(
                what, structure if len(structure) == len(self.known_names) else tree.flatten(structure)
            )
        if len(self.known_names) != 1:
            raise ValueError(
                f"{what}: the model has {len(self.known_names)} outputs ({', '.join(self.known_names)}); expected a "
                f"list or dict of as many arrays, got one {type(structure).__name__}."
            )
        return [structure]

    def spread(self, what: str, given: Any) -> list[Any]:
        """One entry per output: by place, by name, or the same for all."""
        if isinstance(given, Mapping):
            return self._by_name(what, given)
        if isinstance(given, (list, tuple)) and not isinstance(given, Tensor):
            return self._counted(what, given)
        return [given] * len(self.known_names)

    def _counted(self, what: str, given: Sequence[Any]) -> list[Any]:
        names = self.known_names
        if len(given) != len(names):
            raise ValueError(
                f"{what}: {len(given)} given for {len(names)} output{'s' if len(names) != 1 else ''} "
                f"({', '.join(names)}); expected one for each."
            )
        return list(given)

    def _by_name(self, what: str, given: Mapping[Any, Any]) -> list[Any]:
        keys = self._keys if self._keys is not None else self.known_names
        if self._nameless and len(keys) == len(given) == 1:  # any name can only mean the one output
            return list(given.values())
        unknown = [k for k in given if k not in keys]
        if unknown:
            raise ValueError(
                f"{what}: there is no output {unknown[0]!r}.{did_you_mean(str(unknown[0]), self.known_names)} "
                f"Outputs: {', '.join(self.known_names)}."
            )
        return [given.get(k) for k in keys]


def _unique(names: Sequence[str]) -> list[str]:
    """Names that occur again get a number."""
    return [
        name if name not in names[:i] else f"{name}_{names[:i].count(name)}" for i, name in enumerate(names)
    ]
