"""The attention scores of a recording that kept what they are computed from."""

from __future__ import annotations

import numpy

from viz.facts.attention_scores import OPS, scores_of
from viz.facts.schema import Op, Record
from viz.page.heat_map import heat_map

__all__ = ["attention_maps"]

_MOST_TOKENS = 256
_MOST_HEADS = 400  # of all ops together: each is an image in the page


def attention_maps(record: Record) -> list[tuple[int, list[str]]]:
    """For each op whose scores are known, by its id: an image for each head, of the first row of the batch.

    They are known of attention whose query, key, bias and mask were kept (`viz.trace(values="attention")`), and of a
    softmax whose kept output has the shape (batch, heads, queries, keys).
    """
    found: list[tuple[int, list[str]]] = []
    left = _MOST_HEADS
    for op in record.ops if record.values else ():
        scores = _scores(record, op) if op.phase == "forward" and op.error is None else None
        if scores is not None and scores.shape[0] <= left and max(scores.shape[1:]) <= _MOST_TOKENS:
            left -= scores.shape[0]
            found.append((op.id, [heat_map(head / (head.max() or 1.0), 0) for head in scores]))
    return found


def _scores(record: Record, op: Op) -> numpy.ndarray | None:
    """Those of the first row, of shape (heads, queries, keys), or None."""
    kept = record.values
    if op.means == "softmax" and len(op.outputs) == 1:
        made = kept.get(op.outputs[0])
        return None if made is None or made.ndim != 4 or not made.size else made[0].astype("float32")
    if op.name not in OPS:
        return None
    given = dict(zip(op.input_names, op.inputs, strict=True))
    values = {name: kept.get(i) for name, i in given.items() if name != "value"}
    if any([each is None or not each.size for each in values.values()]):
        return None
    first = {name: each[:1] if each.ndim == 4 else each for name, each in values.items() if each is not None}
    return scores_of(op.name, op.settings | first)[0]
