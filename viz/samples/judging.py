"""What a sample's label and the model's answers say about each other."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

__all__ = ["Classes", "as_chances", "classes_of", "far_off", "likely_wrong", "sureness"]

_LEAST = 0.4  # the chance that a class must have to be rather meant: below, a network has learned too little to tell
_BEYOND = 1.3  # times what each class has by chance, which counts where there are few
_FAR = 10.0  # times the distance between the quartiles: of squared normal errors two in ten thousand are so far above


@dataclasses.dataclass
class Classes:
    """Samples of classes."""

    labels: numpy.ndarray  # the class that each sample is said to have
    chances: numpy.ndarray  # what the model makes of it: for each sample a number per class, adding up to 1

    @property
    def predicted(self) -> numpy.ndarray:
        """The class that the model takes each sample for."""
        found: numpy.ndarray = self.chances.argmax(axis=1)
        return found


def as_chances(outputs: numpy.ndarray, loss: Any) -> numpy.ndarray:
    """Outputs of a classifier as chances: of one column that of yes, of several one for each class."""
    settings, one = loss.get_config() if hasattr(loss, "get_config") else {}, outputs.shape[1] == 1
    within = (outputs <= 1).all() if one else numpy.allclose(outputs.sum(axis=1), 1, atol=1e-2)
    if not settings.get("from_logits") and within and (outputs >= 0).all():
        return outputs
    powers = numpy.exp(numpy.clip(outputs, -60, 60) if one else outputs - outputs.max(axis=1, keepdims=True))
    found: numpy.ndarray = powers / (1 + powers if one else powers.sum(axis=1, keepdims=True))
    return found


def classes_of(targets: numpy.ndarray, outputs: numpy.ndarray, loss: Any, chances: bool = False) -> Classes | None:
    """The classes, where targets are classes; None where they are numbers.

    Outputs (or their means) may be `chances` already, whatever the loss was given.
    """
    outputs = outputs.reshape(len(outputs), -1) if outputs.ndim == 1 else outputs
    if outputs.ndim != 2:
        return None
    flat = targets.reshape(len(targets), -1).astype("float64")
    columns, name = outputs.shape[1], type(loss).__name__ + str(getattr(loss, "name", "")).lower()
    whole = bool((flat == numpy.round(flat)).all())
    if columns == 1:
        if flat.shape[1] != 1 or not whole or not set(numpy.unique(flat)) <= {-1.0, 0.0, 1.0}:
            return None
        if not any(word in name.lower() for word in ("binary", "hinge", "sigmoid")):
            return None
        yes = (outputs if chances else as_chances(outputs, loss))[:, 0]
        return Classes((flat[:, 0] > 0).astype(int), numpy.stack([1 - yes, yes], axis=1))
    if flat.shape[1] == 1 and whole and flat.min() >= 0 and flat.max() < columns:
        labels = flat[:, 0].astype(int)
    elif flat.shape[1] == columns and numpy.allclose(flat.sum(axis=1), 1, atol=1e-4) and flat.min() >= 0:
        labels = flat.argmax(axis=1)
    else:
        return None
    return Classes(labels, outputs if chances else as_chances(outputs, loss))


def likely_wrong(classes: Classes) -> numpy.ndarray:
    """Which labels are likely wrong: the model finds another class at least as sure as that class usually is.

    Source: confident learning, C. Northcutt, L. Jiang, I. Chuang (2021), https://arxiv.org/abs/1911.00068: a class's
    own threshold is the mean chance of it among the samples that are labelled so.
    """
    labels, chances = classes.labels, classes.chances
    limits = numpy.full(chances.shape[1], numpy.inf)
    for label in numpy.unique(labels):
        limits[label] = chances[labels == label, label].mean()
    least = max(_LEAST, _BEYOND / chances.shape[1])
    sure = numpy.where((chances >= limits) & (chances >= least), chances, -1.0)
    rows = numpy.arange(len(labels))
    best = sure.argmax(axis=1)
    found: numpy.ndarray = (sure[rows, best] > 0) & (best != labels) & (chances[rows, best] > chances[rows, labels])
    return found


def sureness(classes: Classes) -> float:
    """How sure the model is of its answers, on average: about as often should they be right.

    >>> sureness(Classes(numpy.array([0, 1]), numpy.array([[0.9, 0.1], [0.4, 0.6]])))
    0.75
    """
    return float(classes.chances.max(axis=1).mean())


def far_off(losses: numpy.ndarray) -> numpy.ndarray:
    """Which samples of a regression have a loss far beyond the others'."""
    low, high = numpy.percentile(losses, [25, 75])
    found: numpy.ndarray = losses > high + _FAR * max(high - low, 1e-12)
    return found
