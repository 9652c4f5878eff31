"""`name_scope`: a prefix for the paths of what is made inside."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

__all__ = ["in_scope", "name_scope"]

_scopes: ContextVar[tuple[name_scope, ...]] = ContextVar("name_scopes", default=())


class name_scope:
    """A block inside which the paths of new variables and layers begin with a name.

    Only `path` changes, not `name`. A block inside of `call` or `build` applies to the variables that are made there,
    not to layers.

    Args:
        name: the name, without a slash.
        caller: an object. A block inside of another one with the same caller and name adds nothing to the path.
        deduplicate: with False, such a block adds its name all the same.
        override_parent: a path to use instead of that of the surrounding blocks.

    Raises:
        ValueError: for a name that isn't a string, or contains a slash.

    Source: the interface of `keras.name_scope` 3.15.

    >>> with ef.name_scope("encoder"):
    ...     ef.Variable(1.0, name="scale").path
    'encoder/scale'
    """

    def __init__(
        self, name: str, caller: Any = None, deduplicate: bool = True, override_parent: str | None = None
    ) -> None:
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"name_scope(name={name!r}): expected a text without '/'.")
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        self.override_parent = override_parent

    def __enter__(self) -> name_scope:
        before = _scopes.get()
        self._token = _scopes.set(before if before and self._repeats(before[-1]) else (*before, self))
        return self

    def __exit__(self, *error: Any) -> None:
        _scopes.reset(self._token)

    def _repeats(self, last: name_scope) -> bool:
        same = self.caller is not None and self.caller is last.caller and self.name == last.name
        return self.deduplicate and same


def in_scope(name: str) -> str:
    """A path, with the names of the blocks around before it."""
    scopes = _scopes.get()
    return "/".join([*_names(scopes), name]) if scopes else name


def _names(scopes: tuple[name_scope, ...]) -> list[str]:
    names: list[str] = []
    for scope in scopes:
        if scope.override_parent is not None:
            names = [part for part in scope.override_parent.split("/") if part]
        names.append(scope.name)
    return names
