"""How many floating-point operations an op takes: a table of formulas.

A multiplication and an addition count as one each, so a matrix product of (m, k) with (k, n) takes 2·m·k·n. Functions
such as exp or tanh count as one per element, as in most profilers: the numbers are for comparing layers, not for
predicting times. Moving data (reshape, gather, concatenate) counts as none. A backward rule counts as its forward op
for each gradient that it computes, which for products is exact; rules that share work between their gradients, as
those of recurrent layers, attention and normalization, have formulas of their own. A fused op takes what its parts
take. What no formula fits is None, never 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Container, Iterable, Sequence

from viz.facts.parts import parts_of
from viz.facts.schema import Op, Record, TensorInfo

__all__ = ["FORMULAS", "all_flops", "flops"]

Tensors = Sequence[TensorInfo]
_Formula = Callable[[Op, Tensors, Tensors], int]
_Rule = Callable[[Op, Tensors, Tensors, Sequence[bool]], int]  # also of which of its inputs gradients are wanted
# What fused ops take, by the number of their composition and, of backward ops, of which of their tensors.
_Known = dict[tuple[int, tuple[bool, ...] | None], int | None]


def _size(tensors: Tensors) -> int:
    return sum([math.prod(t.shape) for t in tensors])


def _none(op: Op, read: Tensors, made: Tensors) -> int:
    return 0


def _per_output(times: int) -> Callable[[Op, Tensors, Tensors], int]:
    return lambda op, read, made: times * _size(made[:1])


def _per_input(times: int) -> Callable[[Op, Tensors, Tensors], int]:
    return lambda op, read, made: times * _size(read[:1])


def _matmul(op: Op, read: Tensors, made: Tensors) -> int:
    return 2 * _size(made[:1]) * read[0].shape[-1]


def _conv(op: Op, read: Tensors, made: Tensors) -> int:
    """Each output element is a sum over the kernel's window and its input channels: kernel (*window, in, out)."""
    return 2 * _size(made[:1]) * math.prod(read[1].shape[:-1])


def _depthwise(op: Op, read: Tensors, made: Tensors) -> int:
    """Each output element is a sum over the window alone: kernel (*window, in, multiplier)."""
    return 2 * _size(made[:1]) * math.prod(read[1].shape[:-2])


def _conv_transpose(op: Op, read: Tensors, made: Tensors) -> int:
    """Each input element is multiplied into the window of each output channel: kernel (*window, out, in)."""
    return 2 * _size(read[:1]) * math.prod(read[1].shape[:-1])


def _pool(op: Op, read: Tensors, made: Tensors) -> int:
    window = op.settings.get("pool_size") or op.settings.get("kernel_size", 1)
    rank = max(1, len(made[0].shape) - 2)
    cells = math.prod(window) if isinstance(window, (list, tuple)) else int(window) ** rank
    return _size(made[:1]) * int(cells)


def _attention(op: Op, read: Tensors, made: Tensors) -> int:
    """Two products and a softmax (5 per score); (batch, length, heads, size), all scores, masked ones too."""
    batch, queries, heads, size = read[0].shape
    keys = read[1].shape[1]
    scores = batch * heads * queries * keys
    return scores * (2 * size + 5 + 2 * read[2].shape[-1])


def _attention_rule(op: Op, read: Tensors, made: Tensors, wanted: Sequence[bool]) -> int:
    """A product for each gradient, and for those of queries and keys that of the scores, once."""
    batch, queries, heads, size = read[0].shape
    keys, values = read[1].shape[1], read[2].shape[-1]
    query, key, value = wanted[:3]
    each = 2 * values * value + (2 * values + 5) * (query or key) + 2 * size * (query + key)
    return batch * heads * queries * keys * each


def _recurrent(gates: int, elementwise: int) -> _Formula:
    """Each step multiplies the input and the state by the kernels of all gates."""

    def count(op: Op, read: Tensors, made: Tensors) -> int:
        batch, steps, features, units = _recurrence(op, read)
        return batch * steps * units * (2 * gates * (features + units) + elementwise)

    return count


def _recurrent_rule(gates: int, elementwise: int) -> _Rule:
    """Each step leads the gates' gradients back to the state, and to what else is wanted: a sum for a bias."""

    def count(op: Op, read: Tensors, made: Tensors, wanted: Sequence[bool]) -> int:
        batch, steps, features, units = _recurrence(op, read)
        asked = {name for name, is_wanted in zip(op.input_names, wanted) if is_wanted}
        products = features * len(asked & {"sequence", "kernel"}) + units * (1 + ("recurrent_kernel" in asked))
        sums = gates * len(asked & {"bias", "recurrent_bias"})
        return batch * steps * units * (2 * gates * products + sums + elementwise)

    return count


def _recurrence(op: Op, read: Tensors) -> tuple[int, int, int, int]:
    """How many sequences, steps, features and units."""
    names = dict(zip(op.input_names, read))
    batch, steps, features = names["sequence"].shape
    return batch, steps, features, names["recurrent_kernel"].shape[0]


def _norm_rule(times: int) -> _Rule:
    """As much as forward for the input, a multiplication and a sum for its scale, a sum for its offset."""
    each = (times, 2, 1)
    return lambda op, read, made, wanted: _size(read[:1]) * sum(itertools.compress(each, wanted))


def _sort(op: Op, read: Tensors, made: Tensors) -> int:
    axis = op.settings.get("axis", -1)
    length = read[0].shape[axis if isinstance(axis, int) else -1] if read[0].shape else 1
    return _size(read[:1]) * max(1, math.ceil(math.log2(max(2, length))))


def _fourier(op: Op, read: Tensors, made: Tensors) -> int:
    """5·n·log2(n) for a transform of n numbers, the usual count (Cooley and Tukey, 1965)."""
    length = max(2, read[0].shape[-1]) if read[0].shape else 2
    return math.ceil(5 * _size(read[:1]) * math.log2(length))


def _cubic(factor: float) -> Callable[[Op, Tensors, Tensors], int]:
    """Decompositions of n×n matrices: `factor`·n³ each, the leading term."""

    def count(op: Op, read: Tensors, made: Tensors) -> int:
        *batch, m, n = read[0].shape
        return round(factor * math.prod(batch) * max(m, n) * min(m, n) ** 2)

    return count


_OF_FORMULAS: dict[Callable[[Op, Tensors, Tensors], int], str] = {
    _per_output(1): """
        absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh assign_add assign_sub bitwise cbrt ceil clip
        conj cos cosh cumsum divide elu equal erf erfc erfinv exp expm1 floor floor_divide greater greater_equal
        isfinite leaky_relu less less_equal log log10 log1p log2 logaddexp logical_and logical_or masked_scale maximum
        minimum mod multiply negative not_equal power relu round sigmoid sign_of sin sinh softplus sqrt square subtract
        tan tanh trunc where
    """,
    _per_output(2): "batch_normalization silu",
    _per_output(5): "log_softmax sigmoid_crossentropy softmax",
    _per_output(8): "gelu_exact gelu_tanh",
    _per_input(1): "all any argmax argmin max mean min prod sum",
    _per_input(4): "rms_norm",
    _per_input(6): "softmax_crossentropy",
    _per_input(8): "group_norm layer_norm normalize_batch",
    _none: """
        all_sum_op assign broadcast_to cast concatenate copy gather gather_windows identity_of imag nonzero overwrite
        pad real reinterpret reshape roll scatter_extreme scatter_index scatter_windows split stack stop_gradient
        take_index to_device transpose written_last
    """,
    _attention: "dot_product_attention",
    _conv: "conv",
    _conv_transpose: "conv_transpose",
    _cubic(1 / 3): "cholesky",
    _cubic(2 / 3): "lu_factor slogdet solve",
    _cubic(2): "qr",
    _cubic(6): "svd",
    _cubic(9): "eigh",
    _depthwise: "depthwise_conv",
    _fourier: "fourier",
    _matmul: "matmul",
    _pool: "average_pool max_pool",
    _recurrent(1, 2): "simple_rnn",
    _recurrent(3, 10): "gru",
    _recurrent(4, 9): "lstm",
    _sort: "argsort sparsemax top_k",
    lambda op, read, made: 6 * _size(read[-1:]): "sparse_softmax_crossentropy",
}
FORMULAS = {name: formula for formula, names in _OF_FORMULAS.items() for name in names.split()}

_RULES: dict[str, _Rule] = {
    "dot_product_attention": _attention_rule,
    "group_norm": _norm_rule(8),
    "gru": _recurrent_rule(3, 10),
    "layer_norm": _norm_rule(8),
    "lstm": _recurrent_rule(4, 9),
    "normalize_batch": _norm_rule(8),
    "rms_norm": _norm_rule(4),
    "simple_rnn": _recurrent_rule(1, 2),
}
"""What backward rules take whose gradients share work."""


def all_flops(record: Record, ops: Iterable[Op]) -> list[int | None]:
    """What `flops` gives for each of some ops of a recording; fused ops of the same parts are counted once."""
    known: _Known = {}
    return [flops(record, op, known) for op in ops]


def flops(record: Record, op: Op, known: _Known | None = None) -> int | None:
    """The floating-point operations of one op; None where no formula fits. `known` gathers those of fused ops."""
    known = {} if known is None else known
    if op.phase == "network":
        return 0
    if op.phase == "update" and op.name not in FORMULAS:
        return None
    at, wanted = op, None
    if op.phase == "backward" and op.input_names[:1] == ("g",) and op.forward is not None:
        at, wanted = record.ops[op.forward], {record.tensors[i].gradient_of for i in op.outputs}
    if op.error or not at.outputs:
        return None
    if at.composition is not None:
        asked = None if wanted is None else tuple([i in wanted for i in (*at.inputs, *at.outputs)])
        if (at.composition, asked) not in known:
            known[at.composition, asked] = _of_parts(record, at, wanted)
        return known[at.composition, asked]
    read, made = ([record.tensors[i] for i in ids] for ids in (at.inputs, at.outputs))
    if wanted is None:
        return _counted(at, read, made)
    return _counted(at, read, made, max(1, len(op.outputs)), [i in wanted for i in at.inputs])


def _of_parts(record: Record, at: Op, wanted: Container[int | None] | None) -> int | None:
    """What the parts of a fused op take, or their derivatives, where the gradients of these tensors are wanted."""
    total = 0
    for part in parts_of(record, at):
        asked = None if wanted is None else [inner or x.id in wanted for x, inner in zip(part.read, part.inner)]
        times = 1 if asked is None else sum(asked)
        found = _counted(part.op, part.read, part.made, times, asked) if times else 0
        if found is None:
            return None
        total += found
    return total


def _counted(op: Op, read: Tensors, made: Tensors, times: int = 1, wanted: Sequence[bool] | None = None) -> int | None:
    """What an op takes; or, for some of its inputs, its rule: as much so many times, if no formula is for that."""
    formula, rule = FORMULAS.get(op.name) or FORMULAS.get(op.means), _RULES.get(op.name)
    if formula is None:
        return None
    try:
        if rule is not None and wanted is not None:
            return rule(op, read, made, wanted)
        return times * formula(op, read, made)
    except (IndexError, KeyError, TypeError, ValueError):  # shapes that the formula is not for
        return None
