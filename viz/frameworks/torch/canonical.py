"""What PyTorch does, as the doctor's checks know it: eagerflow's layouts, losses, and gradients at each update."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence, Set
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy
import torch
from torch import nn

from eagerflow.core.observe import Observer, Scope
from viz.frameworks.contract import Array, Tensor
from viz.frameworks.torch.advice import ADVICE, WORDS
from viz.frameworks.torch.layouts import LaidOut, answers_last, is_as_drawn, layer_of, loss_of
from viz.frameworks.torch.modules import owner_of
from viz.frameworks.torch.objects import Weight, as_numpy, made_at
from viz.frameworks.torch.ops import tensors_in

__all__ = ["Canonical"]

_OF_LOGITS = {
    "cross_entropy": "sparse_softmax_crossentropy",
    "binary_cross_entropy_with_logits": "sigmoid_crossentropy",
}
_COMPARING = ("mean_squared_error", "mean_absolute_error", "kl_divergence", "binary_crossentropy")
_KEEP_LAYOUT = frozenset(
    """
    relu leaky_relu gelu_exact silu elu tanh sigmoid normalize_batch add multiply subtract divide masked_scale max_pool
    average_pool copy hardtanh softplus conv cast
    """.split()
)
_OWN = {
    "lr_too_high.never_zeroed": "gradients are added to those of the steps before, {count} times so far: nothing sets "
    "them to zero after an update",
    "frozen.zeroed": "the optimizer is given no gradients, {count} times so far: they are set to zero between the "
    "backward pass and the update",
    "frozen.all": "none of the optimizer's weights takes gradients (requires_grad is False), {count} times so far",
}
_OFTEN = 3
_LOG_RULE = "loss_mismatch.log_probabilities"

_unheard = torch._C.DisableTorchFunction


class Canonical(Observer):
    """Tells an observer of eagerflow's events what torch does.

    Args:
        listener: the doctor's `Watcher`.
    """

    def __init__(self, listener: Any) -> None:
        self._to = listener
        listener.advice = {**listener.advice, **ADVICE}
        listener.has_tapes, listener.held, listener.words = False, self.held, WORDS
        self._known: dict[int, tuple[Callable[[], Any], Any]] = {}
        self._flips: dict[int, tuple[weakref.ref[Any], bool]] = {}  # of parameters
        self._weights: weakref.WeakValueDictionary[int, LaidOut] = weakref.WeakValueDictionary()
        self._owners: dict[int, tuple[Any, Any]] = {}
        self._scopes: dict[int, Scope] = {}
        self._losses: dict[Any, Any] = {}
        self._first: set[int] = set()  # ids of what has its channels first, and their keys
        self._fresh: dict[int, Any] = {}  # gradients by the weight's identity, since the last update
        self._root: Sequence[Any] = ()
        self._used: dict[int, Any] = {}
        self._updates = 0  # optimizers that run
        self._stepped: set[int] = set()  # weights that an optimizer changed, whose gradients may still be there
        self._stale: set[int] = set()  # and to which a pass adds
        self._begun_at: Any = None  # where the last pass began
        self._counts: dict[tuple[str, int], int] = {}
        self._owned: set[int] = set()  # weights that optimizers have
        self._drawn: dict[int, bool] = {}  # are others as they were drawn?
        self._steps = 0

    # ------------------------------------------------------------------ objects

    def of(self, raw: Any) -> Any:
        """What stands for a tensor, or for all in nested ones."""
        if isinstance(raw, (list, tuple)):
            return type(raw)([self.of(x) for x in raw])
        if isinstance(raw, Array):
            return raw.get()
        if not isinstance(raw, Tensor) or not isinstance(raw.data, Array):
            return raw
        known = self._known.get(id(raw))
        if known is not None and known[0]() is raw:
            if not isinstance(raw, Weight):
                known[1].key = raw.key
            return known[1]
        return self._keep(raw, self._new(raw))

    def _keep(self, raw: Any, made: Any) -> Any:
        at, known, first = id(raw), self._known, self._first

        def forget(gone: Any) -> None:
            if at in known and known[at][0] is gone:
                del known[at]
                first.discard(at)

        known[at] = weakref.ref(raw, forget), made
        return made

    def _new(self, raw: Any) -> Any:
        if isinstance(raw, Weight):
            source = raw.data.source
            found = self._flips.get(id(source))
            made = LaidOut(raw, found is not None and found[0]() is source and found[1])
            self._weights[raw.identity] = made
            return made
        return Tensor(self._values(raw), raw.key)

    def _values(self, raw: Any) -> Any:
        values = raw.data.get()
        return numpy.moveaxis(values, 1, -1) if id(raw) in self._first and values.ndim > 2 else values

    def _channels_first(self, raw: Any) -> None:
        """An array turned out to have its channels on axis 1."""
        if isinstance(raw, Tensor) and not isinstance(raw, Weight) and len(raw.data.shape) > 2:
            if id(raw) not in self._first:
                self._first.add(id(raw))
                self._keep(raw, self._new(raw))
            if raw.key is not None:
                self._first.add(raw.key)

    def _in_one_layout(self, compared: Sequence[Any]) -> None:
        """A loss compares these: where one has its channels on axis 1, so has the other."""
        tensors = [x for x in compared if isinstance(x, Tensor)]
        if len({len(x.data.shape) for x in tensors}) == 1 and any([id(x) in self._first for x in tensors]):
            for x in tensors:
                self._channels_first(x)

    def _answers(self, loss: str, raw: Any) -> Any:
        """What stands for the answers that a loss takes, with their classes on the last axis."""
        return self.of(raw) if id(raw) in self._first else answers_last(loss, self.of(raw))

    def held(self, made: Any) -> Any:
        """The tensor that the program holds, by what stands for it; None when it is gone."""
        raw = next((each() for each, known in list(self._known.values()) if known is made), None)
        return None if raw is None else raw.data.source

    def optimizer(self, raw: Any) -> Any:
        """What stands for an optimizer."""
        return self._stands_for(raw, lambda: type(type(raw.thing).__name__, (), {})())

    def owner(self, raw: Any) -> Any:
        """What stands for a module."""
        return self._stands_for(raw, lambda: layer_of(self, raw, self._flips))

    def _stands_for(self, raw: Any, make: Callable[[], Any]) -> Any:
        known = self._owners.get(id(raw))
        if known is None or known[0] is not raw:
            known = self._owners[id(raw)] = raw, make()
        return known[1]

    # ------------------------------------------------------------------ ops

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        with _unheard():
            name = op.means
            by_name, given = dict(zip(op.arrays, inputs)), dict(zip(op.settings, settings))
            made = outputs if isinstance(outputs, tuple) else () if outputs is None else (outputs,)
            first: Any = inputs[0] if inputs else None
            if op.name == "dropout" and not (given.get("training", True) and given.get("p", 0.5)):
                name = "copy"
            if name in ("conv", "max_pool", "average_pool") or (
                name == "normalize_batch" and len(first.data.shape) > 2
            ):
                self._channels_first(first)
            if name in _KEEP_LAYOUT and any([id(x) in self._first for x in inputs]):
                for x in made:
                    self._channels_first(x)
            if name in _COMPARING or op.name in _OF_LOGITS:
                self._in_one_layout(inputs[:2])
            seen: list[Any] = [self.of(x) for x in inputs]
            values: tuple[Any, ...] = ()
            if op.name in ("linear", "conv1d", "conv2d", "conv3d"):
                seen = [self.of(by_name["input"]), self.of(by_name["weight"])]
            elif name in ("softmax", "log_softmax"):
                values = (given.get("dim", -1),)
                if values[0] is None:
                    values = (0 if len(first.data.shape) in (0, 1, 3) else 1,)
            elif name == "scaled_dot_product_attention":
                values = (given.get("is_causal", False),)
            elif name == "logsumexp":
                values = (given.get("dim"),)
            elif name == "reshape" and made:
                values = tuple(first.data.shape), tuple(made[0].data.shape)
            elif name == "take_index":
                values = (given.get("index"),)
            elif name == "clip":
                seen += [given.get("min", -numpy.inf), given.get("max", numpy.inf)]
            elif op.name in _OF_LOGITS and "target" in by_name:
                name, seen = _OF_LOGITS[op.name], [self.of(by_name["target"]), self._answers(op.name, first)]
            elif name in _COMPARING:
                seen = [self.of(x) for x in inputs[1::-1]]
                self._difference(op.name, seen[1], seen[0])
            else:
                seen += [given[k] for k in ("x1", "x2", "other") if isinstance(given.get(k), (int, float))]
            result = self.of(outputs)
            if op.name in ("nll_loss", "kl_div") and self._to.heavy and error is None:
                self._log_probabilities(op.name, self.of(first))
            told = _op(op.name, name, op.arrays, ("axis",) if values else ())
            self._to.on_op(told, tuple(seen), values, result, started, ended, error)
            if by_name.get("bias") is not None and name in ("matmul", "conv") and made:
                bias = (result, self.of(by_name["bias"]))
                self._to.on_op(_op("add", "add", ("x1", "x2"), ()), bias, (), result, ended, ended, None)

    def _log_probabilities(self, loss: str, answers: Any) -> None:
        """What these losses take for logarithms of probabilities."""
        made_by = self._to.made_by(answers)
        above = answers.key is not None and loss == "nll_loss" and bool((answers.data > 1e-3).any())
        if made_by == "softmax" or above:
            are = "are softmax's probabilities" if made_by == "softmax" else "have values above 0, as logits have"
            message = f"{loss} takes logarithms of probabilities, but the predictions {are}"
            self._to.report(_LOG_RULE, "error", message, op=loss, place=self._to.place())

    def _difference(self, loss: str, answers: Any, target: Any) -> None:
        """The difference that a loss function takes, where its shapes are stretched for it."""
        if answers.shape != target.shape:
            stretched = numpy.broadcast_shapes(answers.shape, target.shape)
            made = Tensor(numpy.broadcast_to(numpy.float32(0), stretched), answers.key)
            self._to._hand("op", _op(loss, "subtract", ("x1", "x2"), ()), (answers, target), (), made, None)

    def on_read(self, tensor: Any, how: str) -> None:
        place = self._to.place()
        if place is not None:
            with _unheard():
                self._to._hand("read", self.of(tensor), how, place)

    def on_routine(self, name: str, thing: Any, about: dict[str, Any]) -> None:
        if not self._to._now["routine"]:
            return
        with _unheard():
            if about.get("optimizer") is not None:
                about["optimizer"] = self.optimizer(owner_of(about["optimizer"]))
            if isinstance(thing, nn.Module):
                thing = self.owner(owner_of(thing))
            if "batch" in about:
                about["batch"] = [as_numpy(x) for _, x in tensors_in(about["batch"])]
            self._to._hand("routine", name, thing, about)

    # ------------------------------------------------------------------ gradients and updates

    def on_rule(
        self,
        op: Any,
        out_keys: Any,
        in_keys: Any,
        gradients: Any,
        results: Any,
        started: int,
        ended: int,
        error: Any = None,
    ) -> None:
        with _unheard():
            found = []
            for key, x in zip(in_keys, results):
                found.append(values := self._gradient(key, x))
                if values is not None and self._weights.get(key) is not None:
                    known = self._fresh.get(key)
                    with numpy.errstate(over="ignore", invalid="ignore"):  # they may be infinite
                        self._fresh[key] = values.copy() if known is None else known + values
            if self._to._now["rule"]:
                name = _OF_LOGITS.get(op.name) or op.means
                given = tuple([self._gradient(key, x) for key, x in zip(out_keys, gradients)])
                told = _op(op.name, name, op.arrays, ())
                if any(x is not None for x in given):
                    self._to.on_rule(told, out_keys, in_keys, given, tuple(found), started, ended, error)

    def _gradient(self, key: Any, x: Any) -> Any:
        if x is None:
            return None
        values = numpy.asarray(x.data.get() if isinstance(x, Tensor) else x.get())
        weight = self._weights.get(key)
        if weight is not None:
            return weight.laid_out(values)
        return numpy.moveaxis(values, 1, -1) if key in self._first and values.ndim > 2 else values

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        self._root = [self.of(x) for x in targets]

    def _tell_gradients(self, weights: Sequence[LaidOut]) -> None:
        """What backward passes gave since the last update, as a tape would."""
        weights = [*weights, *self._strays()]
        found = [self._fresh.pop(w.identity, None) for w in weights]
        self._to.on_gradient(self._root, weights, [None if x is None else Tensor(x, None) for x in found])
        self._root = ()

    def _strays(self) -> list[LaidOut]:
        """Weights that have a gradient, are as they were drawn, and that no optimizer has."""
        met = [self._weights.get(key) for key in self._fresh if self._steps >= _OFTEN and key not in self._owned]
        for weight in met:
            if weight is not None and weight.identity not in self._drawn:
                self._drawn[weight.identity] = is_as_drawn(weight.raw.data.source)
        return [weight for weight in met if weight is not None and self._drawn[weight.identity]]

    def on_updates(self, name: str, updates: Sequence[Any]) -> None:
        with _unheard():
            weights = [self.of(x) for x, *_ in updates]
            if not self._updates and self._root and any([w.identity in self._fresh for w in weights]):
                fresh = [w for key in self._fresh if (w := self._weights.get(key)) is not None]
                if not self._steps:  # a loop that updates by hand
                    self._adds_up(set(self._fresh), set(self._fresh), None)
                self._tell_gradients(fresh)
            for weight, (_, inputs, started, ended) in zip(weights, updates):
                given = (self._used[weight.identity],) if weight.identity in self._used else self.of(tuple(inputs))
                self._to.on_update(name, weight, given, started, ended)

    def on_update(self, name: str, variable: Any, inputs: Any, started: int, ended: int) -> None:
        self.on_updates(name, [(variable, inputs, started, ended)])

    def _begin_update(self, scope: Scope) -> tuple[Any, Any]:
        optimizer, self._updates = scope.owner.thing, self._updates + 1
        objects = scope.owner.objects
        trained = [x for group in optimizer.param_groups for x in group["params"] if x.requires_grad]
        weights = [self.of(objects.weight(x)) for x in trained]
        self._used = {
            w.identity: Tensor(w.laid_out(as_numpy(x.grad)), None)
            for w, x in zip(weights, trained)
            if x.grad is not None
        }
        asked = {w.identity for w in weights}
        self._owned |= asked
        self._steps += 1
        zeroed = not self._used and self._root and self._fresh.keys() & asked
        if not self._adds_up(asked, self._used.keys(), optimizer) and (zeroed or not asked):
            self._often("frozen.zeroed" if asked else "frozen.all", optimizer, self._to.place())
        if self._root:
            self._tell_gradients(weights)
        made = self.optimizer(scope.owner)
        set_of = optimizer.param_groups[0]
        vars(made).update(
            name=scope.name,
            learning_rate=float(set_of.get("lr", 0.0)),
            momentum=set_of.get("momentum", 0.0),
            epsilon=set_of.get("eps"),
            weight_decay=set_of.get("weight_decay"),
            created_at=made_at(optimizer),
            get_config=scope.owner.get_config,
            variables=trained if set_of.get("momentum") or "betas" in set_of else (),
            iterations=getattr(made, "iterations", -1) + 1,
        )
        return made, list(self._used.values())

    def _adds_up(self, asked: set[int], used: Set[int], optimizer: Any) -> bool:
        """Report an update of weights whose gradients are added to those of the one before; is it such a one?"""
        stale = bool(self._stale & asked)
        if stale:
            self._often("lr_too_high.never_zeroed", optimizer, self._begun_at)
        self._stale -= asked
        self._stepped |= used
        return stale

    def _often(self, rule: str, optimizer: Any, place: Any) -> None:
        """Report what was so before several updates."""
        count = self._counts[rule, id(optimizer)] = self._counts.get((rule, id(optimizer)), 0) + 1
        if count == _OFTEN:
            self._to.report(rule, "error", _OWN[rule].format(count=count), place=place)

    def _begin_pass(self, scope: Scope) -> tuple[Any, Any]:
        """What was set to zero since counts no more."""
        self._begun_at = self._to.place()
        self._root = [self.of(x) for x in scope.inputs]
        for key in {*self._fresh, *self._stepped, *self._stale}:
            weight = self._weights.get(key)
            source = None if weight is None else weight.raw.data.source
            if source is None or source.grad is None or not source.grad.any():
                self._fresh.pop(key, None)
                self._stale.discard(key)
            elif key in self._stepped:
                self._stale.add(key)
        self._stepped.clear()
        return scope.inputs[0].data.source if scope.inputs else None, None

    # ------------------------------------------------------------------ scopes

    def on_scope_begin(self, scope: Scope) -> None:
        with _unheard():
            owner, inputs = scope.owner, None
            if scope.kind in ("layer", "model"):
                owner = self.owner(owner)
                if any(isinstance(each, nn.modules.conv._ConvNd) for each in scope.owner.thing.children()):
                    for x in scope.inputs:
                        self._channels_first(x)
                inputs = (*[self.of(x) for x in scope.inputs], scope.owner.thing.training)
            elif scope.kind == "loss":
                owner, inputs = self._loss(scope)
            elif scope.kind == "optimizer":
                owner, inputs = self._begin_update(scope)
            elif scope.kind == "backward":
                owner, inputs = self._begin_pass(scope)
            told = self._scopes[id(scope)] = Scope(scope.kind, scope.name, owner, inputs)
            self._to.on_scope_begin(told)

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        told = self._scopes.pop(id(scope), None)
        if told is None:
            return
        with _unheard():
            self._to.on_scope_end(told, self.of(outputs), error)
            if scope.kind == "optimizer":
                self._updates -= 1
                self._used = {}
                self._first = {x for x in self._first if x in self._known}

    def _loss(self, scope: Scope) -> tuple[Any, Any]:
        """A loss function as eagerflow has it, and (target, answers)."""
        module = scope.owner.thing
        name = scope.name if module is None else type(module).__name__
        if len(scope.inputs) < 2:
            return SimpleNamespace(name=name, created_at=made_at(module)), ()
        self._in_one_layout(scope.inputs[:2])
        target = self.of(scope.inputs[0])
        plain = name.replace("_", "").lower()
        classes = plain in ("crossentropy", "crossentropyloss", "nllloss")
        ignored = getattr(scope.owner if module is None else module, "ignore_index", -100)
        given = numpy.asarray(target.data if isinstance(target, Tensor) else target)
        ignores = ignored if classes and given.dtype.kind in "iu" and bool((given == ignored).any()) else None
        key = plain, given.dtype.kind, ignores, len(scope.inputs), id(module)
        if key not in self._losses:
            self._losses[key] = loss_of(plain, given.dtype.kind, ignores)
            self._losses[key].created_at = made_at(module)
            weight, positive = getattr(module, "weight", None), getattr(module, "pos_weight", None)
            if len(scope.inputs) > 2 or weight is not None or positive is not None:
                self._losses[key].reduction = None  # with weights, a constant answer's loss is another question
            if classes and (weight is not None or len(scope.inputs) > 2):
                weight = as_numpy(weight) if weight is not None else self.of(scope.inputs[2]).data
                self._losses[key].class_weight = weight.tolist()
            elif positive is not None and positive.numel() == 1:
                self._losses[key].class_weight = [1.0, float(positive)]
        return self._losses[key], (target, self._answers("cross_entropy" if classes else "", scope.inputs[1]))


@cache
def _op(name: str, means: str, arrays: tuple[str, ...], settings: tuple[str, ...]) -> Any:
    return SimpleNamespace(name=name, means=means, arrays=arrays, settings=settings, fused=())
