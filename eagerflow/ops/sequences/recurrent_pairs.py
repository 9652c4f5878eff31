"""Two recurrent layers in one loop over the steps, as `Bidirectional` has them: one op for both.

The numbers are those of one op for each, to the last bit. What kernels save are calls: each of a step's elementwise
operations is one for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, Needs, Numpy
from eagerflow.core.op import op
from eagerflow.ops.sequences.recurrent import check, gru, lstm

__all__ = ["gru_pair", "lstm_pair"]

_lstm, _gru = lstm.op, gru.op  # type: ignore[attr-defined]


def check_pair(first: Any, second: Any, gates: int) -> None:
    """Whether each layer's arrays fit together, and both layers'."""
    for x, h, kernel, recurrent, mask in (first, second):
        check(x, h, kernel, recurrent, mask, gates)
    for name, one, other in zip(("sequence", "state"), first, second):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise ValueError(
                f"{name}: expected the same shape and type for both layers; got {signature_of(one)} and "
                f"{signature_of(other)}."
            )


def _lstm_one_by_one(
    sequence: Any,
    initial_h: Any,
    initial_c: Any,
    kernel: Any,
    recurrent_kernel: Any,
    other_sequence: Any,
    other_h: Any,
    other_c: Any,
    other_kernel: Any,
    other_recurrent: Any,
    bias: Any,
    mask: Any,
    other_bias: Any,
    other_mask: Any,
    all_steps: bool,
    **_: Any,
) -> tuple[Any, ...]:
    one, other = (
        (sequence, initial_h, initial_c, kernel, recurrent_kernel, bias, mask, all_steps),
        (other_sequence, other_h, other_c, other_kernel, other_recurrent, other_bias, other_mask, all_steps),
    )
    return *lstm(*one), *lstm(*other)


def _lstm_pair_rule(
    xp: Numpy,
    g: Sequence[Array],
    needs: Needs,
    sequence: Array,
    initial_h: Array,
    initial_c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    other_sequence: Array,
    other_h: Array,
    other_c: Array,
    other_kernel: Array,
    other_recurrent: Array,
    mask: Array | None,
    other_mask: Array,
    all_steps: bool,
    traces: Any,
) -> tuple[Any, ...]:
    one = sequence, initial_h, initial_c, kernel, recurrent_kernel
    other = other_sequence, other_h, other_c, other_kernel, other_recurrent
    rule = _lstm.rules[0]
    of_one, of_other = (*needs[:5], needs[10]), (*needs[5:10], needs[12])
    found = rule(xp, g[:3], of_one, *one, mask, all_steps, *traces[0])
    behind = rule(xp, g[3:], of_other, *other, other_mask, all_steps, *traces[1])
    return *found[:5], *behind[:5], found[5], None, behind[5], None


@op(
    _lstm_pair_rule,
    joint=True,
    reference=_lstm_one_by_one,
    fused=("sequence", "initial_h", "initial_c", "other_sequence", "other_h", "other_c", "mask", "other_mask"),
    outputs=6,
    saves=("traces",),
    arrays="""
        sequence initial_h initial_c kernel recurrent_kernel other_sequence other_h other_c other_kernel
        other_recurrent bias mask other_bias other_mask
    """.split(),
)
def lstm_pair(
    xp: Numpy,
    sequence: Array,
    initial_h: Array,
    initial_c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    other_sequence: Array,
    other_h: Array,
    other_c: Array,
    other_kernel: Array,
    other_recurrent: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    other_bias: Array | None = None,
    other_mask: Array | None = None,
    all_steps: bool = True,
    *,
    keep: bool = False,
) -> Any:
    """`lstm` of two layers with sequences and states of the same shape.

    Args:
        sequence: of the first layer, as for `lstm`.
        initial_h: as for `lstm`.
        initial_c: as for `lstm`.
        kernel: as for `lstm`.
        recurrent_kernel: as for `lstm`.
        other_sequence: of the second layer.
        other_h: of the second layer.
        other_c: of the second layer.
        other_kernel: of the second layer.
        other_recurrent: of the second layer.
        bias: of the first layer, or None.
        mask: of the first layer, or None.
        other_bias: of the second layer, or None.
        other_mask: of the second layer, or None.
        all_steps: whether the states of all steps are wanted.

    Returns:
        What `lstm` returns for the first layer, then for the second.

    Raises:
        ValueError: when shapes don't fit together.
    """
    check_pair(
        (sequence, initial_h, kernel, recurrent_kernel, mask),
        (other_sequence, other_h, other_kernel, other_recurrent, other_mask),
        4,
    )
    one = sequence, initial_h, initial_c, kernel, recurrent_kernel, bias, mask
    other = other_sequence, other_h, other_c, other_kernel, other_recurrent, other_bias, other_mask
    (found, *trace), (behind, *other_trace) = (
        _lstm.mathematics(xp, *given, all_steps, keep=keep) for given in (one, other)
    )
    return (*found, *behind), (trace, other_trace)


def _gru_one_by_one(
    sequence: Any,
    initial_h: Any,
    kernel: Any,
    recurrent_kernel: Any,
    other_sequence: Any,
    other_h: Any,
    other_kernel: Any,
    other_recurrent: Any,
    bias: Any,
    recurrent_bias: Any,
    mask: Any,
    other_bias: Any,
    other_recurrent_bias: Any,
    other_mask: Any,
    all_steps: bool,
    **_: Any,
) -> tuple[Any, ...]:
    one, other = (
        (sequence, initial_h, kernel, recurrent_kernel, bias, recurrent_bias, mask),
        (other_sequence, other_h, other_kernel, other_recurrent, other_bias, other_recurrent_bias, other_mask),
    )
    return *gru(*one, True, all_steps), *gru(*other, True, all_steps)


def _gru_pair_rule(
    xp: Numpy,
    g: Sequence[Array],
    needs: Needs,
    sequence: Array,
    initial_h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    other_sequence: Array,
    other_h: Array,
    other_kernel: Array,
    other_recurrent: Array,
    mask: Array | None,
    other_mask: Array,
    all_steps: bool,
    traces: Any,
) -> tuple[Any, ...]:
    one = sequence, initial_h, kernel, recurrent_kernel
    other = other_sequence, other_h, other_kernel, other_recurrent
    rule = _gru.rules[0]
    of_one, of_other = (*needs[:4], *needs[8:10]), (*needs[4:8], *needs[11:13])
    found = rule(xp, g[:2], of_one, *one, mask, True, all_steps, *traces[0])
    behind = rule(xp, g[2:], of_other, *other, other_mask, True, all_steps, *traces[1])
    return *found[:4], *behind[:4], *found[4:6], None, *behind[4:6], None


@op(
    _gru_pair_rule,
    joint=True,
    reference=_gru_one_by_one,
    fused=("sequence", "initial_h", "other_sequence", "other_h", "mask", "other_mask"),
    outputs=4,
    saves=("traces",),
    arrays="""
        sequence initial_h kernel recurrent_kernel other_sequence other_h other_kernel other_recurrent bias
        recurrent_bias mask other_bias other_recurrent_bias other_mask
    """.split(),
)
def gru_pair(
    xp: Numpy,
    sequence: Array,
    initial_h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    other_sequence: Array,
    other_h: Array,
    other_kernel: Array,
    other_recurrent: Array,
    bias: Array | None = None,
    recurrent_bias: Array | None = None,
    mask: Array | None = None,
    other_bias: Array | None = None,
    other_recurrent_bias: Array | None = None,
    other_mask: Array | None = None,
    all_steps: bool = True,
) -> Any:
    """`gru`, with the reset gate after the product, of two layers with sequences and states of the same shape.

    Args:
        sequence: of the first layer, as for `gru`.
        initial_h: as for `gru`.
        kernel: as for `gru`.
        recurrent_kernel: as for `gru`.
        other_sequence: of the second layer.
        other_h: of the second layer.
        other_kernel: of the second layer.
        other_recurrent: of the second layer.
        bias: of the first layer, or None.
        recurrent_bias: of the first layer, or None.
        mask: of the first layer, or None.
        other_bias: of the second layer, or None.
        other_recurrent_bias: of the second layer, or None.
        other_mask: of the second layer, or None.
        all_steps: whether the states of all steps are wanted.

    Returns:
        What `gru` returns for the first layer, then for the second.

    Raises:
        ValueError: when shapes don't fit together.
    """
    check_pair(
        (sequence, initial_h, kernel, recurrent_kernel, mask),
        (other_sequence, other_h, other_kernel, other_recurrent, other_mask),
        3,
    )
    one = sequence, initial_h, kernel, recurrent_kernel, bias, recurrent_bias, mask
    other = (other_sequence, other_h, other_kernel, other_recurrent, other_bias, other_recurrent_bias, other_mask)
    (found, *trace), (behind, *other_trace) = (_gru.mathematics(xp, *given, True, all_steps) for given in (one, other))
    return (*found, *behind), (trace, other_trace)
