"""Connectionist temporal classification: loss and decoding of sequences whose alignment is unknown."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, Numpy, TensorLike
from eagerflow.core.device import namespace_of, to_host
from eagerflow.core.op import apply, composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.join import concatenate
from eagerflow.ops.elementwise.exponential import logaddexp
from eagerflow.ops.neural.softmax import log_softmax
from eagerflow.ops.reduce.log_sum_exp import logsumexp
from eagerflow.ops.sequences import ctc_states as trellis

__all__ = ["ctc_decode", "ctc_loss"]


def _check(xp: Numpy, target: Array, output: Array, target_length: Any, output_length: Any, mask_index: int) -> None:
    if output.ndim != 3 or target.ndim != 2 or target.shape[0] != output.shape[0]:
        raise ValueError(
            "expected target (batch, labels) and output (batch, time, classes); "
            f"got {signature_of(target)} and {signature_of(output)}."
        )
    for name, lengths in (("target_length", target_length), ("output_length", output_length)):
        if lengths.shape != output.shape[:1]:
            raise ValueError(f"{name}: expected shape {output.shape[:1]}; got {signature_of(lengths)}.")
    if not 0 <= mask_index < output.shape[2]:
        raise ValueError(f"mask_index={mask_index}: expected a class from 0 to {output.shape[2] - 1}.")
    if xp.__name__ == "numpy" and output.shape[0]:
        _check_numbers(xp, target, output, target_length, output_length)


def _impossible(xp: Numpy, target: Array, output: Array, target_length: Any, output_length: Any) -> Any:
    """Which sequences have lengths or labels out of bounds: for a GPU, where looking would wait for it."""
    used = xp.arange(target.shape[1]) < target_length[:, None]
    strange = (used & ((target < 0) | (target >= output.shape[2]))).any(axis=1)
    return strange | (target_length > target.shape[1]) | (output_length > output.shape[1])


def _check_numbers(xp: Numpy, target: Array, output: Array, target_length: Any, output_length: Any) -> None:
    """Labels and lengths within bounds; looking is free on the CPU only."""
    if target_length.max() > target.shape[1] or output_length.max() > output.shape[1]:
        raise ValueError(
            f"lengths up to {target_length.max()} and {output_length.max()} exceed target {signature_of(target)} "
            f"or output {signature_of(output)}."
        )
    used = target[xp.arange(target.shape[1]) < target_length[:, None]]
    if used.size and not 0 <= used.min() <= used.max() < output.shape[2]:
        raise ValueError(f"target: expected classes from 0 to {output.shape[2] - 1}; got {used.max()}.")


def _emissions(xp: Numpy, log_probabilities: Array, classes: Any) -> Any:
    """Log probability of each state's class: (time, batch, states)."""
    rows = xp.arange(classes.shape[0])[:, None]
    return log_probabilities.transpose((1, 0, 2))[:, rows, classes]


def _plain(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int, **_: Any) -> Tensor:
    """The recursion over time, in ops."""
    xp = namespace_of(output.data)
    classes, skips = trellis.states(xp, target.data, output.shape[2], mask_index)
    emissions = _emissions(xp, log_softmax(output), classes)
    skips = skips.astype(output.dtype)
    never = Tensor(xp.full((classes.shape[0], 2), trellis.NEVER, output.dtype), None, None)
    start = xp.full(classes.shape, trellis.NEVER, output.dtype)
    start[:, :2] = 0
    a = emissions[0] + start
    for t in range(1, output.shape[1]):
        one = concatenate([never[:, :1], a[:, :-1]], axis=1)
        two = concatenate([never, a[:, :-2]], axis=1)[:, : a.shape[1]] + skips
        live = (t < output_length.data)[:, None]
        a = (logaddexp(logaddexp(a, one), two) + emissions[t]) * live + a * ~live
    return -logsumexp(a + trellis.final_states(xp, target_length.data, classes.shape[1]), axis=1)


def _rule(
    xp: Numpy,
    g: Array,
    output: Array,
    target_length: Array,
    output_length: Array,
    alphas: Any,
    classes: Any,
    skips: Any,
    log_probabilities: Any,
) -> tuple[Any, ...]:
    emissions = _emissions(xp, log_probabilities, classes)
    ends = trellis.final_states(xp, target_length, classes.shape[1])
    occupied = trellis.gradient(xp, alphas, emissions, skips, output_length, ends).transpose((1, 0, 2))
    hot = (classes[:, :, None] == xp.arange(output.shape[2])).astype(output.dtype)
    by_class = occupied @ hot
    slope = xp.exp(log_probabilities) * by_class.sum(axis=2, keepdims=True) - by_class
    return None, slope * g[:, None, None], None, None


@op(_rule, joint=True, reference=_plain, saves=("alphas", "classes", "skips", "log_probabilities"))
def ctc_loss(
    xp: Numpy, target: Array, output: Array, target_length: Array, output_length: Array, mask_index: int = 0
) -> Any:
    """CTC loss: minus the logarithm of the labels' probability, summed over all their alignments with the output.

    Args:
        target: class numbers, (batch, labels).
        output: logits, (batch, time, classes).
        target_length: how many labels count, (batch,).
        output_length: how many time steps count, (batch,).
        mask_index: the class that stands for the blank.

    Returns:
        One number per sequence; infinity, with gradient 0, where the output is too short for the labels.

    Raises:
        ValueError: when shapes don't fit together, or lengths and labels are out of bounds (on a GPU, where looking
            would stop it, the loss is NaN then).

    Source: Graves et al. 2006, Connectionist temporal classification.

    >>> scores = ef.ops.zeros((1, 2, 2))
    >>> float(ef.ops.exp(-ef.ops.ctc_loss([[1]], scores, [1], [2])).round(4)[0])
    0.75
    """
    _check(xp, target, output, target_length, output_length, mask_index)
    classes, skips = trellis.states(xp, target, output.shape[2], mask_index)
    log_probabilities = apply(log_softmax, xp, output)
    skips = skips.astype(output.dtype)
    emissions = _emissions(xp, log_probabilities, classes)
    alphas = trellis.alphas(xp, emissions, skips, output_length)
    ends = trellis.final_states(xp, target_length, classes.shape[1])
    log_total = trellis.total(xp, alphas[-1], ends).astype(output.dtype)
    loss = xp.where(log_total > trellis.NEVER / 2, -log_total, xp.inf).astype(output.dtype)
    if xp.__name__ != "numpy":
        loss[_impossible(xp, target, output, target_length, output_length)] = xp.nan
    return loss, alphas, classes, skips, log_probabilities


@composite
def ctc_decode(
    inputs: TensorLike,
    sequence_lengths: Any,
    strategy: Literal["greedy", "beam_search"] | str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """Decodes the output of a CTC model to the most probable label sequences.

    It runs on the CPU, and no gradient flows.

    Args:
        inputs: logits, (batch, time, classes).
        sequence_lengths: how many time steps count, (batch,).
        strategy: `"greedy"` takes the best class at each step; `"beam_search"` sums over alignments.
        beam_width: with beam search, how many label sequences are kept at each step.
        top_paths: with beam search, how many label sequences are returned.
        merge_repeated: with `"greedy"`, whether repeated classes count once.
        mask_index: the class that stands for the blank.

    Returns:
        Label sequences, padded with -1, (paths, batch, time), int32; and for beam search their log
        probabilities (batch, paths), for greedy minus the sum of the chosen logits (batch, 1).

    Raises:
        ValueError: for an unknown strategy or wrong shapes.

    >>> scores = ef.ops.log([[[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]])
    >>> paths, _ = ef.ops.ctc_decode(scores, [4])
    >>> paths.tolist()
    [[[1, 2, -1, -1]]]
    """
    if strategy not in ("greedy", "beam_search"):
        raise ValueError(f"ctc_decode: strategy={strategy!r}: expected 'greedy' or 'beam_search'.")
    inputs = convert_to_tensor(inputs)
    logits = to_host(inputs.data).astype("float64" if inputs.dtype == "float64" else "float32")
    lengths = to_host(convert_to_tensor(sequence_lengths).data).astype("int64")
    if logits.ndim != 3 or lengths.shape != logits.shape[:1]:
        raise ValueError(
            "ctc_decode: expected inputs (batch, time, classes) and sequence_lengths (batch,); "
            f"got {signature_of(logits)} and {signature_of(lengths)}."
        )
    if strategy == "greedy":
        paths, scores = _greedy(logits, lengths, merge_repeated, mask_index)
    else:
        paths, scores = _beam_search(logits, lengths, beam_width, top_paths, mask_index)
    return Tensor(paths, "int32", device=inputs.device), Tensor(scores.astype(logits.dtype), device=inputs.device)


def _greedy(logits: Any, lengths: Any, merge_repeated: bool, blank: int) -> tuple[Any, Any]:
    live = numpy.arange(logits.shape[1]) < lengths[:, None]
    best = numpy.where(live, logits.argmax(axis=2), blank)
    scores = -numpy.where(live, logits.max(axis=2), 0).sum(axis=1, keepdims=True)
    kept = best != blank
    if merge_repeated:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    order = numpy.argsort(~kept, axis=1, kind="stable")
    labels = numpy.take_along_axis(numpy.where(kept, best, -1), order, axis=1)
    return labels[None], scores


def _beam_search(logits: Any, lengths: Any, beam_width: int, top_paths: int, blank: int) -> tuple[Any, Any]:
    batch, steps, _ = logits.shape
    shifted = logits - logits.max(axis=2, keepdims=True)
    log_probabilities = shifted - numpy.log(numpy.exp(shifted).sum(axis=2, keepdims=True))
    paths = numpy.full((top_paths, batch, steps), -1)
    scores = numpy.full((batch, top_paths), -math.inf)
    for i in range(batch):
        found = _best_prefixes(log_probabilities[i, : lengths[i]].tolist(), beam_width, blank)
        for k, (prefix, score) in enumerate(found[:top_paths]):
            paths[k, i, : len(prefix)] = prefix
            scores[i, k] = score
    return paths, scores


def _log_sum(a: float, b: float) -> float:
    low, high = sorted((a, b))
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _best_prefixes(steps: list[list[float]], width: int, blank: int) -> list[tuple[tuple[int, ...], float]]:
    """The best label sequences of one sequence, with their log probabilities, best first.

    For each prefix two log probabilities are followed: of alignments that end in a blank, and in its last label.
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    for row in steps:
        grown: dict[tuple[int, ...], list[float]] = {}
        for prefix, (in_blank, in_label) in beams.items():
            either = _log_sum(in_blank, in_label)
            _enter(grown, prefix, 0, either + row[blank])
            if prefix:
                _enter(grown, prefix, 1, in_label + row[prefix[-1]])
            for label, log_p in enumerate(row):
                if label != blank:
                    before = in_blank if prefix and prefix[-1] == label else either
                    _enter(grown, (*prefix, label), 1, before + log_p)
        ranked = sorted(grown.items(), key=lambda item: -_log_sum(*item[1]))
        beams = {prefix: (ends[0], ends[1]) for prefix, ends in ranked[:width]}
    return [(prefix, _log_sum(*ends)) for prefix, ends in beams.items()]


def _enter(grown: dict[tuple[int, ...], list[float]], prefix: tuple[int, ...], kind: int, score: float) -> None:
    ends = grown.setdefault(prefix, [-math.inf, -math.inf])
    ends[kind] = _log_sum(ends[kind], score)
