"""Modules, losses, optimizers and loaders as scopes, called as in the user's code."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import nn

from eagerflow.core.observe import Scope, clock
from viz.facts.json_data import to_plain
from viz.frameworks import contract
from viz.frameworks.torch.objects import Objects
from viz.frameworks.torch.ops import tensors_in
from viz.frameworks.torch.routine import tell_batch
from viz.recorder.names.kept_names import held_as, spoken_of
from viz.recorder.source_lines import is_internal

__all__ = ["Owner", "Scopes"]

_LISTS = (nn.ModuleList, nn.ModuleDict)
_LOSSES = (nn.modules.loss._Loss, nn.AdaptiveLogSoftmaxWithLoss)
_FAST_PATHS = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)
_TELL_NOTHING = frozenset(["self", "cls", "module", "layer", "m", "mod", "net_", "p", "x"])

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


class _Call(NamedTuple):
    """How a module is called within another one: see `Scope`; `full` is its name from the outermost model on."""

    ref: weakref.ref[nn.Module]
    kind: str
    name: str
    full: str
    owner: Owner
    is_opaque: bool | None


class Scopes:
    """Opens and closes scopes, and knows the names of modules and parameters."""

    def __init__(self, front: Any) -> None:
        self._front = front
        self._roots: set[str] = set()
        self._modules: dict[int, tuple[weakref.ref[nn.Module], str]] = {}  # full names
        self._paths: dict[int, tuple[weakref.ref[torch.Tensor], str]] = {}  # of parameters and buffers
        self._functions: dict[Any, Owner] = {}  # of loss functions, by name and ignored class
        self._open: list[Scope] = []
        self._names: list[str] = []  # the full names of the modules among them
        self._called: dict[tuple[int, str], _Call] = {}

    # ------------------------------------------------------------------ names

    def path_of(self, x: torch.Tensor, is_weight: bool = False) -> str | None:
        """The path of a parameter or buffer, of other weights what the code calls them; None for other tensors."""
        known = self._paths.get(id(x))
        if known is not None and known[0]() is x:
            return known[1]
        if isinstance(x, nn.Parameter) and (found := self._holder(x, sys._getframe(1))) is not None:
            self._meet(found[0])  # a trainer may look at weights before it calls the model
            return self._paths[id(x)][1]
        return self._held(x, sys._getframe(1)) if is_weight or isinstance(x, nn.Parameter) else None

    def _held(self, x: Any, frame: FrameType | None) -> str | None:
        """What the innermost of the user's functions that holds something calls it."""
        while frame is not None:
            if not is_internal(frame.f_code.co_filename):
                for key, value in spoken_of(frame):
                    for name in held_as(key, value, x) if key not in _TELL_NOTHING else ():
                        return name[:64]
            frame = frame.f_back
        return None

    def _holder(self, thing: Any, frame: FrameType | None) -> tuple[nn.Module, str] | None:
        """A module that holds another one or a parameter, and what the user's code calls it."""
        while frame is not None:
            if not is_internal(frame.f_code.co_filename):
                for key, value in spoken_of(frame):
                    if (
                        isinstance(value, nn.Module)
                        and key not in _TELL_NOTHING
                        and any(each is thing for each in (*value.modules(), *value.parameters()))
                    ):
                        return value, key
            frame = frame.f_back
        return None

    def _meet(self, module: nn.Module) -> str:
        """The full name of a module that is called for the first time."""
        frame = sys._getframe(1)
        name, root = self._held(module, frame), module
        if name is None and (found := self._holder(module, frame)) is not None:
            root, name = found
        first = name = name or type(root).__name__.lower()
        while name in self._roots:
            name = f"{first}_{len(self._roots)}"
        self._roots.add(name)
        for path, each in root.named_modules():
            known = self._modules.get(id(each))
            if known is None or known[0]() is not each:
                self._modules[id(each)] = weakref.ref(each), f"{name}.{path}" if path else name
        for path, x in [*root.named_parameters(), *root.named_buffers()]:
            known_path = self._paths.get(id(x))
            if known_path is None or known_path[0]() is not x:  # else it is tied to one that has a name
                full = "/".join([name, *_joined(root, path.split("."))])
                self._paths[id(x)] = weakref.ref(x), full
                self._front.renamed(self._front.objects.rename(x, full))
        return self._modules[id(module)][1]

    def owner(self, thing: Any, name: str, path: str) -> Owner:
        """What stands for a module or optimizer, which has this name and path."""
        owner = owner_of(thing)
        owner.name, owner.path, owner.objects = name, path, self._front.objects
        return owner

    # ------------------------------------------------------------------ scopes

    def _proxies(self, nested: Any) -> tuple[Any, ...]:
        with _unheard():
            if nested.__class__ is torch.Tensor:
                return (self._front.objects.proxy(nested),)
            return tuple([self._front.objects.proxy(x) for _, x in tensors_in(nested)])

    @property
    def wants_loss(self) -> bool:
        """Would a loss function be a scope of its own?"""
        return not any([scope.kind == "loss" for scope in self._open])

    def of_loss(self, op: Any, inputs: tuple[Any, ...], settings: tuple[Any, ...]) -> Scope:
        """The scope of a loss function that is called."""
        ignored = dict(zip(op.settings, settings)).get("ignore_index", -100)
        owner = self._functions.get((op.name, ignored))
        if owner is None:
            kind = type("function", (Owner,), {"ignore_index": ignored})
            owner = self._functions[op.name, ignored] = kind(None, op.name, op.name)
        return Scope("loss", op.name, owner, inputs[1::-1] + inputs[2:])

    def opened(self, scope: Scope) -> None:
        """A scope that is no module's has begun."""
        self._open.append(scope)

    def close(self, scope: Scope, outputs: Any, error: BaseException | None) -> None:
        """A scope ends, and with it those inside that an error left open."""
        made = None if outputs is None else self._front.safely(self._proxies, outputs)
        while self._open:
            last = self._open.pop()
            is_it = last is scope
            self._front.end(last, (made[0] if len(made) == 1 else made) if is_it and made else None, error)
            if is_it:
                break

    def close_all(self) -> None:
        """Nothing is heard from here on."""
        while self._open:
            self._front.end(self._open.pop(), None, None)

    def module(self, call: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        """A module is called."""
        front = self._front
        outer = self._names[-1] if self._names else ""
        known = self._called.get((id(module), outer))
        if known is None or known.ref() is not module:
            known = front.safely(self._call_of, module, outer)
        inputs = front.safely(self._given, known.kind, args, kwargs) if known is not None else None
        if inputs is None:
            return call(module, *args, **kwargs)
        scope = Scope(known.kind, known.name, known.owner, inputs)
        front.begin(scope)
        self._open.append(scope)
        self._names.append(known.full)
        try:
            if known.is_opaque or (known.is_opaque is None and _is_fast(module)):
                out = front.opaque(call, module, args, kwargs)
            else:
                out = call(module, *args, **kwargs)
        except BaseException as error:
            self.close(scope, None, error)
            raise
        finally:
            self._names.pop()
        self.close(scope, out, None)
        return out

    def _given(self, kind: str, args: Any, kwargs: Any) -> tuple[Any, ...]:
        """What stands for the tensors that a module is given; observers know losses as called with targets first."""
        inputs = self._proxies(args[0] if len(args) == 1 and not kwargs else (args, kwargs))
        return inputs[1::-1] + inputs[2:] if kind == "loss" else inputs

    def _call_of(self, module: nn.Module, outer: str) -> _Call:
        """How a module is called within the one with the full name `outer`."""
        known = self._modules.get(id(module))
        full = known[1] if known is not None and known[0]() is module else self._meet(module)
        kind = "loss" if isinstance(module, _LOSSES) else "layer" if outer or "." in full else "model"
        name = full
        if outer:
            name = full.removeprefix(f"{outer}.") if full.startswith(f"{outer}.") else full.rpartition(".")[2]
        owner = self.owner(module, full if kind == "model" else name, full.replace(".", "/"))
        found = _Call(weakref.ref(module), kind, name, full, owner, _is_opaque(module))
        self._called[id(module), outer] = found
        return found

    def data(self, advance: Callable[..., Any], loader: Any) -> Any:
        """A loader gives a batch."""
        started = clock()
        with self._front.quiet():
            batch = advance(loader)
        scope = Scope("data", type(loader._dataset).__name__)
        scope.started = started
        self._front.begin(scope)
        self.opened(scope)
        self.close(scope, batch, None)
        self._front.safely(tell_batch, self._front, loader, batch)
        return batch


def _is_opaque(module: nn.Module) -> bool | None:
    """Is it compiled? None where it may be better not to look into it, see `_is_fast`."""
    if isinstance(module, torch.jit.ScriptModule) or type(module).__name__ == "OptimizedModule":
        return True
    return None if isinstance(module, _FAST_PATHS) else False


def _is_fast(module: nn.Module) -> bool:
    """Might it take a way that torch doesn't go where functions are overridden?"""
    if module.training:
        return False
    return not (torch.is_grad_enabled() and any(x.requires_grad for x in module.parameters()))


def _joined(at: Any, steps: Sequence[str]) -> Iterator[str]:
    """`layers.0` is one name: a list of modules is never called, so there is no scope `layers`."""
    waiting: list[str] = []
    for step in steps:
        at = getattr(at, step)
        waiting.append(step)
        if not isinstance(at, _LISTS):
            yield ".".join(waiting)
            waiting = []
