"""Recurrent layers' loops: one op for a whole sequence where there is one, else Keras' cell step by step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from keras.src import activations, tree

from eagerflow import ops
from eagerflow.keras_backend.backend.adapting import tensor_of
from eagerflow.ops.sequences import recurrent

__all__ = ["bidirectional_gru", "bidirectional_lstm", "cudnn_ok", "gru", "lstm", "rnn"]


def lstm(
    inputs: Any,
    initial_state_h: Any,
    initial_state_c: Any,
    mask: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    activation: Any,
    recurrent_activation: Any,
    return_sequences: bool = False,
    go_backwards: bool = False,
    unroll: bool = False,
) -> tuple[Any, Any, list[Any]]:
    """A long short-term memory over whole sequences.

    Raises:
        NotImplementedError: for what one op doesn't do; Keras then runs its cell step by step.
    """
    _check_one_op_does(activation, recurrent_activation)
    states = tensor_of([initial_state_h, initial_state_c])
    inputs, mask = _in_order(inputs, states[0].dtype, mask, go_backwards)
    weights = tensor_of([kernel, recurrent_kernel, bias])
    op: Callable[..., Any] = recurrent.lstm
    outputs, h, c = op(inputs, *states, *weights, mask, return_sequences)
    return *_results(outputs if return_sequences else None, h, mask), [h, c]


def gru(
    inputs: Any,
    initial_state: Any,
    mask: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    activation: Any,
    recurrent_activation: Any,
    return_sequences: bool = False,
    go_backwards: bool = False,
    unroll: bool = False,
    reset_after: bool = True,
) -> tuple[Any, Any, list[Any]]:
    """Gated recurrent units over whole sequences.

    Raises:
        NotImplementedError: for what one op doesn't do; Keras then runs its cell step by step.
    """
    _check_one_op_does(activation, recurrent_activation)
    state = tensor_of(initial_state)
    inputs, mask = _in_order(inputs, state.dtype, mask, go_backwards)
    kernel, recurrent_kernel, bias = tensor_of([kernel, recurrent_kernel, bias])
    recurrent_bias = None
    if reset_after and bias is not None:
        bias, recurrent_bias = bias[0], bias[1]
    weights = (kernel, recurrent_kernel, bias, recurrent_bias)
    outputs, h = recurrent.gru(inputs, state, *weights, mask, reset_after, return_sequences)
    return *_results(outputs if return_sequences else None, h, mask), [h]


def _check_one_op_does(activation: Any, recurrent_activation: Any) -> None:
    if activation is not activations.tanh or recurrent_activation is not activations.sigmoid:
        raise NotImplementedError("one op for all steps has tanh and sigmoid only")


def _results(outputs: Any, last: Any, mask: Any) -> tuple[Any, Any]:
    """The last output and those of all steps, with zeros where the mask is False if the layer wants them."""
    # Keras doesn't say so: the layer is what called `lstm` or `gru`.
    if mask is not None and getattr(sys._getframe(2).f_locals.get("self"), "zero_output_for_mask", False):
        last = ops.where(mask[:, -1:], last, 0.0)
        outputs = outputs if outputs is None else ops.where(mask[..., None], outputs, 0.0)
    return last, ops.expand_dims(last, 1) if outputs is None else outputs


def _in_order(inputs: Any, dtype: Any, mask: Any, go_backwards: bool) -> tuple[Any, Any]:
    inputs, mask = ops.cast(tensor_of(inputs), dtype), tensor_of(mask)
    if mask is not None:
        mask = ops.cast(mask, "bool")
    if go_backwards:
        return ops.flip(inputs, 1), None if mask is None else ops.flip(mask, 1)
    return inputs, mask


def bidirectional_lstm(*args: Any, **kwargs: Any) -> Any:
    """Not one op: Keras runs two layers.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError


bidirectional_gru = bidirectional_lstm


def cudnn_ok(*args: Any, **kwargs: Any) -> bool:
    """Whether cuDNN's layout of weights applies: never here."""
    return False


def rnn(
    step_function: Callable[..., tuple[Any, Any]],
    inputs: Any,
    initial_states: Any,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Any, Any, Any]:
    """Calls a step function for each step of the sequences.

    Returns:
        The last output, the outputs of all steps (of the last alone without `return_all_outputs`), the last states.
    """
    axis = 0 if time_major else 1
    steps = list(zip(*[ops.unstack(tensor_of(part), axis=axis) for part in tree.flatten(inputs)], strict=True))
    live = None if mask is None else ops.unstack(ops.cast(tensor_of(mask), "bool"), axis=axis)
    states, constants = tuple(tensor_of(list(initial_states))), tuple(constants or ())
    outputs: list[Any] = []
    order = range(len(steps))
    for at in reversed(order) if go_backwards else order:
        output, new_states = step_function(tree.pack_sequence_as(inputs, list(steps[at])), states + constants)
        new_states = tuple(new_states)
        if live is not None:
            before = outputs[-1] if outputs and not zero_output_for_mask else ops.zeros_like(output)
            output = _where(live[at], output, before)
            new_states = tree.map_structure(lambda new, old, at=at: _where(live[at], new, old), new_states, states)
        states = new_states
        outputs = [*outputs, output] if return_all_outputs else [output]
    return outputs[-1], ops.stack(outputs, axis=axis), states


def _where(live: Any, new: Any, old: Any) -> Any:
    """The new values where a sequence goes on, the old ones where its mask is False."""
    live = ops.reshape(live, (live.shape[0],) + (1,) * (len(new.shape) - 1))
    return ops.where(live, new, old)
