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
    """Report what a refused loss says, unless it was found already; and what a layer or a tape refuses."""
    watcher.hear_crash(error)
    if isinstance(error, TypeError):
        _explain_bytes(error, watcher)
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
                _report(watcher, *pair, _loss_of(error, frame), place, error)
                return


def _explain_bytes(error: TypeError, watcher: Watcher) -> None:
    """Pixels as bytes, where floats are wanted: casting alone would leave them from 0 to 255."""
    if "expected floats; got uint8" not in str(error):
        return
    frames = traceback.walk_tb(error.__traceback__)
    lines = [Place(f.f_code.co_filename, line) for f, line in frames if _users(f.f_code.co_filename)]
    watcher.report(
        "unscaled_input",
        "error",
        f"the inputs are bytes from 0 to 255, and the first layer refuses them ({_words(error)})",
        place=lines[-1] if lines else None,
        evidence={"rms": 255.0, "lowest": 0.0, "highest": 255.0},
    )


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


def _loss_of(error: BaseException, frame: FrameType) -> str:
    """The name of the loss: its messages begin with it; its functions may call others, which raise."""
    named = str(error).partition(":")[0].partition("(")[0]
    return named if named.isidentifier() else frame.f_code.co_name


def _report(
    watcher: Watcher, labels: numpy.ndarray, predicted: numpy.ndarray, loss: str, place: Place | None, error: ValueError
) -> None:
    classes = predicted.shape[-1] if predicted.ndim else 0
    low, high = (float(labels.min()), float(labels.max())) if labels.size else (0.0, 0.0)
    known = ", and so do the labels to train with" if watcher.total else ""
    fits = classes > 1 and labels.size * classes == predicted.size
    if "sparse" in loss and fits and (low < 0 or high >= classes) and watcher.failed_step == "test_step":
        watcher.report(
            "label_range.held",
            "error",
            f"the labels that the network is evaluated on go from {number(low)} to {number(high)}, and {loss} refuses "
            f"them with an error: its {classes} outputs stand for the classes 0 to {classes - 1}{known}",
            place=place,
            evidence={"lowest": low, "highest": high},
        )
    elif "sparse" in loss and fits and (low < 0 or high >= classes):
        watcher.report(
            "label_range.classes",
            "error",
            f"labels go from {number(low)} to {number(high)}, but {classes} outputs stand for the classes 0 to "
            f"{classes - 1}; the loss refuses them with an error",
            place=place,
            evidence={"lowest": low, "highest": high},
        )
    elif "sparse" in loss and labels.shape == predicted.shape and classes > 1 and watcher.total:
        watcher.report(
            "validation_mismatch.form",
            "error",
            f"the labels {labels.shape} that the network is evaluated on are one-hot rows, and those to train with are "
            f"class numbers: {loss} refuses them with an error",
            place=place,
            evidence=_shapes(labels, predicted),
        )
    elif labels.shape != predicted.shape:
        units = "sparse" not in loss and predicted.shape[:-1] == labels.shape[:-1] and labels.ndim > 1
        if units:
            wanted = labels.shape[-1]
            words = (
                f"the last layer gives {classes} number{'s' * (classes != 1)} for each row, but a row of labels has "
                f"{wanted} (labels {labels.shape}, predictions {predicted.shape}); {loss} refuses them with an error"
            )
        else:
            words = f"{loss} refuses labels {labels.shape} and predictions {predicted.shape} ({_words(error)})"
        if _is_metric(loss):
            words = f"the metric {words}" if words.startswith(loss) else words
            watcher.report("loss_mismatch.metric", "error", words, place=place, evidence=_shapes(labels, predicted))
            return
        watcher.report(
            "loss_mismatch.units" if units else "loss_mismatch.shapes" if _compares(loss) else "loss_mismatch",
            "error",
            words,
            place=place,
            evidence=_shapes(labels, predicted),
        )


def _is_metric(name: str) -> bool:
    """Is it a metric's name alone? What has both names is taken for the loss."""
    return hasattr(metrics, name) and not hasattr(losses, name)


def _shapes(labels: numpy.ndarray, predicted: numpy.ndarray) -> dict[str, Any]:
    return {"labels": list(labels.shape), "predictions": list(predicted.shape)}


def _compares(loss: str) -> bool:
    """Does it compare number by number? All but crossentropies do."""
    return "crossentropy" not in loss and "cross_entropy" not in loss
