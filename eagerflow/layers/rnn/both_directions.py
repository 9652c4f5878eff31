"""When the two layers of `Bidirectional` are one op, and how."""

from __future__ import annotations

from typing import Any

from eagerflow.core.tensor import Tensor
from eagerflow.layers.rnn.recurrent import GRU, LSTM
from eagerflow.ops.sequences.recurrent_pairs import gru_pair, lstm_pair

__all__ = ["fit_together", "run_together"]

_PAIRS: dict[type, Any] = {LSTM: lstm_pair, GRU: gru_pair}
_OPTIONAL = {LSTM: 2, GRU: 3}  # of the kernel's arguments, the last ones: biases and mask


def fit_together(layers: tuple[Any, Any], sequences: Any, training: Any) -> bool:
    """Whether both layers are of one kind and size, with settings that one op knows."""
    one, other = layers
    if type(one) is not type(other) or type(one) not in _PAIRS or one.units != other.units:
        return False
    if sequences.__class__ is not Tensor:
        return False
    return all([_is_plain(layer, sequences, training) for layer in layers])


def _is_plain(layer: Any, sequences: Tensor, training: Any) -> bool:
    """Whether the layer's own call would do no more than its op does."""
    return bool(
        layer.activity_regularizer is None
        and layer._ef_state.compute_type == sequences.data.dtype
        and layer._ef_state.is_plain
        and getattr(layer.cell, "reset_after", True)
        and layer._runs_as_one_op(sequences, training)
    )


def run_together(
    layers: tuple[Any, Any], sequences: Tensor, starts: tuple[Any, Any], mask: Any, training: Any
) -> list[Any]:
    """What each layer answers, by one op.

    Args:
        layers: two that `fit_together`.
        sequences: (batch, time, features).
        starts: for each layer the states it begins with, or None.
        mask: (batch, time), or None.
        training: whether dropout is on.
    """
    kind, all_steps = type(layers[0]), layers[0].return_sequences
    required: list[Any] = []
    optional: list[Any] = []
    live: list[Any] = []
    for layer, start in zip(layers, starts, strict=True):
        states = layer._start(sequences, start)
        in_order = layer._in_order(sequences, layer._checked_mask(sequences, mask), training)
        given = layer._given(in_order[0], states, in_order[1])
        required += given[: -_OPTIONAL[kind]]
        optional += given[-_OPTIONAL[kind] :]
        live.append(given[-1])
    found = _PAIRS[kind](*required, *optional, all_steps)
    half = len(found) // 2
    both = zip(layers, (found[:half], found[half:]), live, strict=True)
    return [layer._finish(*layer._results(results, counts)) for layer, results, counts in both]
