"""Optimizers: their steps as scopes, and what each changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from eagerflow.core.observe import Scope, clock

__all__ = ["Updates"]

_unheard = torch._C.DisableTorchFunction


class Updates:
    """Hears of the steps of all optimizers in one thread."""

    def __init__(self, front: Any) -> None:
        self._front = front
        # Those that run; whether they are heard inside, as those with a closure; and what `mute` gave.
        self._steps: list[tuple[Any, Scope | None, bool, Any]] = []

    def begins(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        """An optimizer is about to make a step."""
        front = self._front
        self.abandon()
        if not front.is_heard:
            return
        has_closure = any(callable(each) for each in (*args[1:], *kwargs.values()))
        # A closure that is called once, as trainers do it, makes the gradients: the update comes after it.
        once = has_closure and not isinstance(optimizer, torch.optim.LBFGS)
        scope = None if once else self._begin(optimizer)
        self._steps.append((optimizer, scope, has_closure, None if has_closure else front.mute()))

    def _begin(self, optimizer: torch.optim.Optimizer, started: int = 0) -> Scope:
        front, name = self._front, type(optimizer).__name__.lower()
        with _unheard():
            grads = [front.objects.proxy(x.grad) for x in _trained(optimizer) if x.grad is not None]
            scope = Scope("optimizer", name, front.scopes.owner(optimizer, name, name), grads)
            scope.started = started or scope.started
            front.begin(scope)
            front.scopes.opened(scope)
        return scope

    def ends(self, optimizer: torch.optim.Optimizer) -> None:
        """It has made its step."""
        if not self._steps or self._steps[-1][0] is not optimizer:
            return
        _, scope, has_closure, above = self._steps.pop()
        if not has_closure:
            self._front.unmute(above)
        if scope is None:
            scope = self._begin(optimizer, self._front.backward.ended)
        with _unheard():
            self._tell(scope, optimizer)
            self._front.scopes.close(scope, None, None)

    def abandon(self) -> None:
        """Something is called that no optimizer calls within a step that isn't heard: an error ended the step."""
        if self._steps and not self._steps[-1][2]:
            _, scope, _, above = self._steps.pop()
            self._front.unmute(above)
            self._front.scopes.close(scope, None, None)

    def _tell(self, scope: Scope, optimizer: torch.optim.Optimizer) -> None:
        """One pass over all weights: each has a part of its time, by size."""
        objects, ended = self._front.objects, clock()
        changed = [x for x in _trained(optimizer) if x.grad is not None]
        each = (ended - scope.started) / (sum([x.numel() for x in changed]) or 1)
        updates, at = [], float(scope.started)
        for x in changed:
            until = at + each * x.numel()
            updates.append((objects.weight(x), (objects.proxy(x.grad),), int(at), int(until)))
            at = until
        if updates:
            self._front.tell("on_updates", f"{scope.name}_update", updates)


def _trained(optimizer: torch.optim.Optimizer) -> Iterator[torch.Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]
