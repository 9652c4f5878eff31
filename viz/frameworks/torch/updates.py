"""Optimizers: their steps as scopes, and what each changes."""

from __future__ import annotations

import functools
from typing import Any

import torch

from eagerflow.core.observe import Scope, clock

__all__ = ["Updates"]

_unheard = torch._C.DisableTorchFunction


class Updates:
    """Hears of the steps of all optimizers in one thread."""

    def __init__(self, front: Any) -> None:
        self._front = front
        self._steps: list[list[Any]] = []  # of each that runs: the optimizer, what `_begin` gave, what `mute` gave

    def begins(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> Any:
        """An optimizer is about to make a step, in which only a closure is heard.

        Returns:
            Other arguments for it: with the closure that is heard; None for the same.
        """
        front = self._front
        self.abandon()
        if not front.is_heard:
            return None
        closures = [each for each in (*args[1:], *kwargs.values()) if callable(each)]
        begun = None if closures else self._begin(optimizer)  # else the gradients come first
        self._steps.append([optimizer, begun, front.mute()])
        if not closures:
            return None
        swapped = {id(each): self._heard(each) for each in closures}
        given = tuple([swapped.get(id(each), each) for each in args])
        return given, {key: swapped.get(id(each), each) for key, each in kwargs.items()}

    def _heard(self, closure: Any) -> Any:
        step = self._steps[-1]

        @functools.wraps(closure)
        def heard(*args: Any, **kwargs: Any) -> Any:
            self._front.unmute(step[2])
            try:
                return closure(*args, **kwargs)
            finally:
                step[2] = self._front.mute()

        return heard

    def _begin(self, optimizer: torch.optim.Optimizer, started: int = 0) -> tuple[Scope, list[Any]]:
        """Open the scope; gives it and what changes: weights, gradients, numbers of elements."""
        objects, name = self._front.objects, type(optimizer).__name__.lower()
        with _unheard():
            changed = [
                (objects.weight(x), objects.proxy(x.grad), x.numel())
                for group in optimizer.param_groups
                for x in group["params"]
                if x.grad is not None
            ]
            owner = self._front.scopes.owner(optimizer, name, name)
            scope = Scope("optimizer", name, owner, [gradient for _, gradient, _ in changed])
            scope.started = started or scope.started
            self._front.begin(scope)
            self._front.scopes.open.append(scope)
        return scope, changed

    def ends(self, optimizer: torch.optim.Optimizer) -> None:
        """It has made its step."""
        if not self._steps or self._steps[-1][0] is not optimizer:
            return
        _, begun, above = self._steps.pop()
        self._front.unmute(above)
        scope, changed = begun or self._begin(optimizer, self._front.backward.ended)
        with _unheard():
            self._tell(scope, changed)
            self._front.scopes.close(scope, None, None)

    def abandon(self) -> None:
        """Something is called that no optimizer calls within a step that isn't heard: an error ended the step."""
        if self._steps and self._front.muted:
            _, begun, above = self._steps.pop()
            self._front.unmute(above)
            if begun is not None:
                self._front.scopes.close(begun[0], None, None)

    def _tell(self, scope: Scope, changed: list[Any]) -> None:
        """One pass over all weights: each has a part of its time, by size."""
        ended = clock()
        each = (ended - scope.started) / (sum([size for _, _, size in changed]) or 1)
        updates, at = [], float(scope.started)
        for weight, gradient, size in changed:
            until = at + each * size
            updates.append((weight, (gradient,), int(at), int(until)))
            at = until
        if updates:
            self._front.tell("on_updates", f"{scope.name}_update", updates)
