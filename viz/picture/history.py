"""The picture of what `fit` returns: a chart for each metric, training beside validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from viz.facts.formatting import clean
from viz.picture.charts.curves import Curve, Panel, charts_on_any_ground

__all__ = ["history_charts"]

_MOST = 24  # charts


def history_charts(history: Mapping[str, Sequence[Any]], epochs: Sequence[int]) -> str:
    """The curves of a training as HTML; empty text where there is no number.

    Args:
        history: a list of numbers for each metric, as `History.history` has it.
        epochs: the numbers of the epochs, from 0.
    """
    panels = list(_panels(history, epochs))[:_MOST]
    return charts_on_any_ground(panels) if panels else ""


def _panels(history: Mapping[str, Sequence[Any]], epochs: Sequence[int]) -> Iterator[Panel]:
    names = [name for name in history if not (name.startswith("val_") and name[4:] in history)]
    names.sort(key=lambda name: (name.removeprefix("val_") != "loss", name == "learning_rate"))
    for name in names:
        role = "validation" if name.startswith("val_") else "other" if name == "learning_rate" else "train"
        pair = [Curve(name if role == "other" else role, _points(history[name], epochs), role)]
        pair += [Curve("validation", _points(history.get(f"val_{name}", ()), epochs), "validation")]
        found = [curve for curve in pair if curve.points]
        if found:
            yield Panel(clean(name, 60), found)


def _points(values: Sequence[Any], epochs: Sequence[int]) -> list[tuple[float, float]]:
    """Pairs of epoch and value. A metric that came late, or only now and then, ends with the last epoch."""
    known = epochs if len(epochs) >= len(values) else range(len(values))
    found = []
    for epoch, value in zip(known[len(known) - len(values) :], values):
        try:
            found.append((float(epoch + 1), float(value)))
        except (TypeError, ValueError):  # a list of numbers for each class, say
            continue
    return found
