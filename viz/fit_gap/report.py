"""`Gap`: the difference between `fit` and `evaluate`, its parts, and what they mean."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
import textwrap
from typing import Any

from viz.facts.json_data import finite
from viz.facts.text_table import table
from viz.fit_gap.waterfall import waterfall

__all__ = ["OTHER", "PENALTIES", "PUT_BACK", "RUNNING", "WEIGHTS", "Gap", "Part", "Statistics"]

RUNNING, PUT_BACK, WEIGHTS = "running mean", "weights put back", "sample weights"
PENALTIES, OTHER = "penalties", "other layers"

_LAG = 0.1  # of the loss: what evaluate loses to statistics that lag behind, from which on it is a fault
_SMALL = 0.02  # of the larger number: a difference that isn't worth a word
_AGAINST = 1.5  # parts that add up to so much more than their sum cancel each other
_WIDTH = 100

MEANS = {
    RUNNING: "fit's number is the mean over the epoch, mostly with older weights",
    PUT_BACK: "fit ended with other weights than the epoch's last (restore_best_weights, averages)",
    "dropout": "only fit drops units or adds noise",
    "augmentation": "only fit sees rows that were changed at random",
    "batch norm": "fit normalizes by each batch's own statistics, evaluate by moving ones",
    OTHER: "another part of the model acts differently in training",
    WEIGHTS: "fit weighs rows (sample_weight, class_weight), evaluate(x, y) doesn't",
    PENALTIES: "regularizers and activity penalties, over the epoch and at its end",
}
_ADVICE = {
    RUNNING: "Nothing is wrong, the network learnt during the epoch: for the weights of now, believe evaluate.",
    PUT_BACK: "Nothing is wrong: the weights are not those of the last epoch.",
    "dropout": "Nothing is wrong, training is harder with it: believe evaluate.",
    "augmentation": "Nothing is wrong as long as the network learns: changed rows are harder.",
    "batch norm": "Larger batches or a lower momentum bring the two closer.",
    OTHER: "Look at layers of your own that ask for `training`.",
    WEIGHTS: "Pass the same sample_weight to evaluate to compare the two.",
    PENALTIES: "Compare metrics instead of losses: they have no penalties.",
}


@dataclasses.dataclass(frozen=True)
class Part:
    """One cause, and by how much it makes the number of `fit` larger than that of `evaluate`."""

    name: str
    value: float


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What is known of batch normalization.

    Attributes:
        momentum: of the moving statistics.
        evaluate: what `evaluate` would say with statistics of the same rows and the weights of now.
    """

    momentum: float
    evaluate: float


@dataclasses.dataclass(frozen=True)
class Gap:
    """Why `fit` and `evaluate` disagree about the same rows.

    Attributes:
        numbers: for the loss and each metric: what `fit` reported, what `evaluate` says, and the parts of the
            difference, which sum to it.
        logs: all numbers of the epoch.
        epoch: which it was, from 1.
        rows: how many rows were compared.
        causes: those whose parts are averages over all orders in which they can be removed; the other parts are taken
            off first and last, as the table stands.
        statistics: of batch normalization, where there is some.
        updates: steps that the optimizer has made so far.
        place: file and line of the call of `fit`.
    """

    numbers: dict[str, tuple[float, float, list[Part]]]
    logs: dict[str, float]
    epoch: int
    rows: int
    causes: tuple[str, ...]
    statistics: Statistics | None
    updates: int
    place: tuple[str, int] | None

    @property
    def fit(self) -> float:
        """The loss that `fit` reported."""
        return self.numbers["loss"][0]

    @property
    def evaluate(self) -> float:
        """The loss that `evaluate` gives on the same rows."""
        return self.numbers["loss"][1]

    @property
    def parts(self) -> dict[str, float]:
        """The parts of `fit - evaluate`, by cause."""
        return {part.name: part.value for part in self.numbers["loss"][2]}

    @property
    def lags(self) -> bool:
        """Whether `evaluate` is spoilt by statistics of batch normalization that lag behind the weights."""
        if self.statistics is None or not math.isfinite(self.evaluate):
            return self.statistics is not None and math.isfinite(self.statistics.evaluate)
        lost = self.evaluate - self.statistics.evaluate
        return lost > _LAG * max(abs(self.statistics.evaluate), abs(self.evaluate) / 10)

    @property
    def ok(self) -> bool:
        """Whether nothing of it needs mending."""
        return not self.lags and math.isfinite(self.fit) and math.isfinite(self.evaluate)

    # ------------------------------------------------------------------ in words

    @property
    def verdict(self) -> str:
        """What it comes to, in a sentence or two."""
        whole = self.fit - self.evaluate
        if not math.isfinite(whole):
            return "One of the two losses is not a number: find where it begins with `viz nonfinite train.py`."
        if self.lags:
            return self._of_statistics()
        if abs(whole) <= _SMALL * max(abs(self.fit), abs(self.evaluate)):
            return "The two agree."
        ordered = sorted(self.parts, key=lambda each: -abs(self.parts[each]))
        first = ordered[0]
        advice = f"{MEANS[first]}. {_ADVICE[first]}"
        if sum(abs(value) for value in self.parts.values()) > _AGAINST * abs(whole):
            listed = ", ".join([f"{name} {_signed(self.parts[name])}" for name in ordered[:3]])
            return f"Causes work against each other: {listed}. The largest is {first}: {advice}"
        return f"Most of it is {first}: {advice}"

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
    def text(self) -> str:
        """Table and verdict."""
        where = "" if self.place is None else f", {_near(self.place[0])}:{self.place[1]}"
        head = f"fit and evaluate on the same {self.rows:,} rows (epoch {self.epoch}{where})"
        verdict = "\n".join(textwrap.wrap(self.verdict, _WIDTH))
        return f"{head}\n\n{self.table()}\n\n{verdict}"

    def table(self, name: str = "loss") -> str:
        """The parts of the loss, or of a metric, as columns of text."""
        reported, said, parts = self.numbers[name]
        lines = [
            [f"evaluate gives ({name})", _number(said), ""],
            *[[f"  {part.name}", _signed(part.value), MEANS[part.name]] for part in reversed(parts)],
            [f"fit reported ({name})", _number(reported), ""],
        ]
        if f"val_{name}" in self.logs:
            lines.append([f"on other rows (val_{name})", _number(self.logs[f"val_{name}"]), "validation data"])
        width = max(len(line[1]) for line in lines)
        return table(["", "", ""], [[a, b.rjust(width), c] for a, b, c in lines]).partition("\n")[2]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    # ------------------------------------------------------------------ elsewhere

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
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
            "batch_norm": None if self.statistics is None else dataclasses.asdict(self.statistics),
            "ok": self.ok,
            "verdict": self.verdict,
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(finite(self.to_dict()), indent=1, ensure_ascii=False, allow_nan=False)

    def draw(self, path: str | os.PathLike[str], name: str = "loss", theme: str = "light") -> None:
        """Write the picture: from what `evaluate` gives, part by part, to what `fit` reported.

        Args:
            path: a file that ends in `.svg`.
            name: the loss, or a metric.
            theme: `"light"` or `"dark"`.

        Raises:
            ValueError: for another ending, an unknown number or theme.
        """
        if not os.fspath(path).lower().endswith(".svg"):
            raise ValueError(f"gap.draw({os.fspath(path)!r}): expected a name that ends in .svg")
        if name not in self.numbers:
            raise ValueError(f"gap.draw(name={name!r}): expected one of {', '.join(map(repr, self.numbers))}")
        pathlib.Path(path).write_text(self._picture(name, theme), encoding="utf-8")

    def _picture(self, name: str, theme: str) -> str:
        reported, said, parts = self.numbers[name]
        title = f"{name}: fit against evaluate on the same {self.rows:,} rows"
        steps = [(part.name, part.value) for part in reversed(parts)]
        return waterfall(title, ("evaluate gives", said), steps, ("fit reported", reported), theme)

    def _repr_html_(self) -> str:
        return self._picture("loss", "light").partition("\n")[2]


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else str(value)


def _signed(value: float) -> str:
    return f"{value:+.4g}" if math.isfinite(value) else str(value)


def _near(file: str) -> str:
    """The file as seen from here, where that is shorter."""
    near = os.path.relpath(file)
    return near if not near.startswith(os.pardir) and len(near) < len(file) else file
