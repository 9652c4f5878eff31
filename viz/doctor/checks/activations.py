"""`dead_relu` and `saturated`: units that are always off, or always at the end of their range."""

from __future__ import annotations

import statistics
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import finite, host, number, tensors, tracked
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place

__all__ = ["DeadRelu", "Saturated"]

_DEAD_SHARE = 0.7  # of a layer's units; trained networks often have 10 to 30 % units that never fire
_DEAD_SURE = 0.8  # a warning from here on, a hint below: half may be silent by their signs alone, and a few die early
_DEAD_UNITS = 8  # with fewer, chance alone may silence most of them: only all of them count
_DEAD_ROWS = 64  # a unit that is silent on fewer rows than this may simply not have met its pattern
_AT_END = (
    0.01  # this near the end of its range, tanh's slope is 0.02, a sigmoid's 0.01, and one class of softmax has all
)
_SATURATED_LOSS = 1.0  # a crossentropy above 1 means less than 37 % for the right class, on average


class _Units:
    """The units of one relu, over the steps of a window."""

    def __init__(self, layer: Any, place: Place | None) -> None:
        self.layer, self.place = layer, place
        self.alive: Any = None  # by unit, an array
        self.rows = 0
        self.steps = 0
        self.last_step = -1

    def add(self, values: numpy.ndarray, step: int) -> None:
        rows = values.reshape(-1, values.shape[-1])
        alive = (rows > 0).any(axis=0)
        if self.alive is None or self.alive.shape != alive.shape:
            self.alive, self.rows, self.steps = alive, 0, 0
        else:
            self.alive |= alive
        self.rows += len(rows)
        if step != self.last_step:
            self.steps, self.last_step = self.steps + 1, step


def _is_relu(op: Any, inputs: Any) -> bool:
    """relu, relu6, or somebody's `maximum(x, 0)`."""
    plain = [x for x in inputs if isinstance(x, (int, float))]
    return op.means == "relu" or (op.means, plain) in (("maximum", [0]), ("clip", [0, 6]))


class DeadRelu(Check):
    """Units of a relu that were 0 for every row of a window of steps."""

    rules = {
        "dead_relu": Rule.warning(
            "{dead} of {units} units of {whose} were 0 for all {rows} rows of {steps!c}: {effect}",
            "Lower the learning rate, scale the inputs to about ±1, begin with biases of 0, or use leaky_relu.",
        )
    }

    always = ("on_logs",)

    def begin(self) -> None:
        self._epochs: list[float] = []  # the losses of epochs that are over
        self._reported: dict[Any, tuple[int, dict[str, Any]]] = {}  # warnings, with the epochs that were over then
        self._units: dict[Any, _Units] = {}
        self._fired: set[Any] = set()  # relus of which some unit fired in the first step

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if not tracked(outputs) or not _is_relu(op, inputs):
            return
        values = host(outputs.data)
        if values.ndim < 2 or not values.size or not all(finite(x.data) for x in (outputs, *tensors(inputs))):
            return  # what becomes of NaN is no fault of the relu
        origin = self.watch.origins[outputs.key]
        key = (id(origin.layer), origin.place)
        self._units.setdefault(key, _Units(origin.layer, origin.place)).add(values, self.watch.step)
        if not self.watch.step and key not in self._fired and bool((values > 0).any()):
            self._fired.add(key)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if kind == "epoch" and isinstance(logs.get("loss"), float):
            self._epochs.append(logs["loss"])

    def on_gradients(self, gradients: Gradients) -> None:
        if gradients.nothing_left:
            self._units.clear()  # a hinge that is 0 for all rows has been learnt

    def on_step_end(self) -> None:
        size = limits.WINDOW if self.watch.step < limits.HEAVY_STEPS else limits.HEAVY_BLOCK
        for key, units in list(self._units.items()):
            if units.steps >= size and units.rows >= _DEAD_ROWS:
                self._judge(units)
                del self._units[key]

    def finish(self) -> None:
        """Training may be over before a window is."""
        for units in self._units.values():
            if units.steps >= min(limits.AGAIN, max(1, self.watch.step)):
                self._judge(units, short=units.rows < _DEAD_ROWS)
        for key, (over, about) in self._reported.items():
            since = self._epochs[over:]
            if len(since) > 1 and since[-1] < limits.HARDLY_LEARNT * since[0]:
                about["effect"] += (
                    f"; the others learn: since then the loss went from {since[0]:.3g} to {since[-1]:.3g}"
                )
                self.watch.retract(key)
                self.tell("dead_relu", "info", key=key, **about)

    def _judge(self, units: _Units, short: bool = False) -> None:
        count = len(units.alive)
        dead = count - int(units.alive.sum())
        share = limits.NEARLY_ALL if self.watch.late else _DEAD_SHARE
        if dead < count and (short or count < _DEAD_UNITS or dead < share * count):
            return
        sure = dead >= _DEAD_SURE * count and units.steps >= limits.HEAVY_BLOCK
        from_start = (id(units.layer), units.place) not in self._fired and not self.watch.training.late
        whose = f"layer {layer_label(units.layer)!r}" if units.layer is not None else "this relu"
        effect = "nothing passes through it, forward or backward" if dead == count else "those don't learn"
        about = {"layer": units.layer, "op": "relu", "place": units.place, "whose": whose, "effect": effect}
        about |= {"dead": dead, "units": count, "rows": units.rows, "steps": units.steps}
        about |= {"step": self.watch.step, "from_start": from_start}
        key = "dead_relu", id(units.layer), units.place
        severity = "error" if dead == count else "warning" if sure else "info"
        self._reported.pop(key, None)
        if severity == "warning":
            self._reported[key] = len(self._epochs), about
        self.tell("dead_relu", severity, key=key, **about)


class _Shares:
    def __init__(self, name: str, layer: Any, place: Place | None) -> None:
        self.name, self.layer, self.place = name, layer, place
        self.hidden: list[float] = []
        self.output: list[float] = []  # only of steps in which the loss was bad


class Saturated(Check):
    """tanh, sigmoid and softmax at the ends of their range, where almost no gradient passes."""

    rules = {
        "saturated": Rule.warning(
            "{share:.0%} of the {activation} values of {whose} are at the ends of their range{wrong}; hardly any "
            "gradient passes there",
            "Scale the inputs to about ±1, use smaller initial weights (glorot_uniform) or a BatchNormalization "
            "before, or relu instead.",
        )
    }

    def begin(self) -> None:
        self._step: dict[int, tuple[Any, float]] = {}  # key of a tensor -> whose, and its share
        self._outputs: set[Any] = set()
        self._found: dict[Any, _Shares] = {}
        self._loss = 0.0

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.means not in _SHARES or self.watch.inside("loss"):
            return
        if isinstance(outputs, tuple):  # all states of a recurrent layer, where they are asked for, or the last
            outputs = next((x for x in outputs if x.data.size), None)
        if not tracked(outputs):
            return
        values = host(outputs.data)
        if not values.size or values.ndim < 1:
            return
        if op.means == "softmax" and (not isinstance(settings[0], int) or values.shape[settings[0]] < 2):
            return
        origin = self.watch.origins[outputs.key]
        key = (op.means, id(origin.layer), origin.place)
        self._found.setdefault(key, _Shares(op.means, origin.layer, origin.place))
        self._step[outputs.key] = key, _SHARES[op.means](values, settings)
        if op.means != "tanh" and not self.watch.inside("layer", "model"):
            self._outputs.add(outputs.key)  # outside of layers it is most likely the prediction

    def on_answer(self, opened: Any, outputs: Any) -> None:
        self._outputs.update(x.key for x in tensors(outputs))

    def on_loss(self, loss: Loss) -> None:
        self._outputs.add(loss.answers.key)

    def on_gradients(self, gradients: Gradients) -> None:
        values = [float(host(t.data).mean()) for t in gradients.targets]
        self._loss = max([v for v in values if numpy.isfinite(v)], default=0.0)

    def on_step_end(self) -> None:
        late = self.watch.step >= limits.HEAVY_STEPS
        for tensor, (key, share) in self._step.items():
            about = self._found[key]
            if tensor not in self._outputs:
                if not (late and about.name == "softmax"):
                    about.hidden.append(share)
            elif self._loss > _SATURATED_LOSS:
                about.output.append(share)
            else:
                about.output.clear()
        self._step.clear()
        self._outputs.clear()
        if self.watch.step + 1 in (limits.WINDOW, limits.HEAVY_STEPS) or late:
            self._judge(late)

    def finish(self) -> None:
        """Training may be over before a window is."""
        self._judge(self.watch.step >= limits.HEAVY_STEPS)

    def _judge(self, late: bool) -> None:
        for about in self._found.values():
            wanted = limits.NEARLY_ALL if late or self.watch.late or about.name == "softmax" else limits.MOST
            for shares, enough in ((about.hidden, wanted), (about.output, limits.NEARLY_ALL)):
                seen = len(shares) >= min(limits.AGAIN, max(1, self.watch.step))
                if seen and statistics.median(shares) >= enough:
                    self._tell(about, statistics.median(shares), shares is about.output)
                if late or len(shares) >= limits.WINDOW:
                    shares.clear()

    def _tell(self, about: _Shares, share: float, is_output: bool) -> None:
        whose = f"layer {layer_label(about.layer)!r}" if about.layer is not None else "this activation"
        wrong = f", while the loss is {number(self._loss)}: it is certain, and wrong" if is_output else ""
        numbers = {"share": share, "loss": self._loss, "output": is_output, "step": self.watch.step}
        at = {"layer": about.layer, "op": about.name, "place": about.place}
        self.tell("saturated", activation=about.name, whose=whose, wrong=wrong, **at, **numbers)


def _tanh_share(values: numpy.ndarray, settings: Any) -> float:
    return float((numpy.abs(values) > 1 - _AT_END).mean())


_SHARES: dict[str, Any] = {
    "tanh": _tanh_share,
    "simple_rnn": _tanh_share,
    "sigmoid": lambda values, _: float((numpy.abs(values - 0.5) > 0.5 - _AT_END).mean()),
    "softmax": lambda values, settings: float((values.max(axis=settings[0]) > 1 - _AT_END).mean()),
}
