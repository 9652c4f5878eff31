"""A property that is computed when it is first asked for, without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["computed_once"]

if TYPE_CHECKING:
    from functools import cached_property as computed_once
else:

    class computed_once:
        """As `functools.cached_property` of Python 3.12. Before, that holds a lock which all objects of a class share.

        Two threads then waited for each other for ever: each computed one property of a program of its own, and for
        that needed the one that the other thread was at. Computing it twice does no harm.
        """

        def __init__(self, function: Any) -> None:
            self.function, self.__doc__ = function, function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, owner: Any, kind: type | None = None) -> Any:
            if owner is None:
                return self
            return vars(owner).setdefault(self.name, self.function(owner))  # what was there first, stays
