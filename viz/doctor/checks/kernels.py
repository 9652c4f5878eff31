"""`linear_stack`, `bottleneck`, `initial_weights`, `hidden_softmax`: kernels as they follow each other at first."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_tensor, is_variable, number, rms, tensors
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.program import layer_label
from viz.facts.schema import Part
from viz.frameworks.contract import Variable

__all__ = ["HiddenSoftmax", "Kernels"]

_LOOKED = 2  # steps in which it is followed which layer feeds which; that rarely changes later
_WEIGHTS_LARGE = 10.0  # root mean square × √inputs at the beginning; 0.5 to 2 are healthy
_WEIGHTS_SMALL = 0.03
_EQUAL_GRADIENTS = 1e-5  # gradients of units that differ by less than float32's rounding stay equal
_NARROW = 10  # a hidden layer of a tenth of the classes, or less, is worth a hint
_NARROW_CLASSES = 3
_SOFTMAX_LEARNT = 0.6  # of a constant answer's loss: networks without a softmax between layers learn more

_PRODUCTS = ("matmul", "conv")
_LINEAR = frozenset(
    "add subtract multiply divide negative reshape transpose cast masked_scale identity_of copy squeeze expand_dims "
    "to_device".split()
)
_NORMALIZES = frozenset("normalize_batch batch_normalization layer_normalization group_normalization normalize".split())
_KEEPS_SHARES = frozenset(
    "add reshape transpose cast masked_scale identity_of copy squeeze expand_dims concatenate max_pool average_pool "
    "pool normalize_batch batch_normalization".split()
)


class _Kernel:
    """A weight that adds several inputs, and what is known of its place in the network."""

    def __init__(self, variable: Variable, layer: Any, place: Any, op: str) -> None:
        self.variable, self.layer, self.place, self.op = variable, layer, place, op
        self.model: Any = None  # the outermost one that it is a part of
        self.hidden = self.normalized = False
        self.shared = False  # does anything but kernels use what it makes, as a shortcut does?

    @property
    def name(self) -> str:
        return layer_label(self.layer) or self.variable.path

    @property
    def wide(self) -> tuple[int, int]:
        """How many values of a row, or channels, go in and come out."""
        shape = self.variable.data.shape
        return shape[-2], shape[-1]


class _Softmax(NamedTuple):
    layer: Any
    place: Any
    units: int

    @property
    def name(self) -> str:
        label = layer_label(self.layer)
        return repr(label) if label else f"line {self.place.line}" if self.place is not None else "ops.softmax"


class _From(NamedTuple):
    """Which kernel made a tensor, by additions and multiplications by constants alone since, or through a softmax."""

    kernel: _Kernel
    linear: bool
    softmax: _Softmax | None = None


class Kernels(Check):
    """Follows in the first steps which kernel feeds which, and through what."""

    rules = {
        "initial_weights": Rule.warning(
            "the weights of {words}",
            "Leave out the initializer (glorot_uniform), or use he_normal with relu; biases may begin with zeros, "
            "kernels not.",
        ),
        "linear_stack": Rule.warning(
            "there are only linear operations between the layers {named}: {first!r} and {second!r} {do}",
            "Give the first of them an activation (activation='relu'), or remove it.",
        ),
        "bottleneck": Rule.warning(
            "layer {narrow!r} leaves {units} of {before} values for {outputs} outputs to tell apart: all that is "
            "known of a row has to fit into them",
            "Give that layer more units: at least as many as there are classes.",
        ),
    }

    def begin(self) -> None:
        self.softmaxes: dict[str, _Softmax] = {}  # those that stand between two kernels, by their names
        self._kernels: dict[int, _Kernel] = {}
        self._from: dict[int, _From] = {}  # by the keys of tensors
        self._between: dict[int, _From] = {}  # by the numbers of what lies within a fused op
        self._whole: Any = None
        self._pairs: dict[tuple[int, int], tuple[_Kernel, _Kernel]] = {}
        self._narrow: dict[int, tuple[_Kernel, _Kernel]] = {}  # by the last of three kernels
        self._judged = False
        self._set_at: dict[int, Any] = {}  # the line that gave a weight its first values

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if self.watch.step >= _LOOKED or self.watch.inside("loss", "metric", "optimizer"):
            return
        if whole is not self._whole:
            self._whole, self._between = whole, {}
        numbers = op.inputs if isinstance(op, Part) else ()
        found = [self._source(x, numbers[i] if i < len(numbers) else -1) for i, x in enumerate(inputs or ())]
        made = self._product(op, inputs, found) if op.means in _PRODUCTS else self._passed(op, inputs, found, outputs)
        if made is not None and made.linear and _moves_pixels(op, made.kernel, inputs, outputs):
            made = made._replace(linear=False)
        if op.means not in _PRODUCTS and (made is None or not made.linear):
            self._used(found, hidden=False)
        if made is None:
            return
        for out in tensors(outputs):
            if out.key is not None:
                self._from[out.key] = made
        for number_of in op.outputs if isinstance(op, Part) else ():
            self._between[number_of] = made

    def _source(self, x: Any, number_of: int) -> _From | None:
        if is_tensor(x):
            return None if x.key is None or is_variable(x) else self._from.get(x.key)
        return self._between.get(number_of) if x is None else None

    def _product(self, op: Any, inputs: Any, found: list[_From | None]) -> _From | None:
        variable = inputs[1] if len(inputs) > 1 else None
        if not is_variable(variable) or variable.data.ndim < 2 or variable.data.dtype.kind != "f":
            self._used(found, hidden=True)  # the scores of an attention, or what it weighs
            self._used(found, hidden=False)
            return None
        kernel = self._kernels.get(variable.identity)
        if kernel is None:
            layer = self.watch.layer()
            kernel = self._kernels[variable.identity] = _Kernel(variable, layer, self.watch.place(), op.means)
            kernel.model = next((s.owner for s in self.watch.scopes if s.kind == "model"), None)
        before = found[0]
        if before is not None and before.kernel is not kernel:
            before.kernel.hidden = True
            self._narrow[variable.identity] = before.kernel, kernel
            if before.linear:
                self._pairs[before.kernel.variable.identity, variable.identity] = before.kernel, kernel
        if before is not None and before.softmax is not None:
            self.softmaxes.setdefault(before.softmax.name, before.softmax)
        return _From(kernel, linear=True)

    def _passed(self, op: Any, inputs: Any, found: list[_From | None], outputs: Any) -> _From | None:
        sources = [x for x in found if x is not None]
        if any(is_variable(x) and x.data.ndim > 1 for x in inputs or ()):
            self._used(found, hidden=True)
        if not sources:
            return None
        kernel, linear, softmax = sources[0]
        if op.means in _NORMALIZES and linear:
            kernel.normalized = True
        others = [x for x in inputs or () if is_tensor(x) and not is_variable(x)]
        made = tuple(getattr(outputs, "shape", ()))
        rows = len(made) > 1 and made[0] > 1  # something for each row that nobody follows: noise, or a frozen layer's
        beside = rows and any(x.key is None and tuple(x.shape) == made for x in others)
        tracked = [x for x in others if x.key is not None]
        if op.means == "softmax" and linear:
            softmax = _Softmax(self.watch.layer(), self.watch.place(), kernel.wide[1])
        elif op.means not in _KEEPS_SHARES:
            softmax = None
        linear = op.means in _LINEAR and linear and len(sources) == 1 and len(tracked) <= 1 and not beside
        return _From(kernel, linear, softmax)

    @staticmethod
    def _used(found: list[_From | None], hidden: bool) -> None:
        """Other weights use what kernels made; or something uses it as it is: a shortcut, an activation, a loss."""
        for source in found:
            if source is not None and hidden:
                source.kernel.hidden = True
            elif source is not None and source.linear:
                source.kernel.shared = True

    def _was_trained(self, *kernels: _Kernel) -> bool:
        """Did another training make some of them? A code that it learnt may well go straight into another layer."""
        return any(self.watch.was_trained(kernel.variable) for kernel in kernels)

    def on_loss(self, loss: Loss) -> None:
        """What reaches a loss over classes through one unit."""
        self._used([self._source(x, -1) for x in tensors(loss.opened.scope.inputs)], hidden=False)
        last = self._from.get(loss.answers.key) if loss.answers.key is not None else None
        pair = None if last is None else self._narrow.get(last.kernel.variable.identity)
        if self.watch.step or pair is None or loss.kind == "other" or self._was_trained(*pair):
            return
        narrow, head = pair
        (before, units), classes = narrow.wide, head.wide[1]
        if head.variable.data.ndim != 2 or before <= units or classes < _NARROW_CLASSES:
            return
        if units == 1 or units * _NARROW <= classes:
            about = {"layer": narrow.layer, "place": None if narrow.layer is not None else narrow.place}
            about |= {"narrow": narrow.name, "before": before, "units": units, "outputs": classes}
            self.tell("bottleneck", "warning" if units == 1 else "info", **about)

    def on_step_end(self) -> None:
        self._from.clear()
        self._between.clear()
        self._whole = None
        if self.watch.step + 1 == _LOOKED:
            self.finish()

    def finish(self) -> None:
        found = [pair for pair in self._pairs.values() if _useless(*pair) and not self._was_trained(*pair)]
        if self._judged or not found:
            return
        self._judged = True
        first, second = found[0]
        names = list(dict.fromkeys(k.name for pair in found for k in pair))
        middle, (into, out) = first.wide[1], (first.wide[0], second.wide[1])
        do = "together do nothing that one linear layer could not do"
        if first.op == second.op == "matmul":
            do = f"({into} to {middle} to {out}) can do no more than one layer from {into} to {out}"
        about = {"layers": names, "pairs": len(found), "in": into, "middle": middle, "out": out}
        severity = "warning" if any(a.op == b.op for a, b in found) else "info"
        place = None if first.layer is not None else first.place
        at = {"layer": first.layer, "place": place, "key": ("linear_stack", 0)}
        words = {"named": ", ".join(map(repr, names)), "first": first.name, "second": second.name, "do": do}
        self.tell("linear_stack", severity, **at, **words, **about)

    def on_gradients(self, gradients: Gradients) -> None:
        """The weights as they began, with their first gradients."""
        if self.watch.step or self.watch.training.late:
            return
        for source, gradient in gradients.pairs:
            kernel = None if self.watch.was_trained(source) else self._kernels.get(source.identity)
            if kernel is not None and kernel.hidden and source.trainable:
                self._begins(kernel, host(source.data), gradient)

    def on_routine(self, name: str, thing: Any, about: Any) -> None:
        """A weight is given its first values."""
        if name == "first_values":
            self._set_at[id(thing)] = self.watch.place()

    def _begins(self, kernel: _Kernel, values: numpy.ndarray, gradient: numpy.ndarray) -> None:
        fan_in = math.prod(values.shape[:-1])
        ratio = rms(values) * math.sqrt(fan_in)
        equal = _equal_columns(values, 0.0)
        lasting = equal and _equal_columns(gradient, _EQUAL_GRADIENTS)
        if equal and (lasting or values.any()):
            words = f"all {values.shape[-1]} units of {kernel.name!r} begin {'equal' if values.any() else '0'}, " + (
                "and so are their gradients: they stay copies of one unit, however many there are"
                if lasting
                else "and they can only slowly become different"
            )
        elif kernel.normalized or not values.any() or _WEIGHTS_SMALL < ratio < _WEIGHTS_LARGE:
            return
        else:
            size, times = ("large", ratio) if ratio > 1 else ("small", 1 / ratio)
            words = (
                f"{kernel.name!r} begin {number(times)} times too {size} for its {fan_in} inputs (root mean square "
                f"{number(rms(values))}, about {number(1 / math.sqrt(fan_in))} is usual)"
            )
        place = None if kernel.layer is not None else kernel.place
        place = self._set_at.get(id(self.watch.held(kernel.variable)), place)
        at = {"layer": kernel.layer if kernel.layer is not None else kernel.variable.path, "place": place}
        about = {"ratio": ratio, "fan_in": fan_in, "equal_columns": equal, "equal_gradients": lasting}
        self.tell("initial_weights", "error" if lasting else "warning", words=words, **at, **about)


class HiddenSoftmax(Check):
    """A softmax between two layers, asked after what tells how much is learnt.

    A warning where that is little: with a good deal of luck, networks learn through it, too.
    """

    rules = {
        "hidden_softmax": Rule.warning(
            "a softmax stands between layers ({names}): its {units} numbers sum to 1, so the next layer is given about "
            "{mean:.2g} from each unit, and hardly any gradient gets through{gain}",
            "In layers that others follow, use activation='relu' (or gelu, tanh); softmax belongs into the last layer, "
            "whose answers are shares of classes.",
        )
    }

    def finish(self) -> None:
        seen = next((each for each in self.watch.training.checks if isinstance(each, Kernels)), None)
        if seen is None or not seen.softmaxes:
            return
        names, softmax = list(seen.softmaxes), next(iter(seen.softmaxes.values()))
        learnt = self.watch.training.learnt
        little = self.watch.step >= limits.IMBALANCE_STEPS and learnt is not None and learnt < _SOFTMAX_LEARNT
        gain = f"; only {max(learnt, 0):.0%} of what can be learnt was" if little and learnt is not None else ""
        place, key = None if softmax.layer is not None else softmax.place, ("hidden_softmax", 0)
        about = {"units": softmax.units, "mean": 1 / softmax.units, "learnt": learnt}
        words = {"names": ", ".join(names[:3]), "gain": gain}
        severity = "warning" if little else "info"
        self.tell("hidden_softmax", severity, layer=softmax.layer, place=place, key=key, **words, **about)


def _equal_columns(values: numpy.ndarray, resolution: float) -> bool:
    """Are the weights of all units the same, as far as the type resolves?"""
    columns = values.reshape(-1, values.shape[-1])
    if columns.shape[1] < 2 or not columns.size or not numpy.isfinite(columns).all():
        return False
    spread = float(numpy.abs(columns - columns[:, :1]).max())
    return spread <= resolution * float(numpy.abs(columns).max())


def _useless(first: _Kernel, second: _Kernel) -> bool:
    """Two kernels that one could stand for: none narrower than both ends, both learnt, nothing else between."""
    a, b = first.variable, second.variable
    if first.shared or not (a.trainable and b.trainable):
        return False
    if first.model is not None and second.model is not None and first.model is not second.model:
        return False  # what one model gives as its answers is a code, which others may be given, too
    if first.layer is not None and first.layer is second.layer and first.wide[1] < first.wide[0]:
        return False  # one kernel as a product of two thin ones, on purpose
    if first.op == second.op == "conv" and a.data.shape[:-2] != b.data.shape[:-2]:
        return False  # a kernel split into 1×k and k×1: fewer weights, on purpose
    if a.data.ndim > 4 or (first.op == "conv" and a.data.shape[-2] == 1 and b.data.shape[-2] == 1):
        return False
    middle, ends = first.wide[1], min(first.wide[0], second.wide[1])
    return middle >= ends and a.data.ndim > 1


def _moves_pixels(op: Any, kernel: _Kernel, inputs: Any, outputs: Any) -> bool:
    """Does an op make pixels of channels, or channels of pixels? The next convolution then sees other neighbours."""
    before, after = (getattr(x, "shape", None) for x in (inputs[0] if inputs else None, outputs))
    if op.means != "reshape" or kernel.op != "conv" or before is None or after is None:
        return False
    return len(after) > 2 and before[-1] != after[-1]
