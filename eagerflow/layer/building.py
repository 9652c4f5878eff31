"""What happens around every `build`, and a check for layers that are created again in each call."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from functools import wraps
from types import NoneType
from typing import Any

from eagerflow.activations.functions import softmax
from eagerflow.activations.singleton_softmax_warning import warn_of_softmax
from eagerflow.base import notebook
from eagerflow.base.legacy import legacy
from eagerflow.base.name_scope import in_scope
from eagerflow.base.tracebacks import warn
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.in_place import kept
from eagerflow.core.random import drawing
from eagerflow.core.strategy import sharing
from eagerflow.core.variable import changes
from eagerflow.layer.autocast import autocast_scope
from eagerflow.layer.call_context import CallContext, current_call
from eagerflow.layer.dtype_policy import DTypePolicy, DTypePolicyMap
from eagerflow.layer.input_spec import describe

__all__ = ["around_build", "build_nothing", "look_at_new", "note_maker", "settle_policy", "unbuilt_on_failure"]

# The layers built since a probe began, with the number of weights that each had before.
_ledger: contextvars.ContextVar[list[tuple[Any, int]] | None] = contextvars.ContextVar("ledger", default=None)


def around_build(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method `build`, which also gives the layer its path, marks it as built, and sets given weights.

    Variables that it assigns keep their values even inside a probe.
    """

    @wraps(method)
    def build(self: Any, *args: Any, **kwargs: Any) -> Any:
        state = self._ef_state
        if state.building:  # super().build(...)
            return method(self, *args, **kwargs)
        if legacy.shape is not tuple:
            args, kwargs = tuple(map(legacy.shape, args)), {k: legacy.shape(shape) for k, shape in kwargs.items()}
        context = current_call.get()
        if state.path is None:  # first: this raises where `super().__init__()` is missing
            state.path = in_scope(path_of([*(() if context is None else context.running), self]))
            if state.policies is not None:
                settle_policy(self, state.policies)
        token = current_call.set(CallContext()) if context is None else None
        running = current_call.get().running  # type: ignore[union-attr]
        ledger = _ledger.get()
        if ledger is not None:
            ledger.append((self, len(state.own_weights)))
        state.building = True
        running.append(self)
        try:
            with kept(), autocast_scope(None), drawing(None), sharing(None):  # weights are the same on all ranks
                method(self, *args, **kwargs)
        except TypeError:
            if args and isinstance(args[0], (int, NoneType)) and type(self).__module__.startswith("eagerflow."):
                said = f"{describe(self)}.build({args[0]!r}): expected a shape such as (None, 4) or (None, 28, 28, 1)."
                raise TypeError(said) from None
            raise
        finally:
            running.pop()
            state.building = False
            if token is not None:
                current_call.reset(token)
        if args or kwargs:
            state.build_shapes = (args, kwargs)
        finish_build(self)
        if getattr(self, "activation", None) is softmax:
            warn_of_softmax(self, _channels(self))
        return None

    return build


@around_build
def build_nothing(layer: Any) -> None:
    """For layers without a `build`: their sublayers build themselves when they are called."""


def settle_policy(layer: Any, policy: DTypePolicy) -> None:
    """Take the types of a policy; of a map, those for this layer, once its path is known."""
    state = layer._ef_state
    if isinstance(policy, DTypePolicyMap):
        policy = policy[state.path] if state.path else policy.default_policy
    state.policy = policy
    state.compute_type = as_dtype(policy.compute_dtype)
    state.is_mixed = policy.compute_dtype != policy.variable_dtype
    state.is_plain = not state.is_mixed and policy.quantization_mode is None and state.remat_mode is None


def _channels(layer: Any) -> Any:
    """The length of its output's last axis, as far as its arguments tell."""
    if getattr(layer, "data_format", "") == "channels_first":
        return None
    return getattr(layer, "units", getattr(layer, "filters", None))


def path_of(layers: list[Any]) -> str:
    """The names with slashes between; a layer that runs itself to build itself counts once."""
    return "/".join([layer.name for layer, before in zip(layers, [None, *layers]) if layer is not before])


def finish_build(layer: Any) -> None:
    """Mark the layer as built, and give it the weights that the user passed."""
    layer.__dict__["built"] = True
    initial = layer._ef_state.initial_weights
    if initial is not None and layer.weights:
        layer._ef_state.initial_weights = None
        layer.set_weights(initial)


@contextlib.contextmanager
def unbuilt_on_failure() -> Iterator[None]:
    """When the block fails, the layers built in it are as before: a probe at some size decides no weights."""
    outer = _ledger.get()
    built: list[tuple[Any, int]] = []
    _ledger.set(built)
    try:
        yield
    except BaseException:
        for layer, before in built:
            _unbuild(layer, before)
        raise
    else:
        if outer is not None:
            outer += built
    finally:
        _ledger.set(outer)


def _unbuild(layer: Any, before: int) -> None:
    state = layer._ef_state
    made = {id(v) for v in state.own_weights[before:]}
    for identity in made:  # which others may get once these are gone
        state.fixed.pop(identity, None)
    del state.own_weights[before:]
    for name in [name for name, held in state.tracked.items() if id(held) in made]:
        delattr(layer, name)
    changes.count += 1
    layer.__dict__["built"] = False
    state.path, state.build_shapes = None, ((), {})


def note_maker(layer: Any) -> None:
    """Note at a layer that is being made in whose call this happens."""
    context = current_call.get()
    if context is not None and context.running and not context.probing:
        layer._ef_state.made_in = context


def look_at_new(layer: Any) -> None:
    """Warn of a layer that was just built in the call that made it, where an earlier call made one like it.

    Its weights are others at each call, and are never trained. A first call may make what later ones use, so this says
    nothing of it.
    """
    made_in, now, layer._ef_state.made_in = layer._ef_state.made_in, current_call.get(), None
    if made_in is not now or not now.running or not layer.weights:
        return
    owner = now.running[-1]
    if any(each is layer for each in owner._flatten_layers()):
        return
    before = owner._ef_state.made_before
    site = layer.created_at
    if before.setdefault(site, now) not in (now, None):
        before[site] = None
        file = notebook.cell_names().get(site[0], site[0])
        warn(
            f"{describe(owner)}: its call makes a new {type(layer).__name__} each time ({file}:{site[1]}), whose "
            "weights are random at each call and never trained. Make it once, in __init__, and call it in call."
        )
