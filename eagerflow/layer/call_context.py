"""What layers know of the call they run in: which layers are running, and whether it is training."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

from eagerflow.base.origin import creation_site

__all__ = ["CallContext", "creation_site", "current_call", "probing", "whole_sequences"]


class CallContext:
    """One outermost call of a layer, and the calls inside.

    Attributes:
        running: the layers that are running, outermost first.
        training: the mode that nested layers take over, None when nobody said.
        probing: True while layers only run to learn the shapes of their outputs.
    """

    __slots__ = ("probing", "running", "training")

    def __init__(self, probing: bool = False) -> None:
        self.running: list[Any] = []
        self.training: bool | None = None
        self.probing = probing


whole_sequences: contextvars.ContextVar[bool] = contextvars.ContextVar("whole_sequences", default=False)
"""Whether layers that go through a sequence step by step may take all steps as one batch (in inference)."""

current_call: contextvars.ContextVar[CallContext | None] = contextvars.ContextVar("call", default=None)


@contextlib.contextmanager
def probing() -> Iterator[CallContext]:
    """Layers called inside the block run for their shapes only: they add no losses."""
    context = CallContext(probing=True)
    before = current_call.get()
    if before is not None:
        context.running += before.running
    current_call.set(context)
    try:
        yield context
    finally:
        current_call.set(before)
