"""A recording as a part of a page: its picture, its figures, and a table of what ran."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from html import escape
from typing import Any, Literal, TypeAlias

from tools.site import svg
from viz.facts import formatting
from viz.facts.flops import flops
from viz.facts.schema import Op, TensorInfo
from viz.recording import Recording

View: TypeAlias = Literal["both", "forward"]
Theme: TypeAlias = Literal["light", "dark"]
Way: TypeAlias = tuple[View, int, int]
HEIGHT = 2700  # of a picture that can be read in a page
MANY = 60  # ops of a forward pass that are shown in parts at once: a picture of all takes long to draw and to read
# What a picture shows, in how many rows at most, and how wide it may be: the first one that can be read in a page. The
# forward pass with its ops tells more than both passes in parts that have no names, even if it has to be scrolled.
WAYS: tuple[Way, ...] = (
    ("both", 40, 960),
    ("forward", 40, 1250),
    ("both", 20, 960),
    ("forward", 20, 960),
    ("forward", 10, 960),
)
MOST_ROWS = 40
MOST_GRADIENTS = 8


def page_part(recording: Recording, name: str, layer: Any) -> str:
    """The picture, the figures and the table.

    Args:
        recording: of one call and its gradients.
        name: the public name.
        layer: the layer that was called, or None.
    """
    return "\n".join([_pictures(recording, name), _figures(recording, layer), _table(recording)])


def _pictures(recording: Recording, name: str) -> str:
    """The picture, and where it leaves something out to fit the page, the whole one, which static/zoom.js shows."""
    way = fitting(recording)
    first = picture(recording, name, way)
    if way == ways(recording)[0]:
        return f'<div class="picture own-themes">{first}</div>'
    label = "Show the backward pass, too" if way[0] == "forward" else "Show every op"
    whole = f'<template data-label="{label}">{picture(recording, f"{name}-whole", ways(recording)[0])}</template>'
    return f'<div class="picture own-themes">{first}{whole}</div>'


def ways(recording: Recording) -> tuple[Way, ...]:
    """The ways to draw a picture of it, the first one with most in it."""
    count = sum(op.phase == "forward" for op in recording.ops)
    return tuple(way for way in WAYS if way[1] < WAYS[0][1] or count <= MANY)


def fitting(recording: Recording) -> Way:
    """The way to draw a picture that can be read in a page; where none can, the narrowest."""
    sizes: dict[Way, tuple[float, float]] = {}
    for way in ways(recording):
        sizes[way] = width, height = _size(recording, way)
        if width <= way[2] and height <= HEIGHT:
            return way
    return min(sizes, key=lambda way: sizes[way])


def _size(recording: Recording, way: Way) -> tuple[float, float]:
    found = re.search(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', _drawn(recording, "light", way))
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def _drawn(recording: Recording, theme: Theme, way: Way) -> str:
    view: View = way[0] if any(op.phase == "forward" for op in recording.ops) else "both"
    return recording.draw(view=view, theme=theme, links=None, parts=True, max_nodes=way[1])._repr_svg_()


def picture(recording: Recording, name: str, way: Way) -> str:
    """One SVG for both themes."""
    drawn = _drawn(recording, "light", way), _drawn(recording, "dark", way)
    ident = re.sub(r"\W", "-", name)
    shows = "forward and backward" if way[0] == "both" else "forward"
    return svg.embedded(svg.both_themes(*drawn), ident, f"What {name} runs, {shows}")


def _figures(recording: Recording, layer: Any) -> str:
    facts = []
    if layer is not None:
        weights = list(getattr(layer, "weights", ()))
        names = distinct([weight.path for weight in weights])
        shapes = ", ".join(f"{name} {shape(weight.shape)}" for name, weight in zip(names, weights, strict=True))
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
    names = [name or "input" for name in distinct([tensor.name for tensor in given])]
    shown = [f"{name} {shape(tensor.shape)}" for name, tensor in zip(names, given, strict=True)]
    if len(shown) > MOST_GRADIENTS:
        shown = [*shown[:MOST_GRADIENTS], f"and {len(shown) - MOST_GRADIENTS} more"]
    return ", ".join(shown)


def distinct(paths: list[str]) -> list[str]:
    """The last part of each path, and as many before it as tell it from the others.

    >>> distinct(["attention/query/kernel", "attention/value/kernel", "attention/scale"])
    ['query/kernel', 'value/kernel', 'scale']
    """
    found = []
    for path in paths:
        parts = 1
        while parts < path.count("/") + 1 and [_last(other, parts) for other in paths].count(_last(path, parts)) > 1:
            parts += 1
        found.append(_last(path, parts))
    return found


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
