"""`Samples`: the samples of a training, the hardest first, as data and as a table."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

from viz.facts import formatting
from viz.facts.json_data import finite
from viz.facts.text_table import Text, table
from viz.samples.row_keys import HOLDS

__all__ = ["Sample", "Samples"]


@dataclasses.dataclass
class Sample:
    """One sample.

    Attributes:
        row: its number in the arrays given to `fit`; without arrays, counted in the order in which samples came.
        label: the class, or the target as text.
        predicted: the class that the trained model takes it for, or its answer as text.
        chance: for classes, the chance that the trained model gives the label.
        loss: of the trained model, without dropout and augmentation.
        mean_loss: the mean of the losses that it had while training, each before the step learned from it.
        times: how often it was trained with.
        gradient: the norm of the gradient of its loss with respect to all trainable weights of the trained model; None
            where there was no time left for it.
        marks: what is remarkable: `"holds 6 NaN"`, `"label likely wrong"`, `"far off"`, `"duplicate of 12"`,
            `"duplicate of 12 with another label"`.
    """

    row: int
    label: str
    predicted: str
    chance: float | None
    loss: float
    mean_loss: float
    times: int
    gradient: float | None = None
    marks: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Samples:
    """The samples of a training, the hardest first. Prints itself as a table.

    Attributes:
        samples: the samples in that order.
        model: the model's name.
        order: what makes a sample hard, in words.
        met: what reaches the first weight, in words: shape, type, range.
        pictures: for the first of the samples what reaches the first weight, in the shape of the input where that fits;
            or the input itself, for text.
        notes: what should be known when reading this.
        is_ranked: whether there is an order; there is none where all losses are NaN or infinite.
        first_bad: the number of the first training step in which a loss was NaN or infinite; None for none.
    """

    samples: list[Sample]
    model: str
    order: str
    met: str = ""
    pictures: list[Any] = dataclasses.field(default_factory=list, repr=False)
    notes: list[str] = dataclasses.field(default_factory=list)
    is_ranked: bool = True
    first_bad: int | None = None

    @property
    def broken(self) -> list[Sample]:
        """Those that hold NaN or infinity themselves."""
        return self.marked(HOLDS)

    def marked(self, word: str) -> list[Sample]:
        """Those with a mark that begins so."""
        return [sample for sample in self.samples if any(mark.startswith(word) for mark in sample.marks)]

    def text(self, count: int = 20) -> Text:
        """The hardest ones as a table; where nothing could be ranked, those that hold NaN or infinity."""
        found = [self.head()]
        if self.is_ranked:
            found += self._hardest(count)
        elif self.broken:
            found += self._broken(count)
        found += [self.met] if self.met else []
        return Text.of([*found, *[f"note: {note}" for note in self.notes]])

    def _broken(self, count: int) -> list[str]:
        """What holds NaN or infinity: no number that was computed of it is worth a column."""
        lines = [(str(s.row), formatting.clean(s.label, 30), "; ".join(s.marks)) for s in self.broken[:count]]
        return [table(("row", "label", ""), lines), *_more(len(self.broken) - len(lines))]

    def _hardest(self, count: int) -> list[str]:
        heads = ("row", "label", "predicted", "p(label)", "loss", "mean loss", "|gradient|", "")
        lines = [
            (
                str(s.row),
                formatting.clean(s.label, 30),
                formatting.clean(s.predicted, 30),
                "" if s.chance is None else f"{s.chance:.3f}",
                f"{s.loss:.3g}",
                f"{s.mean_loss:.3g}",
                "–" if s.gradient is None else f"{s.gradient:.3g}",
                "; ".join(s.marks),
            )
            for s in self.samples[:count]
        ]
        shown = table(heads, lines, least="mean loss,|gradient|,p(label)")
        return [shown, *_more(len(self.samples) - len(lines))]

    def head(self) -> str:
        """How many samples there are, and how many of them are marked."""
        broken, far = len(self.broken), len(self.marked("far off"))
        told = [
            formatting.count(len(self.samples), "sample"),
            broken and f"NaN or infinity in {'all' if broken == len(self.samples) else f'{broken:,}'} of them",
            (wrong := len(self.marked("label likely"))) and formatting.count(wrong, "likely wrong label"),
            far and f"{formatting.count(far, 'sample')} far off the others",
            (twice := len(self.marked("duplicate"))) and formatting.count(twice, "duplicate"),
        ]
        name = formatting.clean(self.model, 40)
        return f"{name}: {', '.join([each for each in told if each])}; {self.order}"

    def __str__(self) -> str:
        return str(self.text())

    def to_dict(self) -> dict[str, Any]:
        """All samples as plain data that JSON can hold."""
        found = {
            "model": self.model,
            "order": self.order,
            "ranked": self.is_ranked,
            "first_nonfinite_step": self.first_bad,
            "hold_nonfinite": [sample.row for sample in self.broken],
            "first_weight": self.met,
            "notes": self.notes,
            "samples": [dataclasses.asdict(sample) for sample in self.samples],
        }
        plain: dict[str, Any] = finite(found)
        return plain


def _more(count: int) -> list[str]:
    return [f"… {formatting.count(count, 'sample')} more"] if count > 0 else []


def shown_target(value: numpy.ndarray) -> str:
    """A target or an answer as a short text."""
    flat = value.reshape(-1)
    if flat.size == 1:
        return f"{flat[0]:.4g}" if flat.dtype.kind == "f" else str(flat[0])
    if flat.size <= 4:
        return "[" + ", ".join([f"{each:.3g}" if flat.dtype.kind == "f" else str(each) for each in flat]) + "]"
    return f"{formatting.shape(value.shape)} numbers"
