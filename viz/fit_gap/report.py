"""`Gap`: the difference between `fit` and `evaluate`, its parts, and what they mean."""

from __future__ import annotations

import dataclasses
import math
import os
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

from viz.facts.formatting import near
from viz.facts.json_data import json_text
from viz.facts.lines.room import line_length
from viz.facts.text_table import Text, table
from viz.geometry.text_sizes import text_width
from viz.picture.notebook_theme import on_any_ground
from viz.picture.palette import Theme, theme_named
from viz.picture.rendering.raster import check_picture_name, write_picture
from viz.picture.svg_document import document, text_at

__all__ = ["OTHER", "PENALTIES", "PUT_BACK", "RUNNING", "WEIGHTS", "Gap", "Part", "Statistics"]

RUNNING, PUT_BACK, WEIGHTS = "running mean", "weights put back", "sample weights"
PENALTIES, OTHER = "penalties", "other layers"

_LAG = 0.1  # of the loss: what evaluate loses to statistics that lag behind, from which on it is a fault
_SMALL = 0.02  # of the larger number: a difference that isn't worth a word
_AGAINST = 1.5  # parts that add up to so much more than their sum cancel each other
_LEAST = 24  # signs of the last column
_WIDTH = 88  # of lines, as far as the terminal has room

MEANS = {
    RUNNING: "fit's number is the mean over the epoch, while the weights were still changing",
    PUT_BACK: "fit ended with other weights than the epoch's last (restore_best_weights, averages)",
    "dropout": "only fit drops units or adds noise",
    "augmentation": "only fit sees rows that were changed at random",
    "batch norm": "fit normalizes by each batch's own statistics, evaluate by moving averages",
    OTHER: "another part of the model acts differently in training",
    WEIGHTS: "fit weighs rows (sample_weight, class_weight), evaluate(x, y) doesn't",
    PENALTIES: "regularizers and activity penalties, over the epoch and at its end",
}
_ADVICE = {
    RUNNING: "Nothing is wrong, the network learnt during the epoch: evaluate is right about the present weights.",
    PUT_BACK: "Nothing is wrong: the weights are not those of the last epoch.",
    "dropout": "Nothing is wrong, training is harder with it; evaluate is right about the network.",
    "augmentation": "Nothing is wrong as long as the network learns: changed rows are harder.",
    "batch norm": "Larger batches or a lower momentum bring the two closer.",
    OTHER: "Look at layers of your own that ask for `training`.",
    WEIGHTS: "Pass the same sample_weight to evaluate to compare the two.",
    PENALTIES: "Compare metrics instead of losses: they have no penalties.",
}
_RISEN = "The network got worse during the epoch: `viz doctor` may say why."


_ROW, _LENGTH = 26, 420


@dataclasses.dataclass(frozen=True)
class Part:
    """One cause, and by how much it makes the number of `fit` larger than that of `evaluate`."""

    name: str
    value: float


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What is known of batch normalization."""

    momentum: float
    evaluate: float


@dataclasses.dataclass(frozen=True)
class Gap:
    """The reasons why `fit` and `evaluate` report different values for the same rows, as `viz.gap` found them.

    Attributes:
        numbers: for the loss and each metric, the value of `fit`, that of `evaluate`, and the parts of the difference,
            which sum to it; those that aren't finite are left out.
        logs: all values that the epoch reported.
        epoch: the number of the epoch, from 1.
        rows: how many rows were compared.
        causes: the causes whose parts are averages over all orders in which they can be removed; other parts are
            removed first or last, in the order of the table.
        statistics: about the moving averages of batch normalization, where there is some.
        updates: how many steps the optimizer has made so far.
        place: file and line of the call of `fit`.
        by_batch: the names of layers that normalize by each batch's own statistics in `evaluate`, too.
        bad_since: the first epoch since which the loss that `fit` reports is NaN or infinite; None where it is finite.
        nonfinite: the command that finds where NaN begins.

    >>> import eagerflow as ef
    >>> import viz
    >>> model = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    >>> model.compile(ef.optimizers.SGD(0.25), "mse")
    >>> found = viz.gap(model, ef.ops.ones((2, 1)), ef.ops.full((2, 1), 4.0), batch_size=2)
    >>> found.fit, found.evaluate  # before the step, and after it
    (16.0, 4.0)
    >>> found.parts
    {'running mean': 12.0}
    """

    numbers: dict[str, tuple[float, float, list[Part]]]
    logs: dict[str, float]
    epoch: int
    rows: int
    causes: tuple[str, ...]
    statistics: Statistics | None
    updates: int
    place: tuple[str, int] | None
    by_batch: tuple[str, ...] = ()
    bad_since: int | None = None
    nonfinite: str = "viz nonfinite SCRIPT"

    @property
    def fit(self) -> float:
        """The loss that `fit` reported."""
        return self.numbers["loss"][0]

    @property
    def evaluate(self) -> float:
        """The loss that `evaluate` computes for the same rows."""
        return self.numbers["loss"][1]

    @property
    def parts(self) -> dict[str, float]:
        """The parts of the difference `fit - evaluate`, a dict by cause."""
        return {part.name: part.value for part in self.numbers["loss"][2]}

    @property
    def lags(self) -> bool:
        """Whether moving averages of batch normalization that lag behind the weights make `evaluate` wrong."""
        if self.statistics is None or not math.isfinite(self.evaluate):
            return self.statistics is not None and math.isfinite(self.statistics.evaluate)
        lost = self.evaluate - self.statistics.evaluate
        return lost > _LAG * max(abs(self.statistics.evaluate), abs(self.evaluate) / 10)

    @property
    def ok(self) -> bool:
        """Whether the difference is harmless: nothing needs to be fixed."""
        return not self.lags and not self.by_batch and math.isfinite(self.fit) and math.isfinite(self.evaluate)

    # ------------------------------------------------------------------ in words

    @property
    def verdict(self) -> str:
        """A summary in a sentence or two."""
        whole = self.fit - self.evaluate
        if not math.isfinite(whole):
            return f"{self._of_nan()}: find where it begins with `{self.nonfinite}`."
        if self.lags:
            return self._of_statistics()
        if self.by_batch:
            return f"{self._of_batches()} {self._of_parts(whole, advised=False)}"
        return self._of_parts(whole)

    def _of_parts(self, whole: float, advised: bool = True) -> str:
        """Which part of the difference is the largest; with what to do about it, or without."""
        if abs(whole) <= _SMALL * max(abs(self.fit), abs(self.evaluate)):
            return "The two agree."
        ordered = sorted(self.parts, key=lambda each: -abs(self.parts[each]))
        first = ordered[0]
        what_to_do = _RISEN if first == RUNNING and self.parts[first] < 0 else _ADVICE[first]
        advice = f"{MEANS[first]}. {what_to_do}" if advised else f"{MEANS[first]}."
        if sum(abs(value) for value in self.parts.values()) > _AGAINST * abs(whole):
            listed = ", ".join([f"{name} {_signed(self.parts[name])}" for name in ordered[:3]])
            return f"Causes work against each other: {listed}. The largest is {first}: {advice}"
        return f"Most of {'it' if advised else 'the difference'} is {first}: {advice}"

    def _of_nan(self) -> str:
        """Which of the two numbers isn't finite, and since when."""
        since = self.bad_since
        when = "" if since is None else f" in epoch {since}" if since == self.epoch else f" from epoch {since} on"
        if math.isfinite(self.fit):
            return f"The loss that evaluate gives is {_kind(self.evaluate)}, that of fit isn't"
        if math.isfinite(self.evaluate):
            return f"The loss that fit reported is {_kind(self.fit)}{when}, that of evaluate isn't"
        return f"The loss is {_kind(self.fit)}{when}"

    def _of_batches(self) -> str:
        others = len(self.by_batch) - 1
        more = f" and {others} more layer{'s' * (others > 1)}" if others else ""
        return (
            f"{self.by_batch[0]!r}{more} normalize{'' if others else 's'} by each batch's own statistics in evaluate, "
            "too, so the answer for a row depends on the other rows of its batch. Leave out training=True where that "
            "layer, or the model around it, is called: in fit it is set anyway."
        )

    def _of_statistics(self) -> str:
        assert self.statistics is not None
        momentum, better = self.statistics.momentum, self.statistics.evaluate
        left = momentum**self.updates
        begun = (
            f"after {self.updates:,} updates with momentum {momentum:g} they hold {left:.0%} of their first values"
            if left >= 0.01
            else f"with momentum {momentum:g} they follow the weights too slowly, or batches differ too much"
        )
        return (
            f"The moving statistics of batch normalization lag behind: {begun}. With statistics of these rows evaluate "
            f"would give {_number(better)}. Lower the momentum (0.9), or train for longer."
        )

    @property
    def text(self) -> Text:
        """The table and the verdict as text."""
        where = "" if self.place is None else f", {near(self.place[0])}:{self.place[1]}"
        head = f"fit and evaluate on the same {self.rows:,} rows (epoch {self.epoch}{where})"
        verdict = "\n".join(textwrap.wrap(self.verdict, line_length(_WIDTH)))
        return Text.of([head, *self.table().parts, "", verdict])

    def table(self, name: str | None = None) -> Text:
        """The parts of the difference as a table, for the loss or a metric.

        Args:
            name: the name of the metric; default: the loss.
        """
        name = name or "loss"
        reported, said, parts = self.numbers[name]
        lines = [
            [f"evaluate gives ({name})", _number(said), ""],
            *[[f"  {part.name}", _signed(part.value), MEANS[part.name]] for part in reversed(parts)],
            [f"fit reported ({name})", _number(reported), ""],
        ]
        if f"val_{name}" in self.logs:
            lines.append([f"on other rows (val_{name})", _number(self.logs[f"val_{name}"]), "validation data"])
        names, width = max(len(line[0]) for line in lines), max(len(line[1]) for line in lines)
        left = max(_LEAST, line_length(_WIDTH) - names - width - 4)
        rows = [[a, b.rjust(width), c] for a, b, words in lines for a, b, c in _rows(a, b, words, left)]
        return Text.of([table(["", "", ""], rows)])

    def __str__(self) -> str:
        return str(self.text)

    __repr__ = __str__

    # ------------------------------------------------------------------ elsewhere

    def to_dict(self) -> dict[str, Any]:
        """All results as plain data that fits into JSON."""
        return {
            "epoch": self.epoch,
            "rows": self.rows,
            "file": None if self.place is None else self.place[0],
            "line": None if self.place is None else self.place[1],
            "updates": self.updates,
            "averaged_over_orders": list(self.causes),
            "numbers": {
                name: {"fit": reported, "evaluate": said, "parts": {part.name: part.value for part in parts}}
                for name, (reported, said, parts) in self.numbers.items()
            },
            "validation": {name[4:]: value for name, value in self.logs.items() if name.startswith("val_")},
            "normalized_by_batch": list(self.by_batch),
            "batch_norm": None if self.statistics is None else dataclasses.asdict(self.statistics),
            "nonfinite_since_epoch": self.bad_since,
            "ok": self.ok,
            "verdict": self.verdict,
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json_text(self.to_dict())

    def draw(self, path: str | os.PathLike[str], name: str | None = None, theme: str = "light") -> None:
        """Writes a picture of the difference: from the value of `evaluate`, part by part, to the value of `fit`.

        Args:
            path: the path of the file, which ends in `.svg`, `.png` or `.pdf`; PDF needs CairoSVG or librsvg.
            name: the loss (the default), or a metric.
            theme: `"light"` or `"dark"`.

        Raises:
            ValueError: for another ending, an unknown metric or theme.
            RendererMissing: when no PNG can be made here.
        """
        check_picture_name(path)
        name = name or "loss"
        if name not in self.numbers:
            raise ValueError(f"gap.draw(name={name!r}): expected one of {', '.join(map(repr, self.numbers))}")
        write_picture(path, self._picture(name, theme))

    def _picture(self, name: str, theme: str) -> str:
        reported, said, parts = self.numbers[name]
        title = f"{name}: fit against evaluate on the same {self.rows:,} rows"
        steps = [(part.name, part.value) for part in reversed(parts)]
        return waterfall(title, ("evaluate gives", said), steps, ("fit reported", reported), theme)

    def _repr_html_(self) -> str:
        return on_any_ground(self._picture("loss", "light"), self._picture("loss", "dark"))


def _rows(name: str, number: str, words: str, room: int) -> list[list[str]]:
    """A line of the table, and those in which its words go on."""
    first, *others = textwrap.wrap(words, room) or [""]
    return [[name, number, first], *[["", "", other] for other in others]]


def _kind(value: float) -> str:
    return "NaN" if math.isnan(value) else "infinite"


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def _signed(value: float) -> str:
    return f"{value:+.4g}" if math.isfinite(value) else str(value)


def waterfall(
    title: str, begin: tuple[str, float], steps: Sequence[tuple[str, float]], end: tuple[str, float], theme: str
) -> str:
    """Bars from zero for the two numbers, and between them a bar for each step from where the last one stopped."""
    look, at = theme_named(theme), 0.0
    rows: list[tuple[str, float, float, str, str]] = []  # name, where the bar starts and stops, its text, its colour
    for name, value in (begin, *steps, end):
        whole = name in (begin[0], end[0])
        start = 0.0 if whole else at
        at = start + (value if math.isfinite(value) else 0.0)
        kind = "data" if whole else "gradient" if value >= 0 else "update"
        rows.append((name, start, at, f"{value:.4g}" if whole else f"{value:+.4g}", look.lines[kind]))
    left = max([text_width(name, 12) for name, *_ in rows]) + 24
    values = [0.0, *[stop for _, _, stop, *_ in rows]]
    scale = _LENGTH / ((max(values) - min(values)) or 1.0)
    width = max(left + _LENGTH + 90, text_width(title, 14) + 40)
    zero, top = left - min(values) * scale, 2 * _ROW
    height = top + _ROW * len(rows) + 14
    lines = [
        text_at(14, 24, title, look.ink, 14),
        f'<path d="M{zero:.1f} {top - 6} V{height - 8}" stroke="{look.frame}" stroke-width="1"/>',
    ]
    for i, (name, start, stop, text, fill) in enumerate(rows):
        y, ends = top + _ROW * i, (zero + start * scale, zero + stop * scale)
        lines.append(_bar(name, text, ends, y, left, fill, look))
        if i < len(rows) - 1:
            dashes = f'stroke="{look.muted}" stroke-dasharray="2 2"'
            lines.append(f'<path d="M{ends[1]:.1f} {y + _ROW - 6} V{y + _ROW}" {dashes}/>')
    return document(title, width, height, look, lines)


def _bar(name: str, text: str, ends: tuple[float, float], y: int, left: float, fill: str, look: Theme) -> str:
    first, last = min(ends), max(ends)
    return (
        f'<g class="bar"><title>{escape(f"{name}: {text}")}</title>'
        f"{text_at(left - 10, y + 14, name, look.ink, 12, 'end')}"
        f'<rect x="{first:.1f}" y="{y}" width="{max(1.5, last - first):.1f}" height="{_ROW - 6}" fill="{fill}" rx="2"/>'
        f"{text_at(last + 6, y + 14, text, look.muted, 11)}</g>"
    )
