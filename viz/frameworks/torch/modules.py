"""Modules and optimizers as observers know them, and the calls of modules."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from viz.facts.json_data import to_plain
from viz.frameworks import contract
from viz.frameworks.torch.objects import Objects

__all__ = ["Owner", "module_called", "owner_of"]

_unheard = torch._C.DisableTorchFunction


class Owner(contract.Owner):
    """A module, loss function or optimizer as observers know it."""

    def __init__(self, thing: Any, name: str, path: str) -> None:
        self._thing = weakref.ref(thing) if thing is not None else lambda: None
        self.name, self.path = name, path
        self.objects: Objects | None = None  # which hold its weights, in the thread that called it last

    @property
    def variables(self) -> list[Any]:
        """Parameters and buffers of a module, once it has been called."""
        found = self.thing
        if self.objects is None or not isinstance(found, nn.Module):
            return []
        with _unheard():
            return [self.objects.weight(x) for x in (*found.parameters(), *found.buffers())]

    weights = variables

    @property
    def trainable_variables(self) -> list[Any]:
        """Those of which gradients are wanted."""
        return [weight for weight in self.variables if weight.key is not None]

    def _flatten_layers(self) -> list[Owner]:
        return [owner_of(each) for each in self.thing.modules()] if isinstance(self.thing, nn.Module) else []

    @property
    def thing(self) -> Any:
        """What it stands for, while the program keeps it."""
        return self._thing()

    def get_config(self) -> dict[str, Any]:
        """Its settings as plain data."""
        found = self.thing
        if isinstance(found, torch.optim.Optimizer):
            config = found.defaults | {"learning_rate": found.defaults.get("lr")}
            config.pop("lr", None)
        else:
            config = dict(vars(found)) if found is not None else {}
        kept = (bool, int, float, str, tuple)
        return {k: to_plain(v) for k, v in config.items() if k[:1] != "_" and k != "training" and isinstance(v, kept)}

    def count_params(self) -> int | None:
        """How many numbers its parameters hold."""
        found = self.thing
        return sum([x.numel() for x in found.parameters()]) if isinstance(found, nn.Module) else None

    @property
    def learning_rate(self) -> float | None:
        """Of an optimizer: that of its first group."""
        groups = getattr(self.thing, "param_groups", None)
        return float(groups[0]["lr"]) if groups and "lr" in groups[0] else None


_owners: dict[int, tuple[weakref.ref[Any], Owner]] = {}


def owner_of(thing: Any) -> Owner:
    """What stands for a module or optimizer: of a class with the same name."""
    known = _owners.get(id(thing))
    if known is not None and known[0]() is thing:
        return known[1]
    name, at = type(thing).__name__, id(thing)
    owner: Owner = type(name, (Owner,), {})(thing, name.lower(), name.lower())
    _owners[at] = weakref.ref(thing, lambda gone: _owners.pop(at, None)), owner
    return owner


def module_called(front: Any, call: Callable[..., Any], module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """A module is called: a scope, or one op. Observers look at the frame of this function."""
    scopes = front.scopes
    try:
        scope, known = scopes.scope_of(module, args, kwargs)
    except Exception as error:  # noqa: BLE001  (see `_Front.broken`)
        front.broken(error)
        return call(module, *args, **kwargs)
    front.begin(scope)
    scopes.open.append(scope)
    scopes.names.append(known.full)
    try:
        if known.is_opaque or (known.is_opaque is None and _is_fast(module)):
            out = front.opaque(call, module, args, kwargs)
        else:
            out = call(module, *args, **kwargs)
    except BaseException as error:
        scopes.names.pop()
        scopes.close(scope, None, error)
        raise
    scopes.names.pop()
    scopes.close(scope, out, None)
    return out


def _is_fast(module: nn.Module) -> bool:
    """Might it take a way that torch doesn't go where functions are overridden?"""
    if module.training:
        return False
    return not (torch.is_grad_enabled() and any(x.requires_grad for x in module.parameters()))
