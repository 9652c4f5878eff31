"""Connectionist temporal classification: the sum over all alignments of a label sequence, in log space.

Graves et al. 2006. States are the labels with a blank before, between and after them: (batch, 2 * labels + 1).
An impossible state has the log probability NEVER, which is finite so that differences stay numbers.
"""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy

__all__ = ["NEVER", "alphas", "final_states", "gradient", "states", "total"]

NEVER = -1e30


def states(xp: Numpy, target: Array, classes: int, blank: int) -> tuple[Any, Any]:
    """The class of each state, and 0 or NEVER for whether it can be reached past the blank before it."""
    batch, labels = target.shape
    found = xp.full((batch, 2 * labels + 1), blank, "int64")
    found[:, 1::2] = xp.clip(target, 0, classes - 1)
    skips = xp.full(found.shape, NEVER, "float32")
    if labels > 1:
        differs = found[:, 3::2] != found[:, 1:-2:2]
        skips[:, 3::2] = xp.where(differs, 0, NEVER)
    return found, skips


def _shifted(xp: Numpy, a: Array, by: int) -> Any:
    """`a` moved towards later states, with NEVER in front."""
    out = xp.full(a.shape, NEVER, a.dtype)
    out[:, by:] = a[:, :-by] if by < a.shape[1] else a[:, :0]
    return out


def _arrivals(xp: Numpy, a: Array, skips: Any) -> tuple[Any, Any, Any]:
    """Log probabilities of arriving from the same state, the one before, and the label before."""
    return a, _shifted(xp, a, 1), _shifted(xp, a, 2) + skips


def alphas(xp: Numpy, emissions: Array, skips: Any, lengths: Any) -> Any:
    """Log probability of all beginnings that end in a state at a time: (time + 1, batch, states).

    Row 0 is before the first step. Rows past a sequence's length repeat its last.
    """
    steps, batch, count = emissions.shape
    found = xp.full((steps + 1, batch, count), NEVER, emissions.dtype)
    found[0, :, 0] = 0
    for t in range(steps):
        stay, one, two = _arrivals(xp, found[t], skips)
        if t == 0:  # from before the beginning, the first blank and the first label can be reached
            one[:, 1:2] = 0
        new = xp.logaddexp(xp.logaddexp(stay, one), two) + emissions[t]
        found[t + 1] = xp.where((t < lengths)[:, None], xp.maximum(new, NEVER), found[t])
    return found


def final_states(xp: Numpy, lengths: Any, count: int) -> Any:
    """0 for the two states in which a sequence of labels may end, NEVER for the others."""
    place = xp.arange(count)
    last = 2 * lengths[:, None]
    ends = (place == last) | (place == last - 1)
    return xp.where(ends, 0, NEVER)


def total(xp: Numpy, last: Any, ends: Any) -> Any:
    """The log probability of all alignments, NEVER where there is none."""
    reached = last + ends
    peak = reached.max(axis=1, keepdims=True)
    return (xp.log(xp.exp(reached - peak).sum(axis=1, keepdims=True)) + peak)[:, 0]


def gradient(xp: Numpy, found: Any, emissions: Array, skips: Any, lengths: Any, ends: Any) -> Any:
    """The derivative of `total` by the emissions: how probable each state is at each time."""
    log_total = total(xp, found[-1], ends)
    flow = xp.exp(found[-1] + ends - log_total[:, None])
    flow *= (log_total > NEVER / 2)[:, None]  # nothing flows where there is no alignment
    out = xp.zeros_like(emissions)
    for t in range(emissions.shape[0] - 1, -1, -1):
        live = (t < lengths)[:, None]
        out[t] = flow * live
        stay, one, two = _arrivals(xp, found[t], skips)
        if t == 0:
            one[:, 1:2] = 0
        before = xp.logaddexp(xp.logaddexp(stay, one), two)
        back = flow * xp.exp(stay - before)
        back[:, :-1] += (flow * xp.exp(one - before))[:, 1:]
        back[:, :-2] += (flow * xp.exp(two - before))[:, 2:]
        flow = xp.where(live, back, flow)
    return out
