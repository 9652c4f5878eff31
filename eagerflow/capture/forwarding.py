"""Observers that were there before a capture hear the captured run, and the capture hears nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.base.capturing import capturing
from eagerflow.core.observe import Observer

__all__ = ["Forwarding"]

_EVENTS = [name for name in vars(Observer) if name.startswith("on_")]


class Forwarding(Observer):
    """Tells observers of what is announced. What they do meanwhile - read values, count, append - isn't the step's."""

    hears_steps = True  # those that `viz.step` marks

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        for event in _EVENTS:
            setattr(self, event, _told([getattr(observer, event) for observer in observers]))


def _told(handlers: list[Callable[..., None]]) -> Callable[..., None]:
    def tell(*args: Any) -> None:
        token = capturing.set(None)
        try:
            for handler in handlers:
                handler(*args)
        finally:
            capturing.reset(token)

    return tell
