"""`validation_mismatch.numbers`: rows of the validation data whose classes are numbered otherwise."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host
from viz.doctor.checks.answers import answer_kind, said_and_right
from viz.doctor.checks.endings import running_fit

__all__ = ["Renumbered", "moved_classes"]


class _Block(NamedTuple):
    """The answers of one evaluation, and what was right."""

    total: int
    validates: bool
    place: Any
    pairs: list[tuple[numpy.ndarray, numpy.ndarray]]


class Renumbered(Check):
    """Compares the answers outside of training with the labels there.

    A network that answers rows it was trained with rightly, and nearly all others of one class with the same other
    class, has learnt to tell the classes apart: it is their numbers, or what the inputs are, that differ.
    """

    always = ("on_scope_begin",)
    begins = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._trained: deque[tuple[numpy.ndarray, numpy.ndarray]] = deque(maxlen=limits.RENUMBERED_BATCHES)
        self._block: _Block | None = None

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        predicted = given[1] if isinstance(given, tuple) and len(given) == 2 else None
        if not isinstance(predicted, Tensor) or predicted.data.size > limits.ANSWER_SIZE:
            return
        trains = predicted.key is not None
        if trains and not self.watch.heavy:
            return
        kind = answer_kind(opened.owner)
        labels = given[0].data if isinstance(given[0], Tensor) else given[0]
        if kind not in ("sparse", "categorical", "binary") or not hasattr(labels, "dtype"):
            return
        if trains:
            self._keep(self._trained, opened.owner, kind, labels, predicted)
            return
        if self._block is None or self._block.total != self.watch.total:
            self._block = _Block(self.watch.total, running_fit() is not None, self.watch.called_at(), [])
        if len(self._block.pairs) < limits.ANSWERS_MORE:
            self._keep(self._block.pairs, opened.owner, kind, labels, predicted)

    def _keep(self, pairs: Any, loss: Any, kind: str, labels: Any, predicted: Tensor) -> None:
        found = said_and_right(loss, kind, host(labels), host(predicted.data))
        if found is not None and len(found[0]) == len(found[1]):
            pairs.append(found)

    def finish(self) -> None:
        """Judge the last evaluation."""
        block = self._block
        if block is None or not block.pairs or not self._trained or self.watch.training.turns:
            return
        right, said = (numpy.concatenate(part) for part in zip(*self._trained))
        if len(right) < limits.RENUMBERED_ROWS or float((right == said).mean()) < limits.RENUMBERED_LEARNT:
            return
        right, said = (numpy.concatenate(part) for part in zip(*block.pairs))
        moved = moved_classes(right, said)
        if not moved or "validation_mismatch.shifted" in [each.rule for each in self.watch.raw("validation_mismatch")]:
            return
        few = len(numpy.unique(right)) == 2  # two that change places may be rows that were made to deceive the network
        words = ", ".join([f"{share:.0%} of those of class {a} with class {b}" for a, b, share in moved[:3]])
        which = "validation rows" if block.validates else "rows that it is evaluated on"
        self.watch.report(
            "validation_mismatch.numbers",
            "info" if few and not block.validates else "warning",
            f"the network tells the classes of the {which} apart, but under other numbers: it answers {words}"
            f"{' and so on' if len(moved) > 3 else ''}; rows to train with it answers rightly",
            place=block.place,
            key=("validation_mismatch", "numbers"),
            evidence={"rows": len(right), "classes": len(moved), "right": float((right == said).mean())},
        )


def moved_classes(right: numpy.ndarray, said: numpy.ndarray) -> list[tuple[int, int, float]]:
    """Classes that are nearly always answered with another one, each with its own; empty where nothing shows that.

    >>> right = numpy.arange(60) % 3
    >>> moved_classes(right, (right + 1) % 3)
    [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)]
    >>> moved_classes(right, right)
    []
    """
    if len(right) < limits.RENUMBERED_ROWS:
        return []
    answers: dict[int, int] = {}
    shares: dict[int, float] = {}
    agree = away = 0
    for name in numpy.unique(right):
        names, counts = numpy.unique(said[right == name], return_counts=True)
        most = int(counts.argmax())
        answers[int(name)] = int(names[most])
        shares[int(name)] = float(counts[most] / counts.sum())
        agree += int(counts[most])
        away += int(counts.sum()) if names[most] != name else 0
    each_its_own = len(set(answers.values())) == len(answers) > 1
    clear = agree >= limits.RENUMBERED_AGREE * len(right) and away >= limits.RENUMBERED_MOVED * len(right)
    if not each_its_own or not clear:
        return []
    return [(a, b, shares[a]) for a, b in answers.items() if a != b]
