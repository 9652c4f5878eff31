"""`remat` and `RematScope`: activations that are computed again for their gradient instead of being kept."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

from eagerflow.base import tree
from eagerflow.base.errors import expect_one_of
from eagerflow.core.recomputation import is_recomputed, recomputed
from eagerflow.core.tensor import Tensor
from eagerflow.layer.added_losses import losses_left_alone
from eagerflow.layer.call_context import CallContext, current_call
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["RematMode", "RematScope", "current_remat_mode", "remat", "rematerialized"]

P = ParamSpec("P")
R = TypeVar("R")

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematMode(NamedTuple):
    """What a `RematScope` asks of the layers that are made inside."""

    mode: str | None
    output_size_threshold: int
    layer_names: list[str]


_scopes: contextvars.ContextVar[tuple[RematMode, ...]] = contextvars.ContextVar("remat", default=())


def current_remat_mode() -> RematMode | None:
    """What the innermost scope asks for."""
    scopes = _scopes.get()
    return scopes[-1] if scopes and scopes[-1].mode is not None else None


class RematScope:
    """Layers made inside the block recompute their activations in the backward pass instead of keeping them.

    Training then needs less memory and more time, about one forward pass more. Gradients of any order are exactly the
    same: random draws (dropout) are repeated, and states (batch normalization, metrics) change only once. A layer
        inside of a
    recomputed layer isn't recomputed by itself, too. In a model, its layers are recomputed one by one.

    Args:
        mode: `"full"` (all layers), `"activations"` (the activation functions of layers that have one),
            `"larger_than"` (layers whose outputs have more elements than `output_size_threshold`),
            `"list_of_layers"` (those named in `layer_names`), or None (no layer, inside of another scope).
        output_size_threshold: for `"larger_than"`, the number of elements of a layer's output.
        layer_names: for `"list_of_layers"`, a list of layers' names.

    Raises:
        ValueError: for another mode.

    Source: Chen, Xu, Zhang and Guestrin 2016, https://arxiv.org/abs/1604.06174; the interface of `keras.RematScope`.

    >>> with ef.RematScope("full"):
    ...     layer = ef.layers.Dense(3, activation="tanh")
    >>> with ef.GradientTape() as tape:
    ...     y = layer(ef.ops.ones((2, 4)))
    >>> [g.shape for g in tape.gradient(y, layer.trainable_weights)]
    [(4, 3), (3,)]
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Sequence[str] | None = None
    ) -> None:
        if mode is not None:
            expect_one_of("RematScope", "mode", mode, [name for name in _MODES if name])
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or [])

    def __enter__(self) -> RematScope:
        asked = RematMode(self.mode, self.output_size_threshold, self.layer_names)
        _scopes.set((*_scopes.get(), asked))
        return self

    def __exit__(self, *error: object) -> None:
        _scopes.set(_scopes.get()[:-1])


def remat(f: Callable[P, R]) -> Callable[P, R]:
    """Wraps a function so that its intermediate results are recomputed in the backward pass instead of kept.

    That saves memory and costs time (rematerialization, gradient checkpointing).

    Args:
        f: a function of tensors, or a layer. Its results may depend on its arguments, on variables and on random draws,
            which are repeated. It runs twice, so other side effects, such as changed attributes, happen twice.

    Returns:
        A function with the same results and gradients.

    Raises:
        RuntimeError: in the backward pass, when `f` runs other ops than it did at first.

    >>> from eagerflow import Tensor, grad, ops
    >>> float(grad(ef.remat(lambda x: ops.exp(ops.sin(x))))(Tensor(0.0)))
    1.0
    """

    @functools.wraps(f, updated=())
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        found: R = _again(f, args, kwargs)
        return found

    return call


def _again(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    owner = getattr(f, "__self__", f)
    state = getattr(owner, "non_trainable_variables", ())
    return recomputed(f, args, kwargs, _as_now(), state if isinstance(state, list) else ())


def _as_now() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Gives a block in which layers know of their call what they know now, and add no losses."""
    context = current_call.get()
    running, training = ([], None) if context is None else (list(context.running), context.training)

    @contextlib.contextmanager
    def block() -> Iterator[None]:
        made = None
        if context is not None:
            made = CallContext(context.probing)
            made.running, made.training = list(running), training
        token = current_call.set(made)
        try:
            with losses_left_alone():
                yield
        finally:
            current_call.reset(token)

    return block


def rematerialized(layer: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Callable[..., Any]:
    """A layer's `call`, computed again if the scope asks that of this layer."""
    asked: RematMode | None = layer._ef_state.remat_mode
    context = current_call.get()
    probing = context is not None and context.probing
    if asked is None or probing or is_recomputed() or layer._scope_kind == "model":
        return call
    mode = asked.mode
    if mode == "activations":
        return _with_activation_again(layer, call) if getattr(layer, "activation", None) is not None else call
    if mode == "list_of_layers":
        chosen = layer.name in asked.layer_names
    else:
        chosen = mode == "full" or _output_size(layer, args, kwargs) > asked.output_size_threshold
    return remat(call) if chosen else call


def _with_activation_again(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    def with_activation_again(*args: Any, **kwargs: Any) -> Any:
        activation = layer.activation
        layer.__dict__["activation"] = remat(activation)
        try:
            return call(*args, **kwargs)
        finally:
            layer.__dict__["activation"] = activation

    return with_activation_again


def _output_size(layer: Any, args: Any, kwargs: Any) -> int:
    """How many elements the outputs have, which a layer works out once for each shape of its inputs."""
    known = layer._ef_state.output_sizes
    shapes = tuple([tuple(x.shape) for x in tree.flatten((args, kwargs)) if isinstance(x, Tensor)])
    if shapes not in known:
        symbolic = tree.map_structure(lambda x: SymbolicTensor(x.shape, x.dtype) if isinstance(x, Tensor) else x, args)
        outputs = layer.compute_output_spec(*symbolic, **kwargs)
        known[shapes] = sum([math.prod([n or 1 for n in x.shape]) for x in tree.flatten(outputs)])
    return int(known[shapes])
