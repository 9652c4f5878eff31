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
from viz.frameworks.torch.modules import Owner, owner_of
from viz.frameworks.torch.ops import tensors_in
from viz.frameworks.torch.routine import tell_batch
from viz.recorder.names.kept_names import held_as, spoken_of
from viz.recorder.source_lines import is_internal

__all__ = ["Scopes"]

_LISTS = (nn.ModuleList, nn.ModuleDict)
_LOSSES = (nn.modules.loss._Loss, nn.AdaptiveLogSoftmaxWithLoss)
_FAST_PATHS = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)
_TELL_NOTHING = frozenset(["self", "cls", "module", "layer", "m", "mod", "net_", "p", "x"])

_unheard = torch._C.DisableTorchFunction


class _Call(NamedTuple):
    """How a module is called within another one: see `Scope`; `full` is its name from the outermost model on."""

    ref: weakref.ref[nn.Module]
    kind: str
    name: str
    full: str
    owner: Owner
    is_opaque: bool | None


class Scopes:
    """Opens and closes scopes, and knows the names of modules and parameters.

    Attributes:
        open: the scopes that are open, outermost first.
        names: the full names of the modules among them.
    """

    def __init__(self, front: Any) -> None:
        self._front = front
        self._roots: set[str] = set()
        self._modules: dict[int, tuple[weakref.ref[nn.Module], str]] = {}  # full names
        self._paths: dict[int, tuple[weakref.ref[torch.Tensor], str]] = {}  # of parameters and buffers
        self._functions: dict[Any, Owner] = {}  # of loss functions, by name and ignored class
        self.open: list[Scope] = []
        self.names: list[str] = []
        self._called: dict[tuple[int, str], _Call] = {}

    # ------------------------------------------------------------------ names

    def path_of(self, x: torch.Tensor, is_weight: bool = False) -> str | None:
        """The path of a parameter or buffer, of other weights what the code calls them; None for other tensors."""
        known = self._paths.get(id(x))
        if known is not None and known[0]() is x:
            return known[1]
        if isinstance(x, nn.Parameter) and (found := _holder(x, sys._getframe(1))) is not None:
            self._meet(found[0])  # a trainer may look at weights before it calls the model
            return self._paths[id(x)][1]
        return _held(x, sys._getframe(1)) if is_weight or isinstance(x, nn.Parameter) else None

    def _meet(self, module: nn.Module) -> str:
        """The full name of a module that is called for the first time."""
        frame = sys._getframe(1)
        name, root = _held(module, frame), module
        if name is None and (found := _holder(module, frame)) is not None:
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
        objects = self._front.objects
        if nested.__class__ is torch.Tensor:
            known = objects.known(nested)
            if known is not None and known.key is not None:  # as usual, and nothing has to be asked
                return (known,)
        with _unheard():
            return tuple([objects.proxy(x) for _, x in tensors_in(nested)])

    def begin_loss(self, op: Any, inputs: tuple[Any, ...], settings: tuple[Any, ...]) -> Scope | None:
        """Begin the scope of a loss function that is called; None where it is a part of another loss."""
        if any([scope.kind == "loss" for scope in self.open]):
            return None
        ignored = dict(zip(op.settings, settings)).get("ignore_index", -100)
        owner = self._functions.get((op.name, ignored))
        if owner is None:
            kind = type("function", (Owner,), {"ignore_index": ignored})
            owner = self._functions[op.name, ignored] = kind(None, op.name, op.name)
        scope = Scope("loss", op.name, owner, inputs[1::-1] + inputs[2:])
        self._front.begin(scope)
        self.open.append(scope)
        return scope

    def close(self, scope: Scope, outputs: Any, error: BaseException | None) -> None:
        """A scope ends, and with it those inside that an error left open."""
        made = None if outputs is None else self._front.safely(self._proxies, outputs)
        while self.open:
            last = self.open.pop()
            is_it = last is scope
            self._front.end(last, (made[0] if len(made) == 1 else made) if is_it and made else None, error)
            if is_it:
                break

    def close_all(self) -> None:
        """Nothing is heard from here on."""
        while self.open:
            self._front.end(self.open.pop(), None, None)

    def scope_of(self, module: nn.Module, args: Any, kwargs: Any) -> tuple[Scope, _Call]:
        """The scope of a module that is called, and how it is called."""
        outer = self.names[-1] if self.names else ""
        known = self._called.get((id(module), outer))
        if known is None or known.ref() is not module:
            known = self._call_of(module, outer)
        inputs = self._proxies(args[0] if len(args) == 1 and not kwargs else (args, kwargs))
        if known.kind == "loss":  # observers know losses as called with targets first
            inputs = inputs[1::-1] + inputs[2:]
        return Scope(known.kind, known.name, known.owner, inputs), known

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
        self.open.append(scope)
        self.close(scope, batch, None)
        self._front.safely(tell_batch, self._front, loader, batch)
        return batch


def _spoken(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """What the user's functions speak of, the innermost first."""
    while frame is not None:
        if not is_internal(frame.f_code.co_filename):
            yield from [each for each in spoken_of(frame) if each[0] not in _TELL_NOTHING]
        frame = frame.f_back


def _held(x: Any, frame: FrameType | None) -> str | None:
    """What the innermost of the user's functions that holds something calls it."""
    return next((name[:64] for key, value in _spoken(frame) for name in held_as(key, value, x)), None)


def _holder(thing: Any, frame: FrameType | None) -> tuple[nn.Module, str] | None:
    """A module that holds another one or a parameter, and what the user's code calls it."""
    for key, value in _spoken(frame):
        if isinstance(value, nn.Module) and any(x is thing for x in (*value.modules(), *value.parameters())):
            return value, key
    return None


def _is_opaque(module: nn.Module) -> bool | None:
    """Is it compiled? None where it may be better not to look into it, see `_is_fast`."""
    if isinstance(module, torch.jit.ScriptModule) or type(module).__name__ == "OptimizedModule":
        return True
    return None if isinstance(module, _FAST_PATHS) else False


def _joined(at: Any, steps: Sequence[str]) -> Iterator[str]:
    """`layers.0` is one name: a list of modules is never called, so there is no scope `layers`."""
    waiting: list[str] = []
    for step in steps:
        at = getattr(at, step)
        waiting.append(step)
        if not isinstance(at, _LISTS):
            yield ".".join(waiting)
            waiting = []
