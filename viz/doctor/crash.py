"""What an exception that ended the script tells: labels and shapes that a loss refused."""

from __future__ import annotations

import traceback
from types import FrameType
from typing import Any

import numpy

from eagerflow import losses, metrics
from viz.doctor.facts.host_arrays import number
from viz.doctor.user_code import Place
from viz.doctor.watcher import Watcher
from viz.recorder.source_lines import is_internal

__all__ = ["explain_crash"]

_NAMES = (("target", "output"), ("y_true", "y_pred"))


def explain_crash(error: BaseException, watcher: Watcher) -> None:
    """Report what a refused loss says, unless it was found already."""
    if isinstance(error, ValueError) and "expected class numbers" in str(error):
        watcher.amend("label_range", "the loss refuses them with an error")
    if watcher.has("loss_mismatch", "label_range", "broadcast") or not isinstance(error, ValueError):
        return
    place: Place | None = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if _users(file):
            place = Place(file, line)
        elif "losses" in file or "crossentropy" in file:
            pair = _pair(frame)
            if pair is not None:
                named = str(error).partition(":")[0].partition("(")[0]  # its functions may call others, which raise
                loss = named if named.isidentifier() else frame.f_code.co_name
                _report(watcher, *pair, loss, place, error)
                return


def _users(file: str) -> bool:
    return not is_internal(file) and "runpy" not in file


def _words(error: BaseException) -> str:
    """The first sentence of what an exception says."""
    return str(error).partition("\n")[0][:300].rstrip(".")


def _pair(frame: FrameType) -> tuple[Any, Any] | None:
    for names in _NAMES:
        found = [frame.f_locals.get(name) for name in names]
        if all(hasattr(x, "shape") or isinstance(x, (list, tuple)) for x in found):
            labels, predicted = (numpy.asarray(getattr(x, "data", x)) for x in found)
            return labels, predicted
    return None


def _report(
    watcher: Watcher, labels: numpy.ndarray, predicted: numpy.ndarray, loss: str, place: Place | None, error: ValueError
) -> None:
    classes = predicted.shape[-1] if predicted.ndim else 0
    low, high = (float(labels.min()), float(labels.max())) if labels.size else (0.0, 0.0)
    sparse, refuses = "sparse" in loss, f"{loss} refuses them with an error"
    ends: dict[str, Any] = {"labels": list(labels.shape), "predictions": list(predicted.shape)}
    if sparse and classes > 1 and labels.size * classes == predicted.size and (low < 0 or high >= classes):
        held = watcher.failed_step == "test_step"
        rule, ends = "label_range.held" if held else "label_range.classes", {"lowest": low, "highest": high}
        which = "the labels that the network is evaluated on" if held else "labels"
        words = f"{which} go from {number(low)} to {number(high)}, and {refuses}: its {classes} outputs stand for the "
        words += f"classes 0 to {classes - 1}{', and so do the labels to train with' if held and watcher.total else ''}"
    elif sparse and labels.shape == predicted.shape and classes > 1 and watcher.total:
        rule = "validation_mismatch.form"
        words = f"the labels {labels.shape} that the network is evaluated on are one-hot rows, and those to train with "
        words += f"are class numbers: {refuses}"
    elif labels.shape == predicted.shape:
        return
    elif not sparse and predicted.shape[:-1] == labels.shape[:-1] and labels.ndim > 1:
        rule, s = "loss_mismatch.units", "s" * (classes != 1)
        words = f"the last layer gives {classes} number{s} for each row, but a row of labels has {labels.shape[-1]} "
        words += f"(labels {labels.shape}, predictions {predicted.shape}); {refuses}"
    else:  # all but crossentropies compare number by number
        rule = "loss_mismatch" if "crossentropy" in loss or "cross_entropy" in loss else "loss_mismatch.shapes"
        words = f"{loss} refuses labels {labels.shape} and predictions {predicted.shape} ({_words(error)})"
    if rule.startswith("loss_mismatch") and hasattr(metrics, loss) and not hasattr(losses, loss):
        rule, words = "loss_mismatch.metric", f"the metric {words}" if words.startswith(loss) else words
    watcher.report(rule, "error", words, place=place, evidence=ends)
