"""One recorded step: begun and ended within a running program, and what the page shows of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy

from eagerflow.core import observe
from viz.facts.formatting import clean
from viz.facts.json_data import finite
from viz.facts.schema import Record, Stats, TensorInfo
from viz.facts.selection import variables_of
from viz.livepage.server import hub
from viz.picture import gradient_flow
from viz.recorder.capture import Capture, Options
from viz.recorder.record_builder import build
from viz.recorder.scopes import Joined
from viz.recorder.tensor_stats import measure
from viz.recording import Recording

__all__ = ["Snapshot", "gradient_norm", "histograms", "weights_now"]

MOST_OPS = 200_000  # of a step; what comes after isn't recorded
MOST_TENSORS = hub.MOST_TENSORS // 3  # of each kind in histograms
MOST_NUMBERS = 5_000_000  # of weights that are measured while the program waits for it: some 50 ms


class Snapshot:
    """A step that is being recorded.

    Attributes:
        step: its number among training steps.
        others: how many steps of evaluations and predictions ran before it: with them, it is the number that
            `viz run --steps` takes.
        measures: whether its tensors are measured.
        norm_known: whether the norm of gradients is told beside the recorded steps already.
        is_short: whether its batch isn't whole, as the last one of an epoch: its times aren't those of the others.
        steps: how many training steps it has, as a round of optimizers that take turns may have several.
        usual_ms: how long it takes where it isn't recorded; None where that isn't known.
        model: the name of the model that the step trains; "" in a loop of the user's own.
    """

    def __init__(self, step: int, stats: str, scope: observe.Scope | None, others: int, is_short: bool = False) -> None:
        self.step, self.others, self.is_short = step, others, is_short
        self.measures, self.norm_known = stats != "none", False
        self.steps = 1
        self.usual_ms: float | None = None
        self.model = clean(getattr(scope.owner, "name", ""), 120) if scope is not None else ""
        self._capture = Capture(Options(stats=stats, max_ops=MOST_OPS))
        self._capture.start(None)
        self._joined = Joined(self._capture, scope)

    def end(self, outputs: Any = None, error: BaseException | None = None) -> None:
        """The step is over; nothing more is recorded."""
        self._joined.end_scope(outputs, error)
        self._capture.stop()
        self._joined.leave()

    def recording(self) -> Recording:
        """What was recorded; takes a while, in whichever thread wants it."""
        found = Recording.pending()
        record = build(self._capture)
        if self.usual_ms is not None:
            record.meta["untraced_step"] = {"duration": round(self.usual_ms * 1e6), "round": self.steps}
        found.fill(record)
        return found


def histograms(record: Record, paths: frozenset[str] | None = None) -> tuple[list[list[Any]], int]:
    """The distributions in a recorded step.

    Returns:
        Rows `[kind, name, low, high, counts, mean, std, nan, inf]`, where kind is `"weights"`, `"gradients"` or
        `"activations"`; and how many tensors were left out because there are too many.
    """
    rows, left_out = [], 0
    for kind, found in (("weights", _weights), ("gradients", _gradients), ("activations", _activations)):
        named = {name: t.stats for name, t in found(record) if t.stats is not None}
        if paths is not None and kind != "activations":
            named = {name: stats for name, stats in named.items() if name in paths}
        left_out += max(0, len(named) - MOST_TENSORS)
        rows += [_row(kind, name, stats) for name, stats in list(named.items())[:MOST_TENSORS]]
    return rows, left_out


def weights_now(weights: Iterable[Any]) -> list[list[Any]]:
    """Rows, as of `histograms`, of weights as they are now; of none where measuring them would take long."""
    found = [w for w in weights if isinstance(w.data, numpy.ndarray) and "float" in str(w.dtype)]
    if sum([w.data.size for w in found]) > MOST_NUMBERS:
        return []
    measured = [(w.path, measure(w.data, "full")) for w in found[:MOST_TENSORS]]
    return [_row("weights", name, stats) for name, stats in measured if stats is not None]


def _row(kind: str, name: str, stats: Stats) -> list[Any]:
    numbers = [stats.min, stats.max, list(stats.histogram), stats.mean, stats.std, stats.nan, stats.inf]
    return finite([kind, clean(name, 160), *numbers])


def _weights(record: Record) -> Iterator[tuple[str, TensorInfo]]:
    for first in dict.fromkeys(variables_of(record).values()):
        tensor = record.tensors[first]
        # State that training moves, too, such as the averages of a BatchNormalization; seeds aren't floating.
        is_average = tensor.role == "state" and "float" in tensor.dtype
        if tensor.name and (tensor.role == "parameter" or is_average):
            yield tensor.name, tensor


def _gradients(record: Record) -> Iterator[tuple[str, TensorInfo]]:
    """The last measured gradient of each variable is the sum of its parts."""
    variables = variables_of(record)
    for tensor in record.tensors:
        of = variables.get(-1 if tensor.gradient_of is None else tensor.gradient_of)
        if of is not None and tensor.stats is not None and record.tensors[of].name:
            yield record.tensors[of].name, tensor


def _activations(record: Record) -> Iterator[tuple[str, TensorInfo]]:
    for scope in record.scopes:
        if scope.kind == "layer" and scope.outputs:
            yield record.path(scope.id), record.tensors[scope.outputs[0]]


def gradient_norm(record: Record) -> float | None:
    """The L2 norm of all gradients together; None where there is none."""
    try:
        rows = gradient_flow.gradient_flow(record).rows
    except ValueError:  # no backward pass, or nothing was measured
        return None
    return math.sqrt(sum([row.gradient**2 for row in rows]))
