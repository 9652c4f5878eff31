"""How `add_weight` makes a variable of its arguments."""

from __future__ import annotations

from typing import Any

from eagerflow import constraints, initializers, regularizers
from eagerflow.core.dtypes import as_dtype, is_differentiable, standardize_dtype
from eagerflow.core.variable import Variable
from eagerflow.initializers.random import RandomInitializer
from eagerflow.layer.autocast import AutocastVariable
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import describe

__all__ = ["KERAS_3_ORDER", "by_position", "make_weight"]

_KERAS_2_ORDER = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
KERAS_3_ORDER = ("shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint")


def by_position(layer: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    """The arguments of `add_weight` by position, under their names.

    Raises:
        TypeError: for more than there are.
    """
    order = _KERAS_2_ORDER if args and isinstance(args[0], str) else KERAS_3_ORDER
    if len(args) > len(order):
        raise TypeError(f"{describe(layer)}.add_weight: {len(args)} arguments by position; at most {len(order)}.")
    return dict(zip(order, args))


def make_weight(
    layer: Any,
    shape: Any,
    initializer: Any,
    dtype: Any,
    trainable: Any,
    autocast: bool,
    regularizer: Any,
    constraint: Any,
    aggregation: str,
    name: str | None,
) -> Variable:
    """The variable that `add_weight` asks for.

    Raises:
        TypeError: for an initializer that is a number.
        ValueError: for other shapes and types than weights have, and in the call of a layer that is built.
    """
    _refuse_in_call(layer)
    dtype = standardize_dtype(dtype or layer.variable_dtype)
    shape = _shape(layer, shape, name)
    is_float = is_differentiable(as_dtype(dtype))
    if initializer is None:
        initializer = "glorot_uniform" if is_float else "zeros"
    if isinstance(initializer, (int, list, tuple)):
        whole = (*shape, *(initializer if isinstance(initializer, (list, tuple)) else [initializer]))
        raise TypeError(
            f"{describe(layer)}.add_weight(shape={shape}, initializer={initializer!r}): an initializer is a name, an "
            f"object or a config; all lengths go into one tuple, shape={whole}."
        )
    kind = AutocastVariable if autocast and layer._ef_state.is_mixed and is_float else Variable
    start = initializers.get(initializer)
    if isinstance(start, RandomInitializer) and not is_float:
        raise ValueError(
            f"{describe(layer)}: its weight {name!r} can't begin with random numbers of type {dtype}, which has no "
            "fractions. dtype= is the type that a layer computes in: leave it out, or say 'float32'. The inputs may be "
            "integers all the same."
        )
    variable = kind(
        start, shape, dtype, trainable=bool(trainable), autocast=autocast, aggregation=aggregation, name=name
    )
    variable.path = f"{layer.path}/{variable.name}"
    variable.regularizer = regularizers.get(regularizer)
    variable.constraint = constraints.get(constraint)
    return variable


def _refuse_in_call(layer: Any) -> None:
    """A weight made in `call` would be a new one at every call, which no optimizer ever trains."""
    context = current_call.get()
    running = context is not None and any(other is layer for other in context.running)
    if running and layer.built and not layer._ef_state.building:
        raise ValueError(
            f"{describe(layer)}: add_weight in its call, when the layer is built already: that easily makes a new "
            "weight at every call. Make weights in __init__ or build(self, input_shape)."
        )


def _shape(layer: Any, shape: Any, name: str | None) -> tuple[int, ...]:
    shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
    for n in shape:
        if n is not None and (isinstance(n, bool) or not hasattr(n, "__index__") or n < 0):
            raise ValueError(
                f"{describe(layer)}.add_weight(name={name!r}): every length of shape must be an integer of at least 0; "
                f"got {n!r:.60}."
            )
    if any(n is None for n in shape):
        raise ValueError(
            f"{describe(layer)}.add_weight(name={name!r}): the shape {shape} has an unknown length. "
            "Give the input a fixed length at that axis (in Input's shape)."
        )
    return shape
