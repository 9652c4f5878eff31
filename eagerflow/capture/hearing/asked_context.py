"""Whether what each replay calls again goes by the call of a layer around it, which a replay doesn't have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from eagerflow.base.capturing import calling_again, capturing
from eagerflow.layer.call_context import CallContext, current_call

__all__ = ["AskedContext", "within_the_step"]


class AskedContext(CallContext):
    """Stands for the context of a layer's call, and notes whether somebody asks for it, such as a layer within.

    Args:
        context: that one.

    Attributes:
        is_asked: whether somebody did.
    """

    __slots__ = ("_context", "is_asked")

    def __init__(self, context: CallContext) -> None:
        self._context, self.is_asked = context, False

    def _get(self, name: str) -> Any:
        self.is_asked = True
        return getattr(self._context, name)

    probing: Any = property(lambda self: self._get("probing"))
    running: Any = property(lambda self: self._get("running"))
    training: Any = property(lambda self: self._get("training"), lambda self, x: setattr(self._context, "training", x))


@contextlib.contextmanager
def within_the_step(recorder: Any) -> Iterator[AskedContext | None]:
    """Inside the block, a function runs that each replay calls again; gives the context of a layer's call around it.

    Args:
        recorder: doesn't write down what the function does.
    """
    around = current_call.get()
    asked = None if around is None else AskedContext(around)
    token, within, call = capturing.set(None), calling_again.set(recorder), current_call.set(asked)
    try:
        yield asked
    finally:
        capturing.reset(token)
        calling_again.reset(within)
        current_call.reset(call)
