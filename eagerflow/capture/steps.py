"""`CapturedSteps`: runs the parts of a model's steps for `compile(jit_compile=True)`, each captured by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MethodType
from typing import Any

from eagerflow.capture.function import Captured
from eagerflow.training.step_runner import StepRunner

__all__ = ["CapturedSteps"]


def _custom_step(step: Callable[..., Any], *given: Any) -> Any:
    return step(*given)


class CapturedSteps(StepRunner):
    """Captures each part of a step by itself. Copies and pickles of it start over."""

    captures = True

    def __init__(self) -> None:
        self._captured: dict[str, Captured[..., Any]] = {}

    def __reduce__(self) -> Any:
        return CapturedSteps, ()

    def run(self, name: str, part: Callable[..., Any], *args: Any) -> Any:
        captured = self._captured.get(name)
        return (captured or self._add(name, part))(*args)

    def custom(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        captured = self._captured.get(name) or self._add(name, _custom_step)
        return partial(captured, *((step.__func__, step.__self__) if isinstance(step, MethodType) else (step,)))

    def pass_by(self, name: str) -> None:
        (self._captured.get(name) or self._add(name, _custom_step)).passed_by()

    def steps(self) -> Mapping[str, Any]:
        return {name: step for name, step in self._captured.items() if step.signatures or step.why_eager is not None}

    def _add(self, name: str, part: Callable[..., Any]) -> Captured[..., Any]:
        return self._captured.setdefault(name, Captured(part, name=name))
