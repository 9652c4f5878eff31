"""Where an op stands, in names that two programs share.

Names that were generated (`dense_3`) count like the first of their kind (`dense`), as the number depends on what was
made before. The name of the outermost model doesn't count at all.
"""

from __future__ import annotations

import re

from viz.facts.schema import Op, Record
from viz.facts.selection import origin

__all__ = ["Places"]

_TRANSPARENT = ("step", "backward")


class Places:
    """The places of a recording's ops."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._paths: dict[int | None, str] = {None: ""}
        self._shown: dict[int | None, str] = {None: ""}

    def path(self, op: Op) -> str:
        """The shared names of the scopes around; for backward ops those of the forward op."""
        return self._path(origin(self._record, op).scope)

    def shown(self, op: Op) -> str:
        """The names that users know them by, as in other tables and on the page."""
        scope = origin(self._record, op).scope
        if scope not in self._shown:
            self._shown[scope] = self._record.path(scope, shown=True)
        return self._shown[scope]

    def owner(self, op: Op) -> str:
        """The class of the innermost layer or other scope."""
        scope = origin(self._record, op).scope
        return "" if scope is None else self._record.scopes[scope].cls or self._record.scopes[scope].kind

    def _path(self, number: int | None) -> str:
        if number not in self._paths:
            scope = self._record.scopes[number]  # type: ignore[index]
            outer = self._path(scope.parent)
            if scope.kind in _TRANSPARENT:
                self._paths[number] = outer
            else:
                own = scope.kind if scope.kind == "model" and not outer else shared_name(scope.name, scope.cls)
                self._paths[number] = f"{outer}/{own}" if outer else own
        return self._paths[number]


def shared_name(name: str, cls: str = "") -> str:
    """The name without a generated number; unless a class is given, any number at the end counts as generated."""
    base, _, number = name.rpartition("_")
    if not number.isdigit() or not base:
        return name
    return base if not cls or base == _snake(cls) else name


def _snake(cls: str) -> str:
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", cls)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()
