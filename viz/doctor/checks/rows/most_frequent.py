"""`not_learning`: an accuracy that is the fraction of the most frequent class, epoch after epoch."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.fit_arrays import labels_of

__all__ = ["MostFrequent", "classes_of"]

_MOST_FREQUENT_EPOCHS = 5  # at the end, in which the accuracy is the share of one class
_MOST_FREQUENT_SHARE = 0.8  # and in this part of all: it is so from the beginning, or nearly

_ACCURACIES = ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
_EXPLAIN = ("class_imbalance", "not_learning", "constant_output", "nonfinite", "loss_mismatch", "label_range")

_FIXES = {
    "class_imbalance.single": (
        "Look at how the labels are made: compared with text that has other spaces or capitals, or cut out of rows "
        "that are sorted by class?"
    ),
    "not_learning.one_class": (
        "Such an accuracy says that no rows are told apart yet. Try a learning rate ten times higher and inputs around "
        "±1; see whether a few rows can be learnt by heart; where other classes are rare, give fit class_weight={...}."
    ),
}


class MostFrequent(Check):
    """Compares the accuracies of the last `fit` with the shares of classes.

    It is what most networks end with on data of which one class has most rows.
    """

    fixes = _FIXES

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._fit: Any = None
        self._place: Any = None
        self._began = self._fits = 0
        self._accuracies: list[float] = []  # by epoch

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        name = next((name for name in _ACCURACIES if name in logs), None) if kind == "epoch" else None
        fit = running_fit() if name is not None else None
        if name is None or fit is None:
            return
        if fit is not self._fit:
            self._fit, self._place, self._accuracies = fit, self.watch.called_at(), []
            self._began = self.watch.number
            self._fits += 1
        self._accuracies.append(float(logs[name]))

    def finish(self) -> None:
        """Judge the last `fit`; the accuracies where nothing else says what is wrong with its answers."""
        labels = labels_of(self._fit.feed) if self._accuracies else None
        classes = None if labels is None else classes_of(labels)
        if classes is None:
            return
        names, counts = numpy.unique(classes, return_counts=True)
        if len(names) == 1 and len(classes) >= limits.ORDER_ROWS and self._fits == 1:  # others may have had others
            self._single(int(names[0]), len(classes))
        if len(self._accuracies) < _MOST_FREQUENT_EPOCHS or self.watch.raw(*_EXPLAIN):
            return
        share, rows = float(counts.max() / counts.sum()), int(counts.sum())
        equal = [abs(accuracy - share) * rows < 0.5 for accuracy in self._accuracies]
        enough = sum(equal) >= _MOST_FREQUENT_SHARE * len(equal) and all(equal[-_MOST_FREQUENT_EPOCHS:])
        if len(names) < 2 or not enough:
            return
        most, steps = int(names[counts.argmax()]), self.watch.number - self._began
        self.watch.report(
            "not_learning.one_class",
            "info",  # the loss may be on its way
            f"the accuracy is {share:.4g} in {'all' if all(equal) else f'{sum(equal)} of'} {len(equal)} epochs and in "
            f"the end: exactly the share of class {most} among the {rows} labels, so the network answers class {most} "
            "for every row",
            place=self._place,
            key=("not_learning", "accuracy"),
            evidence={"loss": share, "constant_answer": share, "steps": steps, "rows": rows},
        )

    def _single(self, name: int, rows: int) -> None:
        """There is nothing to tell apart."""
        self.watch.report(
            "class_imbalance.single",
            "warning",
            f"all {rows} labels are {name}: the network learns that one answer, whatever it is shown",
            place=self._place,
            key=("class_imbalance", "single"),
            evidence={"share": 1.0, "recall_of_others": 0.0, "rows": rows},
        )


def classes_of(labels: numpy.ndarray) -> numpy.ndarray | None:
    """The class of each row; None where rows have none."""
    if labels.ndim == 2 and labels.shape[1] > 1:
        one_hot = bool(((labels == 0) | (labels == 1)).all()) and bool((labels.sum(axis=1) == 1).all())
        return labels.argmax(axis=1) if one_hot else None
    whole = labels.size == len(labels) and (labels.dtype.kind in "iub" or bool((labels == numpy.floor(labels)).all()))
    return labels.reshape(-1).astype(int) if whole else None
