"""Which scopes are open: what every observer keeps count of, and how one joins a run that is inside of a scope."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from eagerflow.core import observe

__all__ = ["Joined", "OpenScope", "Scopes"]


class OpenScope:
    """A scope that is open, as it was announced. An observer that knows more of it adds to this."""

    __slots__ = ("kind", "owner", "scope")

    def __init__(self, scope: observe.Scope) -> None:
        self.scope, self.kind, self.owner = scope, scope.kind, scope.owner


Opened = TypeVar("Opened", bound=OpenScope)


class Scopes(list[Opened], Generic[Opened]):
    """The open scopes, outermost first. One that begins is appended.

    >>> outer, inner = observe.Scope("model", "net"), observe.Scope("layer", "dense")
    >>> scopes = Scopes([OpenScope(outer), OpenScope(inner)])
    >>> scopes.inside("layer"), scopes.innermost("model", "step").scope
    (True, Scope(model 'net'))
    >>> len(scopes.left_open(outer)), len(scopes)  # `inner` never said that it ended
    (1, 1)
    """

    __slots__ = ()

    def inside(self, *kinds: str) -> bool:
        """Is a scope of one of these kinds open?"""
        return any(opened.kind in kinds for opened in self)

    def innermost(self, *kinds: str) -> Opened | None:
        """The innermost of the open scopes of these kinds."""
        for opened in reversed(self):
            if opened.kind in kinds:
                return opened
        return None

    def left_open(self, scope: observe.Scope) -> list[Opened] | None:
        """Take off what is still open inside of `scope`, which ends and is then the last; None if that isn't open."""
        if self and self[-1].scope is scope:  # nearly always
            return []
        for at in range(len(self) - 2, -1, -1):
            if self[at].scope is scope:
                inner = self[:at:-1]
                del self[at + 1 :]
                return inner
        return None

    def end(self, scope: observe.Scope) -> bool:
        """Close a scope and all inside of it. Was it open?"""
        if self.left_open(scope) is None:
            return False
        self.pop()
        return True


class Joined:
    """An observer that joins a run from here on, and hears of the scope that is open as if it began now."""

    def __init__(self, observer: observe.Observer, scope: observe.Scope | None = None) -> None:
        self._observer, self._scope = observer, scope
        self._observing = observe.observing(observer)
        self._observing.__enter__()
        if scope is not None:
            observer.on_scope_begin(scope)  # its listeners were chosen before this one was there

    def end_scope(self, outputs: Any = None, error: BaseException | None = None) -> None:
        """The scope ends; the observer goes on listening."""
        scope, self._scope = self._scope, None
        if scope is not None:
            self._observer.on_scope_end(scope, outputs, error)

    def leave(self) -> None:
        """The observer hears nothing more."""
        self._observing.__exit__(None, None, None)
