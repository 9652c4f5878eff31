"""A recording that one call begins and another one ends."""

from __future__ import annotations

from typing import Any

from eagerflow import _viz

__all__ = ["Recorder"]


class Recorder:
    """Records by viz, as `with viz.trace()` does, between `begin` and `end`."""

    def __init__(self) -> None:
        self._open: tuple[Any, Any] | None = None  # the tracer, and what it records

    @property
    def is_running(self) -> bool:
        """Whether something is being recorded."""
        return self._open is not None

    def begin(self) -> None:
        """Record what runs from now on."""
        tracer = _viz.package().trace()
        self._open = tracer, tracer.__enter__()

    def end(self) -> Any:
        """Stop; gives the recording, None where there is none."""
        if self._open is None:
            return None
        (tracer, recording), self._open = self._open, None
        tracer.__exit__()
        return recording
