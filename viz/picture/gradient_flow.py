"""How large gradients are from layer to layer: `Recording.grad_flow()`."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import statistics
from typing import Any

from viz.facts import formatting
from viz.facts.derived_stats import norm, zero_share
from viz.facts.digest.shown_step import shown_number, shown_position
from viz.facts.gradient_passes import weight_gradients, whole_gradient
from viz.facts.schema import Record, TensorInfo
from viz.facts.selection import count_of_steps, step_name, variables_of
from viz.facts.text_table import Text, table
from viz.picture.charts.bars import Bar, bars
from viz.picture.notebook_theme import on_any_ground
from viz.picture.rendering.raster import check_picture_name, write_picture

__all__ = ["Flow", "GradientFlow", "gradient_flow"]


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
