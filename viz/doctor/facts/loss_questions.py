"""What a loss of the user's own does is asked of it, by calling it: its name tells nothing."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, no_grad
from eagerflow.core.observe import unobserved
from viz.doctor.facts.host_arrays import values_of
from viz.recorder.source_lines import is_internal

__all__ = ["AMOUNTS", "CROSSENTROPIES", "answer_kind", "function_name", "is_answer_of_own_loss", "is_ours", "loss_kind"]
__all__ += ["own_loss", "value_of"]

AMOUNTS = ("mean_squared_error", "mean_absolute_error")  # losses of these functions are of amounts
CROSSENTROPIES = ("softmax_crossentropy", "sparse_softmax_crossentropy", "sigmoid_crossentropy")  # ops, of logits


def is_ours(loss: Any) -> bool:
    """Is this a loss of eagerflow's, not one that the user wrote?"""
    codes = [getattr(each, "__code__", None) for each in (getattr(loss, "fn", None), getattr(type(loss), "call", None))]
    known = [code for code in codes if code is not None]
    return bool(known) and all(is_internal(code.co_filename) for code in known)


def function_name(loss: Any) -> str:
    """What the function of a loss object is called; empty where it has none with a name."""
    return getattr(getattr(loss, "fn", None), "__name__", "") or ""


def loss_kind(loss: Any) -> str:
    """`"sparse"`, `"categorical"`, `"binary"` or `"other"`, for a loss object.

    What users wrote themselves is "other", whatever its name: only the ops that run in it tell what it computes.
    """
    if not is_ours(loss):
        return "other"
    name = f"{function_name(loss)} {type(loss).__name__}".lower()
    if "crossentropy" not in name and "cross_entropy" not in name:
        return "other"
    return "sparse" if "sparse" in name else "binary" if "binary" in name else "categorical"


def answer_kind(loss: Any) -> str:
    """`"sparse"`, `"categorical"`, `"binary"`, `"mean_squared_error"`, `"mean_absolute_error"`, or empty."""
    if not is_ours(loss) or getattr(loss, "reduction", None) in (None, "none"):
        return ""
    kind = loss_kind(loss)
    function = function_name(loss)
    name = function if kind == "other" else kind
    if kind == "other":
        return name if name in AMOUNTS else ""
    return "" if "focal" in function or getattr(loss, "settings", {}).get("ignore_class") is not None else name


def own_loss(watch: Any) -> Any:
    """The scope of the loss that runs, where the user wrote it; None elsewhere."""
    opened = watch.scopes.innermost("loss")
    return None if opened is None or is_ours(opened.owner) else opened


def is_answer_of_own_loss(watch: Any, x: Any) -> bool:
    """Is this what a running loss of the user's own was given to judge, and nothing that it made of it?"""
    opened = own_loss(watch)
    given = None if opened is None else opened.scope.inputs
    answers = given[1] if isinstance(given, tuple) and len(given) == 2 else None
    key = getattr(x, "key", None)
    return key is not None and key == getattr(answers, "key", None)


def value_of(loss: Any, labels: numpy.ndarray, answers: numpy.ndarray) -> float:
    """The mean loss of these answers; NaN where the loss needs more than labels and answers.

    >>> import eagerflow as ef
    >>> value_of(ef.losses.MeanSquaredError(), numpy.array([[1.0]]), numpy.array([[3.0]]))
    4.0
    """
    try:
        with unobserved(), no_grad(), numpy.errstate(all="ignore"):
            result = loss(Tensor(labels), Tensor(answers))
    except Exception:  # noqa: BLE001  (a loss that needs more than labels and answers can't be asked)
        return float("nan")
    return float(values_of(result).mean())
