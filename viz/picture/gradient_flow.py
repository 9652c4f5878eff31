"""How large gradients are from layer to layer: `Recording.grad_flow()`."""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
import statistics
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

from viz.facts import formatting
from viz.facts.derived_stats import norm, zero_share
from viz.facts.digest.shown_step import shown_number, shown_position
from viz.facts.gradient_passes import weight_gradients, whole_gradient
from viz.facts.schema import Record, TensorInfo
from viz.facts.selection import count_of_steps, step_name, variables_of
from viz.facts.text_table import Text, table
from viz.geometry.text_sizes import text_width
from viz.picture.notebook_theme import on_any_ground
from viz.picture.palette import Theme, theme_named
from viz.picture.rendering.raster import check_picture_name, write_picture
from viz.picture.svg_document import document

__all__ = ["Flow", "GradientFlow", "gradient_flow"]


_ROW, _LENGTH = 20, 360
_MUCH = 30  # times as large: on an even scale, the smaller would be a dot


@dataclasses.dataclass(frozen=True)
class Flow:
    """The gradient of one weight in one step.

    Attributes:
        name: the weight's path.
        shape: the weight's shape and type, as text.
        gradient: the L2 norm of the gradient.
        weight: the L2 norm of the weight before the update, None where it wasn't measured.
        zeros: which share of the gradient's elements is zero; None unless recorded with `stats="full"`.
        nonfinite: how many elements of the gradient are NaN or infinite.
        remark: what is wrong with it, in a word or two: `"no gradient flows"`, `"vanishing"` (below a
            hundred-thousandth of the largest), `"exploding"` (above 10, and a thousand times the median).
    """

    name: str
    shape: str
    gradient: float
    weight: float | None
    zeros: float | None
    nonfinite: int
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        """|gradient| / |weight|; None where the weight is zero or unknown."""
        return self.gradient / self.weight if self.weight else None


@dataclasses.dataclass(repr=False)
class GradientFlow:
    """The gradients of all weights of a step, in the order in which the forward pass met the weights.

    Prints itself as a table, and shows itself as a chart in notebooks.

    Attributes:
        step: the position of the step, or None.
        rows: one for each weight that got a gradient.
        title: the recording's name.
        which: what the step is called, where there are several.
        number: the number of the step, as captions and `--step` have it, or None.
    """

    step: int | None
    rows: list[Flow]
    title: str = ""
    which: str = ""
    number: int | None = None

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [
            [
                formatting.clean(row.name, 50),
                row.shape,
                "nan" if row.nonfinite else f"{row.gradient:.2e}",
                "" if row.ratio is None or row.nonfinite else f"{row.ratio:.1e}",
                "" if row.zeros is None else f"{100 * row.zeros:.0f} %",
                row.remark,
            ]
            for row in self.rows
        ]
        heads = ["weight", "tensor", "|gradient|", "|g| / |w|", "zeros", "remark"]
        if not any(row.zeros is not None for row in self.rows):  # they take stats="full"
            heads.remove("zeros")
            lines = [[*line[:4], line[5]] for line in lines]
        return str(Text.of([*([self.which] if self.which else []), table(heads, lines, least="zeros,tensor")]))

    @property
    def svg(self) -> str:
        """A bar for each weight, on a logarithmic scale."""
        return self._chart("light")

    def _chart(self, theme: str) -> str:
        found = [
            Bar(
                formatting.clean(row.name, 50),
                row.gradient,
                "  ".join([formatting.magnitude(row.gradient), row.remark]).strip(),
                bool(row.remark),
                f"{row.name}: {row.shape}, |g| = {row.gradient:.3e}"
                + ("" if row.ratio is None else f", |g|/|w| = {row.ratio:.2e}"),
            )
            for row in self.rows
        ]
        return bars("gradient norms" + (f" · {self.title}" if self.title else ""), found, theme)

    def save(self, path: str | os.PathLike[str], theme: str = "light") -> pathlib.Path:
        """Write the chart.

        Args:
            path: ends in `.svg` or `.png`, or in `.pdf`, which takes CairoSVG or librsvg.
            theme: `"light"` or `"dark"`.

        Raises:
            ValueError: for another ending or theme.
            RendererMissing: when no PNG can be made here.
        """
        check_picture_name(path)
        return write_picture(path, self._chart(theme))

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows as plain data."""
        return [{**dataclasses.asdict(row), "ratio": row.ratio} for row in self.rows]

    def _repr_html_(self) -> str:
        return on_any_ground(self.svg, self._chart("dark"))


def gradient_flow(record: Record, step: int | None = None) -> GradientFlow:
    """The gradients of all weights in a step.

    Args:
        record: a recording with statistics.
        step: default: the last complete one of the usual batch size.

    Raises:
        ValueError: when statistics weren't recorded, or there was no backward pass.
    """
    number, step = shown_number(record, step), shown_position(record, step)
    if not any(t.stats for t in record.tensors):
        raise ValueError(
            "grad_flow() needs the sizes of gradients: record with viz.trace(stats='basic'), or viz run --stats basic; "
            "stats='full' also counts zeros"
        )
    variables = variables_of(record)
    ops = [op for op in record.ops if step is None or op.step == step]
    parts = {variable: found for (_, variable), found in weight_gradients(record, ops, variables).items()}
    before: dict[int, TensorInfo] = {}
    for op in ops:
        for i in op.inputs if op.phase != "backward" else ():
            if i in variables:
                before.setdefault(variables[i], record.tensors[i])
    if not parts:
        raise ValueError("grad_flow(): no gradient of a variable was recorded in this step")
    shown = dict.fromkeys([i for i in [*before, *parts] if i in parts])
    rows = [_flow(record, i, parts[i], before.get(i)) for i in shown]
    which = step_name(record, step) if step is not None and count_of_steps(record) > 1 else ""
    return GradientFlow(step, _with_remarks(rows), formatting.clean(record.name), which, number)


def _with_remarks(rows: list[Flow]) -> list[Flow]:
    finite = [row.gradient for row in rows if not row.nonfinite]
    too_large = max(10.0, 1e3 * statistics.median(finite or [0.0]))
    too_small = 1e-5 * max([size for size in finite if size <= too_large], default=0.0)
    return [dataclasses.replace(row, remark=_remark(row, too_small, too_large)) for row in rows]


def _remark(row: Flow, too_small: float, too_large: float) -> str:
    if row.nonfinite:
        return f"{row.nonfinite:,} not finite"
    if row.gradient == 0:
        return "no gradient flows"
    if row.gradient > too_large:
        return "exploding"
    return "vanishing" if row.gradient < too_small else ""


def _flow(record: Record, variable: int, parts: list[TensorInfo], before: TensorInfo | None) -> Flow:
    gradient = whole_gradient(record, parts)
    weight = norm(before) if before is not None else None
    if weight is None:
        weight = norm(record.tensors[variable])
    stats = gradient.stats
    return Flow(
        record.shown(variable) or f"variable {variable}",
        formatting.tensor(record.tensors[variable]),
        norm(gradient) or 0.0,
        weight,
        zero_share(gradient),
        0 if stats is None else stats.nan + stats.inf,
    )


@dataclasses.dataclass(frozen=True)
class Bar:
    """One bar: its name, its length, what is written after it, whether it is to stand out, and a tooltip."""

    name: str
    value: float
    text: str = ""
    marked: bool = False
    tooltip: str = ""


class _Scale(NamedTuple):
    """How long bars are, as parts of the width, and where lines with numbers are drawn."""

    part: Callable[[float], float]
    marks: list[tuple[float, str]]


def bars(title: str, rows: Sequence[Bar], theme: str = "light", linear: bool | None = False) -> str:
    """Horizontal bars on a logarithmic scale, with a line for each power of ten.

    Args:
        title: what stands above.
        rows: the bars. Zero and what is not finite has no length.
        theme: `"light"` or `"dark"`.
        linear: whether the scale is an even one that begins at 0; None: where no bar is 30 times as long as another.

    Raises:
        ValueError: for another theme.
    """
    look = theme_named(theme)
    left = max([text_width(row.name, 11) for row in rows], default=0) + 20
    right = max([text_width(row.text, 10) for row in rows], default=0) + 24
    sizes = [v for row in rows if math.isfinite(v := row.value) and v > 0]
    if linear is None:
        linear = max(sizes, default=1.0) <= _MUCH * min(sizes, default=1.0)
    scale = (_even if linear else _logarithmic)(sizes)
    height = 62 + _ROW * len(rows)
    width = max(left + _LENGTH + right, text_width(title, 14) + 40)
    lines = [
        f'<text x="14" y="22" font-size="14" fill="{look.ink}">{escape(title)}</text>',
        *_lines(left, scale, height, look),
        *[_bar(row, i, left, scale, look) for i, row in enumerate(rows)],
    ]
    return document(title, width, height, look, lines)


def _logarithmic(values: Sequence[float]) -> _Scale:
    """From a power of ten below all values to one above."""
    shown = [math.log10(value) for value in values] or [0.0, 1.0]
    low, high = math.floor(min(shown)), math.ceil(max(shown))
    low, high = (low - 1 if low == min(shown) else low), max(high, low + 1)
    powers = range(low, high + 1, max(1, (high - low) // 6))
    names = {power: f"{10.0**power:,.4g}" if -3 <= power <= 4 else f"1e{power}" for power in powers}
    return _Scale(
        lambda value: (math.log10(value) - low) / (high - low),
        [((power - low) / (high - low), name) for power, name in names.items()],
    )


def _even(values: Sequence[float]) -> _Scale:
    """From 0 to the largest value, with lines at round numbers."""
    high = max(values, default=1.0)
    rough = high / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * part for part in (1, 2, 5, 10) if unit * part >= rough)
    numbers = [step * i for i in range(int(high / step + 1e-9) + 1)]
    return _Scale(lambda value: value / high, [(number / high, f"{number:,.4g}") for number in numbers])


def _lines(left: float, scale: _Scale, height: int, look: Theme) -> list[str]:
    lines = []
    for part, name in scale.marks:
        x = left + _LENGTH * part
        lines.append(f'<path d="M{x:.1f} 46 V{height - 8}" stroke="{look.frame}" stroke-width="1"/>')
        lines.append(f'<text x="{x:.1f}" y="42" font-size="9" fill="{look.muted}" text-anchor="middle">{name}</text>')
    return lines


def _bar(row: Bar, number: int, left: float, scale: _Scale, look: Theme) -> str:
    y = 52 + _ROW * number
    length = 0.0
    if row.value > 0 and math.isfinite(row.value):
        length = max(2.0, _LENGTH * scale.part(row.value))
    fill = look.error[1] if row.marked else look.lines["gradient"]
    text_at = left + length + 6
    return (
        f'<g class="bar"><title>{escape(row.tooltip or row.name)}</title>'
        f'<text x="{left - 8:.1f}" y="{y + 12}" font-size="11" fill="{look.ink}" text-anchor="end">'
        f"{escape(row.name)}</text>"
        f'<rect x="{left:.1f}" y="{y}" width="{length:.1f}" height="{_ROW - 5}" fill="{fill}" rx="2"/>'
        f'<text x="{text_at:.1f}" y="{y + 12}" font-size="10" fill="{look.muted}">{escape(row.text)}</text></g>'
    )
