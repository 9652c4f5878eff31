"""`Samples`: the samples of a training, the hardest first, as data and as a table."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

from viz.facts import formatting
from viz.facts.json_data import finite
from viz.facts.text_table import Text, table

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
        marks: what is remarkable: `"label likely wrong"`, `"far off"`, `"duplicate of 12"`,
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
    """

    samples: list[Sample]
    model: str
    order: str
    met: str = ""
    pictures: list[Any] = dataclasses.field(default_factory=list, repr=False)
    notes: list[str] = dataclasses.field(default_factory=list)

    def marked(self, word: str) -> list[Sample]:
        """Those with a mark that begins so."""
        return [sample for sample in self.samples if any(mark.startswith(word) for mark in sample.marks)]

    def text(self, count: int = 20) -> Text:
        """The hardest ones as a table.

        Args:
            count: how many to give.
        """
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
        found = [self.head(), table(heads, lines, least="mean loss,|gradient|,p(label)")]
        more = len(self.samples) - len(lines)
        if more > 0:
            found.append(f"… {formatting.count(more, 'sample')} more")
        found += [self.met] if self.met else []
        return Text.of([*found, *[f"note: {note}" for note in self.notes]])

    def head(self) -> str:
        """How many samples there are, and how many of them are marked."""
        counts = [
            (len(self.marked("label likely")), "likely wrong label"),
            (len(self.marked("far off")), "sample far off the others"),
            (len(self.marked("duplicate")), "duplicate"),
        ]
        told = [formatting.count(number, noun) for number, noun in counts if number]
        name = formatting.clean(self.model, 40)
        return f"{name}: {', '.join([formatting.count(len(self.samples), 'sample'), *told])}; {self.order}"

    def __str__(self) -> str:
        return str(self.text())

    def to_dict(self) -> dict[str, Any]:
        """All samples as plain data that JSON can hold."""
        found = {
            "model": self.model,
            "order": self.order,
            "first_weight": self.met,
            "notes": self.notes,
            "samples": [dataclasses.asdict(sample) for sample in self.samples],
        }
        plain: dict[str, Any] = finite(found)
        return plain


def shown_target(value: numpy.ndarray) -> str:
    """A target or an answer as a short text."""
    flat = value.reshape(-1)
    if flat.size == 1:
        return f"{flat[0]:.4g}" if flat.dtype.kind == "f" else str(flat[0])
    if flat.size <= 4:
        return "[" + ", ".join([f"{each:.3g}" if flat.dtype.kind == "f" else str(each) for each in flat]) + "]"
    return f"{formatting.shape(value.shape)} numbers"
