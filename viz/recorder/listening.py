"""An observer of single events, which calls functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.core.observe import Observer

__all__ = ["HOOKS", "Listening"]


class Listening(Observer):
    """Calls functions with what eagerflow announces.

    Args:
        tells_mistakes: see `Observer`.
        everywhere: are the functions called with what other frameworks announce, too?
        elsewhere: makes another observer of that; without one nobody is told.
        **hears: functions by the names of `Observer`'s methods.

    >>> import eagerflow as ef
    >>> from eagerflow.core.observe import observing
    >>> with observing(Listening(on_op=lambda op, *rest: print(op.name))):
    ...     _ = ef.ops.exp(1.0)
    exp
    """

    def __init__(
        self,
        tells_mistakes: bool = False,
        everywhere: bool = False,
        elsewhere: Callable[[], Observer] | None = None,
        **hears: Callable[..., Any],
    ) -> None:
        self.tells_mistakes, self.everywhere, self.elsewhere = tells_mistakes, everywhere, elsewhere
        self.wants_ops = not hears.keys().isdisjoint(_OF_OPS)
        self.wants_scopes = "on_scope_begin" in hears or "on_scope_end" in hears
        vars(self).update(hears)

    @classmethod
    def to(cls, hearer: Any, **options: Any) -> Listening:
        """One that calls the methods of an object which are named as those of `Observer`."""
        return cls(**options, **{name: getattr(hearer, name) for name in HOOKS if hasattr(hearer, name)})


HOOKS = [name for name in vars(Observer) if name.startswith("on_")]
_OF_OPS = ("on_op", "on_rule", "on_update", "on_updates")
