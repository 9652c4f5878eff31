"""A recording as a part of a page: its picture, its figures, and a table of what ran."""

from __future__ import annotations

import collections
import math
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from tools.site import svg
from viz.facts import formatting
from viz.facts.flops import flops
from viz.facts.schema import Op, TensorInfo
from viz.recording import Recording

MOST_BOXES = 40
MOST_ROWS = 40
MOST_GRADIENTS = 8


def page_part(recording: Recording, name: str, layer: Any) -> str:
    """The picture, the figures and the table.

    Args:
        recording: of one call and its gradients.
        name: the public name.
        layer: the layer that was called, or None.
    """
    pieces = [f'<div class="picture own-themes">{picture(recording, name)}</div>', _figures(recording, layer)]
    return "\n".join([*pieces, _table(recording)])


def picture(recording: Recording, name: str) -> str:
    """One SVG for both themes."""
    drawn = [
        recording.draw(theme=theme, links=None, parts=True, max_nodes=MOST_BOXES)._repr_svg_()
        for theme in ("light", "dark")
    ]
    ident = re.sub(r"\W", "-", name)
    return svg.embedded(svg.both_themes(*drawn), ident, f"What {name} runs, forward and backward")


def _figures(recording: Recording, layer: Any) -> str:
    facts = []
    if layer is not None:
        weights = list(getattr(layer, "weights", ()))
        shapes = ", ".join(f"{weight.name} {shape(weight.shape)}" for weight in weights)
        total = sum(math.prod(weight.shape) for weight in weights)
        facts.append(("parameters", f"{total:,}" + (f" ({shapes})" if shapes else "")))
    for phase in ("forward", "backward"):
        ops = [op for op in recording.ops if op.phase == phase]
        if ops:
            counted = [flops(recording, op) for op in ops]
            known = sum(filter(None, counted))
            least = "at least " if None in counted else ""
            facts.append((phase, f"{formatting.count(len(ops), 'op')}, {least}{known:,} FLOPs"))
    found = gradients(recording)
    if found:
        facts.append(("gradients", found))
    kept = sum(recording.tensors[made].nbytes for op in recording.ops if op.phase == "forward" for made in op.outputs)
    facts.append(("results of the forward ops", formatting.nbytes(kept)))
    cells = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f'<dl class="figures">{cells}</dl>'


def gradients(recording: Recording) -> str:
    """What the backward pass gave for inputs and weights: in the picture no arrow leads there.

    >>> import eagerflow as ef
    >>> import viz
    >>> layer, x = ef.layers.Dense(2), ef.Variable([[1.0, 2.0, 3.0]], name="x")
    >>> with viz.trace() as t, ef.GradientTape() as tape:
    ...     found = tape.gradient(layer(x), [x, *layer.weights])
    >>> gradients(t)
    'x 1×3, kernel 3×2, bias 2'
    """
    made = [recording.tensors[i] for op in recording.ops if op.phase == "backward" for i in op.outputs]
    wanted = sorted({tensor.gradient_of for tensor in made if tensor.gradient_of is not None})
    given = [tensor for tensor in map(recording.tensors.__getitem__, wanted) if tensor.producer is None]
    last = collections.Counter(_last(tensor.name, 1) for tensor in given)
    names = [_last(tensor.name, 1 if last[_last(tensor.name, 1)] == 1 else 2) or "input" for tensor in given]
    shown = [f"{name} {shape(tensor.shape)}" for name, tensor in zip(names, given, strict=True)]
    if len(shown) > MOST_GRADIENTS:
        shown = [*shown[:MOST_GRADIENTS], f"and {len(shown) - MOST_GRADIENTS} more"]
    return ", ".join(shown)


def _last(path: str, parts: int) -> str:
    return "/".join(path.split("/")[-parts:])


def _table(recording: Recording) -> str:
    rows = [_row(recording, op) for op in recording.ops[:MOST_ROWS]]
    missed = len(recording.ops) - len(rows)
    more = f"<p>and {formatting.count(missed, 'op')} more</p>" if missed > 0 else ""
    heads = "".join(f"<th>{name}</th>" for name in ("op", "phase", "reads", "makes", "FLOPs", "bytes"))
    return (
        '<details class="what-ran"><summary>Every op, with shapes, FLOPs and bytes</summary><div class="scrolling">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{more}</details>"
    )


def _row(recording: Recording, op: Op) -> str:
    counted = flops(recording, op)
    made = [recording.tensors[number] for number in op.outputs]
    cells = [
        f"<code>{escape(op.name)}</code>",
        op.phase,
        _shapes(recording.tensors[number] for number in op.inputs),
        _shapes(made),
        "" if counted is None else f"{counted:,}",
        f"{sum(tensor.nbytes for tensor in made):,}",
    ]
    return f'<tr class="{op.phase}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _shapes(tensors: Iterable[TensorInfo]) -> str:
    return ", ".join(f"{shape(tensor.shape)} {formatting.dtype(tensor.dtype)}" for tensor in tensors)


def shape(lengths: Iterable[int | None]) -> str:
    """A shape as viz writes it.

    >>> shape((2, 3)), shape(())
    ('2×3', 'scalar')
    """
    return "×".join("?" if length is None else str(length) for length in lengths) or "scalar"
