"""`loss_sign.policy`: a policy gradient that makes actions less likely, the more they brought."""

from __future__ import annotations

import linecache
import re
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first, first_gradient, host, number
from viz.doctor.user_code import Place

__all__ = ["PolicySign"]

_KEEPS = {"multiply": 1, "sum": 1, "take_index": 1, "reshape": 1, "negative": -1, "add": 1, "clip": 1, "maximum": 1}
_CROSSENTROPIES = ("sparse_softmax_crossentropy", "softmax_crossentropy")  # minus the logarithm of a chance

_REWARDS = re.compile(r"\b(\w*_)?(adv|advantages?|rewards?|returns?)(_\w+)?\b", re.IGNORECASE)


class PolicySign(Check):
    """Follows log-probabilities to where each row's is multiplied by a number, and hears which way the loss goes.

    Whether those numbers are rewards or costs, only their name tells, where the line multiplies by it: `advantages`,
    say. Else it is no more than a hint, and only where they have become smaller, as training asks of costs.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._logarithms: dict[int, int] = {}  # by key, with the sign that they have there
        self._chances: set[int] = set()
        self._products: dict[int, tuple[int, numpy.ndarray, Place | None]] = {}
        self._factors: list[tuple[int, float]] = []  # by step: their mean
        self._always = True
        self._place: Place | None = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        key = outputs.key if isinstance(outputs, Tensor) else None
        if key is None or error is not None:
            return
        if self.watch.inside("layer", "model", "metric"):
            if op.name == "softmax":  # the last activation of a policy; that of an attention is never followed by a log
                self._chances.add(key)
            return
        if op.name == "log_softmax" or op.name in _CROSSENTROPIES:
            self._logarithms[key] = 1 if op.name == "log_softmax" else -1
        elif op.name == "softmax":
            self._chances.add(key)
        given = next((x for x in inputs if isinstance(x, Tensor) and x.key is not None), None)
        if given is None:
            return
        if given.key in self._chances:
            if op.name == "log":
                self._logarithms[key] = 1
            elif op.name in _KEEPS:
                self._chances.add(key)
        sign = self._logarithms.get(given.key or -1)
        if sign is not None and op.name == "multiply" and outputs.data.ndim == 1:
            self._weigh(key, sign, [x for x in inputs if x is not given], len(outputs.data))
        elif sign is not None and op.name in _KEEPS and outputs.data.ndim:
            self._logarithms[key] = sign * _KEEPS[op.name]

    def _weigh(self, key: int, sign: int, others: list[Any], rows: int) -> None:
        values = host(others[0].data) if others and isinstance(others[0], Tensor) and others[0].key is None else None
        values = others[0] if others and isinstance(others[0], numpy.ndarray) else values
        if values is not None and values.shape == (rows,) and rows > 1 and values.dtype.kind in "fiu":
            self._products[key] = sign, values.astype("float64"), self.watch.own_line() or self.watch.place()
        else:
            self._logarithms[key] = sign

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        found = self._products.pop(first(out_keys), None)
        if found is None:
            return
        values = first_gradient(gradients) * found[0]
        if values.size and values.min() > 0:
            self._factors.append((self.watch.step, float(found[1].mean())))
            self._place = found[2]
        else:
            self._always = False

    def on_step_end(self) -> None:
        for each in (self._logarithms, self._chances, self._products):
            each.clear()

    def finish(self) -> None:
        """Did what the actions brought become less?"""
        means = numpy.array([mean for _, mean in self._factors])
        if not self._always or len(means) < limits.POLICY_STEPS or not numpy.isfinite(means).all():
            return
        name = _reward_in(self._place)
        if name:
            self._tell_named(name, means)
            return
        first, last = means[: len(means) // 4], means[-len(means) // 4 :]
        noise = float(numpy.hypot(first.std() / len(first) ** 0.5, last.std() / len(last) ** 0.5))
        if first.mean() - last.mean() <= limits.TRIPLET_NOISE * noise:
            return
        self._tell_fallen(first, last, len(means))

    def _tell_named(self, name: str, means: numpy.ndarray) -> None:
        self.watch.report(
            "loss_sign.policy",
            "warning",
            f"the loss grows with the logarithm of each chosen chance times {name!r}, and training makes the loss "
            f"small: so it makes those actions less likely whose {name!r} is large, and the others more likely",
            place=self._place,
            key=("loss_sign", "policy"),
            evidence={"perfect": float(means[0]), "now": float(means[-1]), "steps": len(means)},
        )

    def _tell_fallen(self, first: numpy.ndarray, last: numpy.ndarray, steps: int) -> None:
        self.watch.report(
            "loss_sign.policy",
            "info",
            "the loss grows with the logarithm of each chosen chance times a number of its row, so training makes less "
            f"likely what has the larger numbers. These have fallen from {number(float(first.mean()))} on average to "
            f"{number(float(last.mean()))} in {self.watch.counted(self.watch.step)}: right for costs, wrong for "
            "rewards",
            place=self._place,
            key=("loss_sign", "policy"),
            evidence={"perfect": float(first.mean()), "now": float(last.mean()), "steps": steps},
        )


def _reward_in(place: Place | None) -> str:
    """The name on a line that says that larger is better; empty for none, and where the line turns a sign itself."""
    code = linecache.getline(place.file, place.line) if place is not None else ""
    found = _REWARDS.search(code)
    return found[0] if found is not None and "-" not in code else ""
