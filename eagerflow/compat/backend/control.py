"""Phases, choices and loops: the control flow of `keras.backend`, which is Python's own here."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eagerflow import ops
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor
from eagerflow.layer.call_context import current_call
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["foldl", "foldr", "in_test_phase", "in_train_phase", "learning_phase", "learning_phase_scope", "map_fn"]
__all__ += ["rnn", "set_learning_phase", "switch"]

_phase = [0]


def learning_phase() -> int:
    """1 in calls of layers that are training, 0 in others; outside of calls what `set_learning_phase` said.

    >>> learning_phase()
    0
    """
    context = current_call.get()
    if context is not None and context.training is not None:
        return int(context.training)
    return _phase[0]


def set_learning_phase(value: int) -> None:
    """Set what `learning_phase` answers outside of calls. Layers ask the call: `model(x, training=True)`.

    Raises:
        ValueError: for anything but 0 and 1.

    >>> set_learning_phase(0)
    >>> learning_phase()
    0
    """
    if value not in (0, 1):
        raise ValueError(f"set_learning_phase(value={value!r}): expected 0 or 1.")
    _phase[0] = int(value)
    if value:
        warnings.warn(
            "set_learning_phase(1) doesn't change what layers do: fit trains, predict and evaluate don't, and a call "
            "says it by itself: model(x, training=True).",
            stacklevel=2,
        )


@contextlib.contextmanager
def learning_phase_scope(value: int) -> Iterator[None]:
    """`set_learning_phase` for the length of a block.

    >>> with learning_phase_scope(0):
    ...     learning_phase()
    0
    """
    before = _phase[0]
    set_learning_phase(value)
    try:
        yield
    finally:
        _phase[0] = before


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` when training, `alt` otherwise; functions are called only when chosen.

    >>> in_train_phase("noisy", "clean", training=True), in_train_phase("noisy", "clean", training=False)
    ('noisy', 'clean')
    """
    chosen = x if (learning_phase() if training is None else training) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` when training, `x` otherwise.

    >>> in_test_phase("clean", "noisy", training=True), in_test_phase("clean", "noisy", training=False)
    ('noisy', 'clean')
    """
    return in_train_phase(alt, x, training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values (or of what functions give): by element where `condition` has axes.

    >>> x = ef.Tensor([-1.0, 2.0])
    >>> switch(x > 0, x, 10 * x).tolist()
    [-10.0, 2.0]
    """
    if isinstance(condition, SymbolicTensor) or (isinstance(condition, Tensor) and condition.shape):
        first, second = _value(then_expression), _value(else_expression)
        if len(condition.shape) == len(getattr(first, "shape", ())):
            return ops.where(ops.cast(condition, "bool"), first, second)
        return _chosen(condition, first, second)
    return _value(then_expression if bool(condition) else else_expression)


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """The results of a function for every row, stacked.

    >>> map_fn(lambda row: row.sum(), [[1.0, 2.0], [3.0, 4.0]]).tolist()
    [3.0, 7.0]
    """
    return ops.map(fn, elems)


def foldl(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """`fn(accumulated, row)` over all rows, from the first on.

    >>> float(foldl(lambda total, row: 10 * total + row, [1.0, 2.0, 3.0]))
    123.0
    """
    return _folded(fn, ops.unstack(elems), initializer)


def foldr(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """`fn(accumulated, row)` over all rows, from the last on.

    >>> float(foldr(lambda total, row: 10 * total + row, [1.0, 2.0, 3.0]))
    321.0
    """
    return _folded(fn, ops.unstack(elems)[::-1], initializer)


def rnn(
    step_function: Callable[[Any, list[Any]], tuple[Any, Sequence[Any]]],
    inputs: Any,
    initial_states: Sequence[Any],
    go_backwards: bool = False,
    mask: Any = None,
    constants: Sequence[Any] | None = None,
    unroll: bool = False,
    input_length: int | None = None,
) -> tuple[Any, Any, list[Any]]:
    """A step function over the time axis of (batch, time, ...).

    Raises:
        ValueError: for inputs without steps.

    >>> def step(inputs, states):
    ...     total = states[0] + inputs
    ...     return total, [total]
    >>> x = ef.ops.reshape([1.0, 2.0, 3.0], (1, 3, 1))
    >>> last, outputs, states = rnn(step, x, [ef.ops.zeros((1, 1))])
    >>> last.tolist(), outputs[0, :, 0].tolist()
    ([[6.0]], [1.0, 3.0, 6.0])
    """
    outputs: list[Any] = []
    steps, states = ops.unstack(inputs, axis=1), list(initial_states)
    if not steps:
        raise ValueError("K.rnn: inputs have no time steps.")
    masks = [None] * len(steps) if mask is None else ops.unstack(ops.cast(mask, "bool"), axis=1)
    pairs = list(zip(steps, masks))
    for x, seen in reversed(pairs) if go_backwards else pairs:
        output, new = step_function(x, [*states, *(constants or ())])
        if seen is not None:
            before = outputs[-1] if outputs else ops.zeros_like(output)
            output, new = (_where_seen(seen, output, before), [_where_seen(seen, n, s) for n, s in zip(new, states)])
        states = list(new)
        outputs.append(output)
    return outputs[-1], ops.stack(outputs, axis=1), states


def _folded(fn: Callable[[Any, Any], Any], rows: Sequence[Any], initializer: Any) -> Any:
    rest = list(rows)
    accumulated = rest.pop(0) if initializer is None else initializer
    for row in rest:
        accumulated = fn(accumulated, row)
    return accumulated


def _value(expression: Any) -> Any:
    return expression() if callable(expression) and not isinstance(expression, Tensor) else expression


@composite
def _chosen(condition: Any, then_value: Any, else_value: Any) -> Any:
    """By element; a condition with fewer axes decides on whole rows."""
    then_value = ops.convert_to_tensor(then_value)
    missing = max(len(then_value.shape) - len(condition.shape), 0)
    mask = ops.reshape(condition, (*condition.shape, *[1] * missing))
    return ops.where(ops.cast(mask, "bool"), then_value, ops.convert_to_tensor(else_value))


def _where_seen(seen: Any, new: Any, old: Any) -> Any:
    return ops.where(ops.reshape(seen, (-1, *[1] * (len(new.shape) - 1))), new, old)
