"""`viz.attention`: what each head of a model's attention looks at."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import numpy

from eagerflow.core.observe import Scope
from viz.doctor.facts.host_arrays import host
from viz.facts.attention_scores import OPS, scores_of
from viz.frameworks import observing
from viz.frameworks.objects import array_of
from viz.page.heat_map import heat_map, picture
from viz.picture.rendering.raster import check_picture_name, write_picture
from viz.recorder.listening import Listening

__all__ = ["Attention", "attention"]

_SIDE, _GAP, _LEFT, _TOP = 150, 14, 90, 40  # of the picture, in pixels


class Attention:
    """The scores of each attention that a model called.

    Attributes:
        scores: by the path of the layer: arrays of shape (batch, heads, queries, keys), whose rows have the sum 1.

    >>> import eagerflow as ef, viz
    >>> x = ef.ops.ones((1, 3, 8))
    >>> found = viz.attention(ef.layers.MultiHeadAttention(num_heads=2, key_dim=4, name="look"), x, x)
    >>> found.save("heads.png", tokens=["the", "cat", "sat"]).name
    'heads.png'
    """

    def __init__(self, scores: Mapping[str, numpy.ndarray]) -> None:
        self.scores = dict(scores)

    def save(self, path: str | os.PathLike[str], row: int = 0, tokens: Sequence[str] | None = None) -> pathlib.Path:
        """Draws a row of squares for each layer, one for each head: downwards who looks, to the right at what.

        Args:
            path: the path of a file, which ends in `.svg`, `.png` or `.pdf`.
            row: the number of the row in the batch.
            tokens: what stands beside the squares; up to 24 are written.

        Raises:
            ValueError: for another ending.
            IndexError: when the batch has no such row.
        """
        check_picture_name(path)
        return write_picture(path, self._drawn(row, tokens))

    def _repr_svg_(self) -> str:
        return self._drawn(0, None)

    def _drawn(self, row: int, tokens: Sequence[str] | None) -> str:
        parts, widest, y = [], 0, _TOP
        for name, scores in self.scores.items():
            heads = scores[row]
            parts.append(f'<text x="{_LEFT}" y="{y - 8}">{escape(name)}</text>')
            for head, each in enumerate(heads):
                x = _LEFT + head * (_SIDE + _GAP)
                image = heat_map(each / (each.max() or 1.0), _SIDE)
                parts.append(f'<image x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" href="{image}"/>')
                parts.append(f'<text x="{x}" y="{y + _SIDE + 15}" font-size="11">head {head}</text>')
            if tokens is not None and heads.shape[1] <= 24:
                step = _SIDE / heads.shape[1]
                parts += [
                    f'<text x="{_LEFT - 6}" y="{y + step * (i + 0.5) + 3:.0f}" font-size="{min(11, step):.1f}" '
                    f'text-anchor="end">{escape(str(token))}</text>'
                    for i, token in enumerate(list(tokens)[: heads.shape[1]])
                ]
            widest, y = max(widest, len(heads)), y + _SIDE + _TOP + 20
        return picture(_LEFT + widest * (_SIDE + _GAP), y, "".join(parts))

    def __repr__(self) -> str:
        return f"<attention: {', '.join([f'{name} {each.shape}' for name, each in self.scores.items()]) or 'none'}>"


class _Heard:
    """Computes the scores of each attention that runs."""

    def __init__(self) -> None:
        self.scores: dict[str, numpy.ndarray] = {}
        self._open: list[str] = []

    def on_scope_begin(self, scope: Scope) -> None:
        self._open.append(str(getattr(scope.owner, "path", None) or scope.name))

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        self._open.pop()

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, *about: Any) -> None:
        if op.name not in OPS:
            return
        given = dict(zip(op.arrays, [None if x is None else host(array_of(x)) for x in inputs])) | dict(
            zip(op.settings, settings)
        )
        scores = scores_of(op.name, given)
        name = self._open[-1] if self._open else op.name
        while name in self.scores:
            name += "'"
        self.scores[name] = scores


def attention(model: Any, *inputs: Any, **options: Any) -> Attention:
    """What each head of each attention looks at, when a model is called once.

    Args:
        model: a model, a layer, a PyTorch module or another function.
        *inputs: what it is called with.
        **options: named arguments of the call, such as `training=False`.

    Returns:
        An `Attention`, with the scores as arrays and a picture of them.

    Raises:
        ValueError: when nothing in the call is `dot_product_attention` (of PyTorch, `scaled_dot_product_attention`).

    >>> import eagerflow as ef, viz
    >>> layer = ef.layers.MultiHeadAttention(num_heads=2, key_dim=4, name="look")
    >>> x = ef.ops.ones((1, 3, 8))
    >>> found = viz.attention(layer, x, x)
    >>> found
    <attention: look (1, 2, 3, 3)>
    >>> found.scores["look"][0, 0, 0].round(2).tolist()
    [0.33, 0.33, 0.33]
    """
    heard = _Heard()
    with observing(Listening.to(heard, everywhere=True)):
        model(*inputs, **options)
    if not heard.scores:
        raise ValueError(
            "viz.attention: no attention ran in this call: expected ops.dot_product_attention, as "
            "MultiHeadAttention calls, or PyTorch's scaled_dot_product_attention"
        )
    return Attention(heard.scores)
