"""One update: gradients meet their variables, and are accumulated, clipped and given to the optimizer's rule."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from operator import attrgetter, is_not
from typing import Any

import numpy

from eagerflow.base.tracebacks import warn
from eagerflow.core.device import device_of, namespace_of, place
from eagerflow.core.in_place import Writing, taken_back
from eagerflow.core.observe import clock, state
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import checks, clipping
from eagerflow.optimizers.entry import Entry, look_for_kept, overwritten
from eagerflow.optimizers.updates.passes import announce_pass, announce_update

__all__ = ["apply_matched", "matched", "report_missing", "run_rule", "update_variables"]

_ARRAYS = {numpy.ndarray}
_constraint, _is_overwritten = attrgetter("variable.constraint"), attrgetter("variable.overwrite_with_gradient")


def matched(optimizer: Any, grads: list[Any], variables: list[Variable]) -> tuple[list[Entry], list[Any]]:
    """The entries that have a gradient, and the gradients as raw arrays of the variables' types."""
    entries, gradients, without = [], [], []
    known = optimizer._entries
    for g, v in zip(grads, variables):
        if g is None:
            without.append(v)
            continue
        entry = known.get(v.identity) if isinstance(v, Variable) else optimizer._refuse(v)
        if entry is None:  # a layer that was built or unfrozen later
            optimizer._add_entries([v])
            entry = known[v.identity]
        array = g.data if isinstance(g, Tensor) else convert_to_tensor(g).data
        if array.dtype is not v.data.dtype or array.shape != v.data.shape:
            array = _fitting(array, v)
        entries.append(entry)
        gradients.append(array)
    if without:
        report_missing(optimizer, without, bool(entries))
    return entries, gradients


def _fitting(array: Any, variable: Variable) -> Any:
    if array.shape != variable.shape:
        raise ValueError(
            f"the gradient of {variable.path!r} has shape {array.shape}; its variable has {variable.shape}."
        )
    return array if array.dtype == variable.dtype else array.astype(variable.dtype)


def report_missing(optimizer: Any, without: list[Variable], others: bool) -> None:
    """Warn of variables without a gradient; raise ValueError where no variable has one."""
    names = ", ".join(v.path for v in without[:5]) + (", ..." if len(without) > 5 else "")
    if not others:
        raise ValueError(f"{type(optimizer).__name__}: no gradient for any variable ({names}). {checks.NO_GRADIENT}")
    warn(f"No gradient for {names}: the loss doesn't depend on {'it' if len(without) == 1 else 'them'}.")


def apply_matched(optimizer: Any, entries: list[Entry], gradients: list[Any]) -> None:
    """One update, after which constraints hold."""
    if not any(map(is_not, map(_constraint, entries), repeat(None))):
        return _change(optimizer, entries, gradients)
    constrained = [e.variable for e in entries if e.variable.constraint is not None]
    # A constraint is the user's code: if it raises, nothing has happened.
    before = [(v, v.data) for v in (*[e.variable for e in entries], *optimizer._variables)]
    try:
        _change(optimizer, entries, gradients)
        for variable in constrained:
            variable.assign(variable.constraint(variable))
    except BaseException:
        for variable, array in before:
            variable.data = array
        raise


def _change(optimizer: Any, entries: list[Entry], gradients: list[Any]) -> None:
    if optimizer.use_ema or optimizer.gradient_accumulation_steps:
        look_for_kept(optimizer, entries)
    if optimizer.loss_scale_factor is not None:
        gradients = [g / optimizer.loss_scale_factor for g in gradients]
    if any(map(_is_overwritten, entries)):
        steps = optimizer.gradient_accumulation_steps or 1
        entries, gradients = overwritten(entries, gradients, (int(optimizer._iterations.data) + 1) % steps == 0)
    if optimizer.gradient_accumulation_steps:
        gradients = _accumulated(optimizer, entries, gradients)
    if gradients:
        optimizer._update(entries, *_clipped(optimizer, gradients))
    if optimizer.use_ema:
        optimizer._average()
    optimizer._iterations.increase(1)


def _accumulated(optimizer: Any, entries: list[Entry], gradients: list[Any]) -> list[Any]:
    """The mean gradients when this step updates, else nothing."""
    steps = optimizer.gradient_accumulation_steps or 1
    complete = (int(optimizer._iterations.data) + 1) % steps == 0
    means = []
    for entry, g in zip(entries, gradients):
        with entry.gradient_accumulator.changing() as total:
            total += g
            if complete:
                means.append(total / steps)
                total[...] = 0
    return means


def _clipped(optimizer: Any, gradients: list[Any]) -> tuple[list[Any], Any]:
    """The gradients, and the number by which all of them are to be multiplied; None for none."""
    if optimizer.clipnorm is not None:
        return [clipping.by_norm(namespace_of(g), g, optimizer.clipnorm) for g in gradients], None
    if optimizer.global_clipnorm is not None:
        xp = namespace_of(*gradients)
        return gradients, clipping.scale_of_global_norm(xp, gradients, optimizer.global_clipnorm)
    if optimizer.clipvalue is not None:
        return [clipping.by_value(namespace_of(g), g, optimizer.clipvalue) for g in gradients], None
    return gradients, None


def update_variables(optimizer: Any, entries: list[Entry], gradients: list[Any], scale: Any = None) -> None:
    """Let the optimizer's rule change variables; `scale` is what gradients are multiplied by before."""
    rate = optimizer._learning_rate()
    own = optimizer._has_own_step
    rule = None if own else optimizer.rule
    if getattr(rule, "elementwise", False) and _at_once(optimizer, gradients):
        factor = None if scale is None else float(scale)
        decay = (optimizer.weight_decay or 0.0) * rate
        started = clock() if state.ops else 0
        optimizer._passes.run(rule, optimizer.settings(rate), entries, gradients, decay, factor)
        if started:
            announce_pass(f"{optimizer.name}_update", entries, gradients, factor, started)
        return
    if scale is not None:
        gradients = [g * scale.astype(g.dtype) for g in gradients]
    settings = None if rule is None else optimizer.settings(rate)
    if optimizer._fused.update(optimizer, rule, settings, entries, gradients, rate):
        return
    if optimizer.weight_decay is not None:
        optimizer._decay(entries, rate)
    for entry, g in zip(entries, gradients):
        started = clock() if state.ops else 0
        if rule is None:
            optimizer.update_step(Tensor(g, None, None), entry.variable, _rate_beside(optimizer, g))
        else:
            run_rule(optimizer, rule, entry, g, settings)
        if started:
            announce_update(f"{optimizer.name}_update", entry.variable, g, started, clock())


def _rate_beside(optimizer: Any, g: Any) -> Any:
    """The learning rate, which lies on the CPU, for arithmetic with a gradient."""
    rate: Any = optimizer.learning_rate
    return rate if isinstance(g, numpy.ndarray) else Tensor(place(rate.data, device_of(g)), None, None)


def _at_once(optimizer: Any, gradients: list[Any]) -> bool:
    """Whether one pass may go over all variables: on the CPU, and not to be taken back."""
    return set(map(type, gradients)) == _ARRAYS and not taken_back() and getattr(optimizer, "epsilon", 1.0) != 0


def run_rule(optimizer: Any, rule: Callable[..., None], entry: Entry, g: Any, settings: Any) -> None:
    """Let a rule change one variable."""
    with Writing((entry.variable, *entry.slots)) as (w, *slots):
        rule(namespace_of(w), w, g, slots, settings, optimizer._scratch.like(w))
