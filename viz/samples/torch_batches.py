"""The samples that a module is trained with, for `viz data`: each batch with the loss of each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import nn

from eagerflow import Tensor, tree
from eagerflow.core.observe import Scope
from viz.doctor.facts.host_arrays import values_of
from viz.frameworks.torch.layouts import classes_last, loss_of
from viz.frameworks.torch.objects import as_numpy
from viz.recorder.scopes import OpenScope, Scopes
from viz.samples.loss_tracking import Gatherer, Gathering, row_losses
from viz.shell.statuses import Impossible

__all__ = ["Batches", "Trained"]


class Trained:
    """A module as the judge of samples calls models: without gradients, in evaluation."""

    trainable_variables = ()

    def __init__(self, module: nn.Module, name: str) -> None:
        self._module, self.name = module, name
        self.form: Callable[[Any], Any] = lambda answers: answers

    def __call__(self, *x: Any, training: bool = False) -> Any:
        modules = [(each, each.training) for each in self._module.modules()]
        at = next(self._module.parameters()).device
        try:
            self._module.eval()
            with torch.no_grad():
                given = [torch.from_numpy(numpy.ascontiguousarray(each.data)).to(at) for each in x]
                return self.form(Tensor(as_numpy(_first(self._module(*given)))))
        except Exception as error:
            raise Impossible(f"{self.name} can't be called with its batches again: {error}") from error
        finally:
            for each, mode in modules:
                each.training = mode


class Batches:
    """Hears what a module is given, and what its loss makes of the answers."""

    def __init__(self, gatherer: Gatherer) -> None:
        self._to = gatherer
        self._trained: dict[int, Trained] = {}
        self._open = Scopes[OpenScope]()
        self._last: tuple[Trained, list[numpy.ndarray]] | None = None
        self._pending: list[tuple[Any, ...]] = []
        self._steps = 0

    def on_scope_begin(self, scope: Scope) -> None:
        outer = not self._open.inside("model", "layer")
        self._open.append(OpenScope(scope))
        if scope.kind == "model" and outer and scope.owner.thing.training:
            module = scope.owner.thing
            model = self._trained.setdefault(id(module), Trained(module, scope.name))
            self._last = model, [values_of(x).copy() for x in scope.inputs]
        elif scope.kind == "loss" and self._last is not None and len(scope.inputs) > 1:
            self._hear(scope, outer)

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        self._open.end(scope)
        if scope.kind == "backward":
            for model, x, y, found, answers, loss in self._pending if error is None else ():
                gathering = self._to.gatherings.setdefault(id(model), Gathering(model, self._to.names))
                gathering.losses = [loss]
                gathering.add(x, y, found, answers, None, self._steps)
            self._steps += 1
        if scope.kind in ("backward", "optimizer"):
            self._pending = []

    def _hear(self, scope: Scope, outer: bool) -> None:
        """A loss is computed."""
        assert self._last is not None
        (model, x), (target, answers) = self._last, scope.inputs[:2]
        if getattr(answers, "key", None) is None:
            return
        module = scope.owner.thing
        name = scope.name if module is None else type(module).__name__
        if not outer:
            self._to.note(f"the loss {name!r} is computed within the module, which gives no answers without labels")
            return
        y, kind = values_of(target).copy(), values_of(target).dtype.kind
        plain = name.replace("_", "").lower()
        ignored = getattr(module, "ignore_index", -100)
        loss = loss_of(plain, kind, ignored if kind in "iu" and bool((y == ignored).any()) else None)
        entropy = "cross_entropy" if plain.startswith("crossentropy") else ""
        given = _in_rows(Tensor(classes_last(entropy, values_of(answers).copy())), x)
        y = _in_rows(Tensor(y), x).numpy()
        found = row_losses(loss, Tensor(y), given) if x else None
        if found is None or len(found) != len(x[0]):
            self._to.note(f"the loss {name!r} can't be divided among samples")
            return
        shape = given.shape[1:]  # the answers may be given to the loss in another one
        model.form = lambda made: Tensor(numpy.reshape(classes_last(entropy, made.numpy()), (-1, *shape)))
        self._pending.append((model, x, y, found, given, loss))


def _first(structure: Any) -> Any:
    return next(x for x in tree.flatten(structure) if isinstance(x, torch.Tensor))


def _in_rows(made: Tensor, x: list[numpy.ndarray]) -> Tensor:
    """A loss over all words of some texts is given them in one row: with the rows of the batch."""
    rows, values = len(x[0]) if x and x[0].ndim else 0, made.numpy()
    if rows and values.ndim and len(values) != rows and x[0].ndim > 1 and len(values) == rows * x[0].shape[1]:
        return Tensor(values.reshape(rows, -1, *values.shape[1:]))
    return made
