"""Which op of a recording was the first to make NaN or infinity of finite numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from viz.facts.derived_stats import is_measured
from viz.facts.schema import VARIABLES, Op, Record, Scope, TensorInfo
from viz.facts.selection import line_of, origin as forward_op, step_numbers
from viz.nonfinite.examples import Example, examples_of, given_by_place
from viz.nonfinite.finding import Nonfinite, TensorFacts
from viz.nonfinite.fit_rows import GivenToFit, given_to_fit
from viz.recorder.compositions import guilty_of_gradient
from viz.recorder.finite_check import SAFE, has_nonfinite_number
from viz.recording import Recording

__all__ = ["explain", "origin", "statistics_known"]

_NONE = (0, 0)


_LOG = "keep its argument above 0: log(maximum(x, 1e-7)), or use a loss that takes logits"
_DIVIDE = "keep the denominator away from 0: x / (y + 1e-7)"
_EXP = "above 88 it overflows float32: subtract the maximum first, use softmax or logsumexp, or clip its argument"
_ROOT = "keep its argument above 0: sqrt(maximum(x, 0) + 1e-7)"
_ROOT_GRADIENT = "its slope at 0 is infinite: sqrt(x + 1e-7)"
_SOFTMAX = "its logits are infinite, or a mask hides all of a row: use -1e9 instead of -inf"
_OVERFLOW = "the numbers are too large: a smaller learning rate, clipped gradients, scaled inputs"
_NORM = "its variance is 0 or overflows: an epsilon of at least 1e-5, scaled inputs, no constant columns"
_POWER = "a negative base with a fractional exponent is NaN, 0 with a negative one infinite: keep the base above 0"
_NEGATIVE_BASE = "a negative base with a fractional exponent is NaN: keep the base at or above 0"
_ZERO_BASE = "0 with a negative exponent is infinite: keep the base away from 0"
_INVERSE = "its argument must lie inside of its domain: clip it, a little away from the ends (-1 + 1e-7 to 1 - 1e-7)"

_FIXES = {
    "log": _LOG,
    "log2": _LOG,
    "log10": _LOG,
    "log1p": "keep its argument above -1",
    "divide": _DIVIDE,
    "floor_divide": _DIVIDE,
    "mod": _DIVIDE,
    "exp": _EXP,
    "expm1": _EXP,
    "sinh": _EXP,
    "cosh": _EXP,
    "sqrt": _ROOT,
    "cbrt": "its slope at 0 is infinite: keep its argument away from 0",
    "power": _POWER,
    "softmax": _SOFTMAX,
    "log_softmax": _SOFTMAX,
    "dot_product_attention": _SOFTMAX,
    "normalize_batch": _NORM,
    "layer_norm": _NORM,
    "rms_norm": _NORM,
    "arccos": _INVERSE,
    "arcsin": _INVERSE,
    "arctanh": _INVERSE,
    "erfinv": _INVERSE,
    "arccosh": "its argument must be at least 1",
    "cast": "the new type can't hold such large numbers: scale them first, or keep float32",
    "solve": "the matrix is singular or nearly so: add a small number to its diagonal",
    "cholesky": "the matrix isn't positive definite: add a small number to its diagonal",
}
_IN_GRADIENT = {
    "sqrt": _ROOT_GRADIENT,
    "power": "its slope isn't finite where the base is 0: keep the base above 0",
    "divide": _DIVIDE,
    "log": _LOG,
    "absolute": _ROOT_GRADIENT,
}
_WEIGHT = "an update made it so: a smaller learning rate, or clipped gradients; or it was loaded so"
_PROBABILITIES = (
    "the loss expects probabilities: from_logits=True for outputs that aren't any, or a softmax or sigmoid as the last "
    "activation"
)


def statistics_known(record: Record) -> bool:
    """Whether the recording can say which tensors were finite."""
    options = record.meta.get("options")
    asked = isinstance(options, dict) and options.get("stats", "none") != "none"
    return asked or is_guarded(record) or not record.tensors or any(t.stats for t in record.tensors)


def is_guarded(record: Record) -> bool:
    """Whether every op was looked at while it ran: then what has no statistics was finite."""
    options = record.meta.get("options")
    return isinstance(options, dict) and bool(options.get("on_nonfinite"))


def explain(recording: Recording) -> Nonfinite | None:
    """The first origin of NaN or infinity in a recording; None when there is none."""
    found = origin(recording)
    return None if found is None else _describe(recording, *found)


def origin(record: Record) -> tuple[int, int | None] | None:
    """The op to blame, and the tensor if that came in non-finite from outside.

    NaN made from numbers without NaN, or infinity from finite numbers, in the order of execution. Infinities that the
    code asks for (`ops.where(mask, x, -inf)`) and that go away again are no fault. Infinite data counts
    where it turns into NaN, or reaches a loss or a gradient.
    """
    infinite_input: tuple[int, int | None] | None = None
    flaws = _all_flaws(record)
    for op in record.ops if flaws else ():
        made = [flaws.get(i, _NONE) for i in op.outputs]
        read = [flaws.get(i, _NONE) for i in op.inputs]
        outside = [i for i in op.inputs if record.tensors[i].producer is None or record.tensors[i].version]
        for i in outside:
            nan, infinite = flaws.get(i, _NONE)
            if nan:
                return op.id, i
            if infinite and infinite_input is None and record.tensors[i].role != "constant":
                infinite_input = op.id, i
        if _makes_nan(op, made, read):
            return infinite_input or (op.id, None)
        if _makes_infinity(op, made, read):
            return (infinite_input if op.phase == "backward" else None) or (op.id, None)
    return infinite_input if infinite_input is not None and _matters(record, flaws) else None


def _makes_nan(op: Op, made: Sequence[tuple[int, int]], read: Sequence[tuple[int, int]]) -> bool:
    given = any(value == "nan" or (isinstance(value, float) and value != value) for value in op.settings.values())
    return any(nan for nan, _ in made) and not any(nan for nan, _ in read) and not given


def _makes_infinity(op: Op, made: Sequence[tuple[int, int]], read: Sequence[tuple[int, int]]) -> bool:
    finite = not any(map(any, read))
    return finite and any(infinite for _, infinite in made) and not has_nonfinite_number(op.settings.values())


def _all_flaws(record: Record) -> dict[int, tuple[int, int]]:
    """How many NaN and infinite elements tensors have, of those that have any.

    A guard looks at no result of an op that can't make any; there what the op was given is as flawed as its result.
    """
    found = {t.id: (t.stats.nan, t.stats.inf) for t in record.tensors if t.stats and (t.stats.nan or t.stats.inf)}
    if found and is_guarded(record):
        for op in reversed(record.ops):
            made = next((found[i] for i in op.outputs if i in found), None)
            safe = op.means in SAFE and op.phase != "backward" and len(op.inputs) == 1
            if made is not None and safe and record.tensors[op.inputs[0]].stats is None:
                found.setdefault(op.inputs[0], made)
    return found


def _matters(record: Record, flaws: dict[int, tuple[int, int]]) -> bool:
    """Do losses or gradients hold NaN or infinity?"""
    results = {i for scope in record.scopes if scope.kind == "loss" for i in scope.outputs}
    results |= {t.id for t in record.tensors if t.role == "gradient"}
    return not flaws.keys().isdisjoint(results)


def _describe(recording: Recording, number: int, culprit: int | None) -> Nonfinite:
    """All that is known about an origin."""
    op = recording.ops[number]
    at = forward_op(recording, op)
    tensor = None if culprit is None else recording.tensors[culprit]
    line = line_of(recording, op)
    lines = [*([] if line is None else [line]), *(op.stack or at.stack)]
    # Each line once: a call of `fit` is where an op was called from, and the scopes around it, too.
    stack = tuple([frame for i, frame in enumerate(lines) if not i or frame != lines[i - 1]])
    part = _guilty_part(recording, op, at) if tensor is None else ""
    given = None if culprit is None else _given_to_fit(recording, op, culprit)
    name = "" if culprit is None else given.name if given is not None else _name_of(recording, op, culprit)
    in_rows = given.examples if given is not None else []  # of the whole array, where these are known
    examples = [Example(index, value, {}) for index, value in in_rows] or _examples(recording, op, culprit)
    inputs = [_facts(recording, i, name) for i, name in zip(op.inputs, op.input_names)]
    if tensor is not None:
        flaws = _all_flaws(recording)
        for facts in inputs:
            facts.nan, facts.inf = flaws.get(facts.tensor, _NONE)
    return Nonfinite(
        kind="op" if tensor is None else "weight" if tensor.role in VARIABLES else "data",
        op=op.name,
        phase=op.phase,
        op_id=number,
        layer=recording.path(at.scope, shown=True),
        source=stack[0] if stack else None,
        stack=stack,
        step=_step_number(recording, op),
        culprit=name,
        inputs=inputs,
        outputs=[_facts(recording, i, "output") for i in op.outputs],
        examples=examples,
        fix=fix_for(op, tensor, part, _loss_of_ours(recording, at), name if given is not None else "", examples),
        part=part,
        where=given.where if given is not None else "",
        rows=given.rows if given is not None else (),
        recording=recording,
    )


def _loss_of_ours(record: Record, op: Op) -> str:
    """The name of the loss that the op is a part of, where the user's code only called it; else ""."""
    scope = next((scope for scope in record.ancestors(op.scope) if scope.kind == "loss"), None)
    return scope.name if scope is not None and scope.stack[:1] == op.stack[:1] else ""


def _guilty_part(record: Record, op: Op, at: Op) -> str:
    """Of a fused op, the name of the part that made NaN or infinity; "" where it isn't known."""
    if at.composition is None:
        return ""
    composition = record.compositions[at.composition]
    if op is not at:
        flaws = _all_flaws(record)
        flawed = {record.tensors[i].gradient_of for i in op.outputs if i in flaws}
        number = guilty_of_gradient(composition, [k for k, i in enumerate(at.inputs) if i in flawed])
    else:
        noted = record.meta.get("nonfinite_parts")
        number = noted.get(str(op.id)) if isinstance(noted, dict) else None
    known = isinstance(number, int) and 0 <= number < len(composition.parts)
    return composition.parts[number].name if known and number is not None else ""


def _step_number(record: Record, op: Op) -> int | None:
    if op.step is not None:
        return step_numbers(record)[op.step]
    noted = record.meta.get("nonfinite_step")  # of a loop by hand, which marks no steps
    return noted if isinstance(noted, int) else None


def _outermost(record: Record, op: Op, tensor: int) -> Scope | None:
    """The outermost call that was given a tensor; None where none was."""
    given = [scope for scope in record.ancestors(op.scope) if tensor in scope.inputs]
    return given[-1] if given else None


def _given_to_fit(record: Record, op: Op, tensor: int) -> GivenToFit | None:
    """The array of `fit` that rows of a batch come from; None where they come from elsewhere."""
    outermost = _outermost(record, op, tensor)
    return given_to_fit(record, outermost, tensor) if outermost is not None and outermost.kind == "step" else None


def _name_of(record: Record, op: Op, tensor: int) -> str:
    """What to call a tensor from outside: a variable's path, the layer it was given to, the op's parameter."""
    info = record.tensors[tensor]
    if info.name and info.role != "input":
        return record.shown(tensor)
    outermost = _outermost(record, op, tensor)
    if outermost is not None:
        several = len(outermost.inputs) > 1
        which = repr(info.name) if info.name else outermost.inputs.index(tensor) if several else ""
        whose = "the batch" if outermost.kind == "step" else repr(outermost.shown)  # none of the user's names
        return f"input {which} of {whose}".replace("  ", " ")
    return dict(zip(op.inputs, op.input_names)).get(tensor, "")


def _facts(record: Record, tensor: int, name: str) -> TensorFacts:
    info = record.tensors[tensor]
    stats, path = info.stats, record.shown(tensor) if info.name else ""
    facts = TensorFacts(name, info.id, info.role, path, info.shape, info.dtype, measured=is_measured(info))
    if stats is not None:
        facts.min, facts.max, facts.mean, facts.std = stats.min, stats.max, stats.mean, stats.std
        facts.nan, facts.inf = stats.nan, stats.inf
    return facts


# ---------------------------------------------------------------------- examples


def _examples(recording: Recording, op: Op, culprit: int | None) -> list[Example]:
    """From what a guard noted, or from values that were kept."""
    of = op.outputs if culprit is None else (culprit, *op.outputs)
    noted = recording.meta.get("nonfinite_examples")
    for i in of:
        rows = noted.get(str(i)) if isinstance(noted, dict) else None
        if isinstance(rows, list) and rows:
            return [
                Example(tuple(r["index"]), float(r["value"]), {str(k): float(v) for k, v in r["inputs"].items()})
                for r in rows
            ]
    for i in of:
        if i in recording.values:
            named, values = zip(op.inputs, op.input_names), recording.values
            given = {name: values[j] for j, name in named if j in values and j != i}
            return examples_of(recording.values[i], given_by_place(op.name, given) if culprit is None else {})
    return []


def fix_for(
    op: Op, tensor: TensorInfo | None, part: str = "", loss: str = "", data: str = "", examples: Sequence[Example] = ()
) -> str:
    """What to do.

    Args:
        op: the op to blame, or that was given `tensor`.
        tensor: what came in non-finite, or None.
        part: of a fused op, the part to blame.
        loss: the name of the loss of ours in which the op runs, where nobody can change a line of it.
        data: what `fit` calls the array that `tensor` is a batch of, where that is known.
        examples: elements that aren't finite, with what the op was given for them.
    """
    name = part or op.name
    if tensor is not None:
        return _WEIGHT if tensor.role in VARIABLES else _of_data(data or "x", len(tensor.shape))
    if "crossentropy" in loss and _FIXES.get(name) in (_DIVIDE, _LOG):
        return _PROBABILITIES
    if op.phase == "backward":
        return _IN_GRADIENT.get(name, _FIXES.get(name, _OVERFLOW))
    return _by_numbers(name, examples) or _FIXES.get(name, _OVERFLOW)


def _by_numbers(name: str, examples: Sequence[Example]) -> str:
    """What to do by what an op of two operands was given; "" where that doesn't tell."""
    pairs = [(each.value, *each.inputs.values()) for each in examples if len(each.inputs) == 2]
    told = {_of_pair(name, *pair) for pair in pairs}
    return told.pop() if len(told) == 1 else ""


def _of_pair(name: str, made: float, left: float, right: float) -> str:
    """The same for one element: `left ** right`, or `left / right`."""
    if name == "power":
        if left == 0 or (left < 0 and not right.is_integer()):
            return _ZERO_BASE if left == 0 else _NEGATIVE_BASE
        return "" if math.isnan(made) else _OVERFLOW
    return _OVERFLOW if name == "divide" and math.isinf(made) and abs(left * right) > 1 else ""  # `left` is what is odd


def _of_data(name: str, axes: int) -> str:
    rows = f"~np.isfinite({name})" + (f".all(axis={1 if axes == 2 else tuple(range(1, axes))})" if axes > 1 else "")
    return f"clean the data before training: np.nan_to_num({name}, posinf=0, neginf=0), or drop the rows where {rows}"
