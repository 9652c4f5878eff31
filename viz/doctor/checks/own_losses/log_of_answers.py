"""`nonfinite.log_answers`: the logarithm of answers that are no chances, as their layer has no activation."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.loss_questions import labels_and_answers

__all__ = ["layer_of_logits"]

_CLEARLY_BELOW = 1e-3  # 0, of what logarithms are taken of
_SOME_BELOW = 0.01  # of answers: chances never are, whatever is rounded
_ADDED_TO_LOGS = 1e-2  # before a logarithm, so that it isn't that of 0

_CHANCES = ("softmax", "sigmoid", "hard_sigmoid")


def layer_of_logits(watch: Any, given: Any) -> Any:
    """The layer whose answers, some of them below 0, a logarithm is taken of in a loss; None where it isn't so.

    A small number may be added first, and the answers may be taken from 1.

    Args:
        watch: the program.
        given: what the logarithm is taken of.
    """
    if watch.inside("layer", "model", "metric") or not isinstance(given, Tensor):
        return None
    around = next((opened for opened in watch.scopes if opened.kind == "loss"), None)
    pair = None if around is None else labels_and_answers(around)
    answers = given if pair is None else pair[1]
    found = watch.origin(answers)
    if found is None or found.layer is None or found.made_by in _CHANCES:
        return None
    values, logs = host(answers.data), host(given.data)
    if values.size != logs.size or float((values < -_CLEARLY_BELOW).mean()) < _SOME_BELOW:
        return None
    flat, taken = values.reshape(-1), logs.reshape(-1)
    near = [numpy.abs(taken - each).max() <= _ADDED_TO_LOGS for each in (flat, 1 - flat)]
    return found.layer if any(near) else None
