"""`unreset_metric`: a metric in a loop of the user's own that goes on counting from epoch to epoch."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import Any, NamedTuple

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.source_calls import tree_of
from viz.doctor.user_code import Place, user_frames

__all__ = ["ReadByEpoch", "UnresetMetrics", "read_by_epoch"]

_METRICS_FOLLOWED = 16  # in custom loops
_METRIC_EPOCHS = 2  # through which one goes on counting

_EPOCH = re.compile(r"\w*epochs?\w*|_?ep?_?(i|idx|nr|no|num)?", re.IGNORECASE)
_RESETS = ("reset_state", "reset_states")


class ReadByEpoch(NamedTuple):
    """A metric that is updated in a loop within one over epochs, and read behind that inner loop."""

    metric: str  # as it stands in the code
    epoch: str  # the variable of the outer loop
    line: int  # on which it is read
    outer: ast.For


class _Followed:
    """A metric whose updates are followed."""

    def __init__(self, metric: Any, read: ReadByEpoch | None, file: str) -> None:
        self.metric, self.read, self.file = metric, read, file
        self.updates = 0
        self.begun = 0  # how often it was updated when nothing had been counted yet
        self.epochs: list[Any] = []  # different values of the outer loop's variable


class UnresetMetrics(Check):
    """Looks whether a metric was ever back at 0 when an update began, in several epochs."""

    rules = {
        "unreset_metric": Rule(
            "warning",
            "{metric}.result() is read in each {epoch}, but the metric is never set back: it counts all rows since "
            "training began ({updates} updates in {epochs} epochs looked at), so it tells of the network as it was on "
            "the way, not as it is now",
            "Set it back where each epoch begins, metric.reset_state(), right after its result was read.",
        )
    }

    always = ("on_scope_begin",)
    begins = ("metric",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._followed: dict[int, _Followed] = {}

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.inside("step", "loss", "layer", "model"):
            return
        found = self._followed.get(id(opened.owner))
        if found is None:
            if len(self._followed) >= _METRICS_FOLLOWED:
                return
            found = self._followed[id(opened.owner)] = self._meet(opened.owner)
        if found.read is None or len(found.epochs) > _METRIC_EPOCHS:
            return
        found.updates += 1
        found.begun += _at_0(opened.owner)
        now = [f.f_locals[found.read.epoch] for f in user_frames() if found.read.epoch in f.f_locals]
        if now and isinstance(now[0], int) and now[0] not in found.epochs:
            found.epochs.append(now[0])

    def _meet(self, metric: Any) -> _Followed:
        for frame in user_frames():
            read = read_by_epoch(frame.f_code.co_filename, frame.f_lineno)
            if read is not None:
                return _Followed(metric, read, frame.f_code.co_filename)
        return _Followed(metric, None, "")

    def finish(self) -> None:
        """Judge those that went through several epochs."""
        for found in self._followed.values():
            if found.read is None or len(found.epochs) < _METRIC_EPOCHS or found.begun > 1:
                continue
            read, key = found.read, ("unreset_metric", found.read.line, found.read.metric)
            numbers = {"updates": found.updates, "epochs": len(found.epochs), "resets": found.begun}
            about = {"place": Place(found.file, read.line), "metric": read.metric, "epoch": read.epoch}
            self.tell("unreset_metric", key=key, **about, **numbers)


def _at_0(metric: Any) -> bool:
    """Has nothing been counted?"""
    variables = metric.variables
    return bool(variables) and not any(host(v.data).any() for v in variables)


def read_by_epoch(file: str, line: int) -> ReadByEpoch | None:
    """What a line updates in a loop within a loop over epochs, where it is read behind the inner loop; else None.

    A metric that the code sets back within the outer loop by name, or makes anew there, is left out.
    """
    tree = tree_of(file)
    if tree is None:
        return None
    names = _updated_on(tree, line)
    lines = [line]
    inner = max((f for f in _all(tree, ast.FunctionDef) if _holds(f, line)), key=lambda f: f.lineno, default=None)
    if inner is not None:
        lines += [call.lineno for call in _all(tree, ast.Call) if _text(call.func).split(".")[-1] == inner.name]
    for at in lines:
        around = sorted((loop for loop in _all(tree, ast.For, ast.While) if _holds(loop, at)), key=lambda n: n.lineno)
        for outer, within in pairwise(around):
            target = _text(getattr(outer, "target", None))
            if not isinstance(outer, ast.For) or not _EPOCH.fullmatch(target):
                continue
            behind = [call for call in _all(outer, ast.Call) if call.lineno > (within.end_lineno or at)]
            for name in names:
                read = [c.lineno for c in behind if _text(c.func) == f"{name}.result"]
                if read and not _set_back(outer, name):
                    return ReadByEpoch(name, target, read[0], outer)
    return None


def _updated_on(tree: ast.Module, line: int) -> list[str]:
    """What is called, or whose `update_state` is, on a line."""
    calls = [call for call in _all(tree, ast.Call) if call.lineno <= line <= (call.end_lineno or call.lineno)]
    return [_text(call.func).removesuffix(".update_state") for call in calls if _text(call.func)]


def _set_back(outer: ast.For, name: str) -> bool:
    """Is it set back, or made anew, within this loop?"""
    resets = any(_text(call.func) in [f"{name}.{way}" for way in _RESETS] for call in _all(outer, ast.Call))
    return resets or any(_text(target) == name for made in _all(outer, ast.Assign) for target in made.targets)


def _all(node: ast.AST, *kinds: Any) -> list[Any]:
    return [each for each in ast.walk(node) if isinstance(each, kinds)]


def _holds(node: Any, line: int) -> bool:
    return bool(node.lineno <= line <= (node.end_lineno or node.lineno))


def _text(node: Any) -> str:
    """A name as it stands in the code, `self.accuracy`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{_text(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) and _text(node.value) else ""
