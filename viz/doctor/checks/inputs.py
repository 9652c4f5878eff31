"""`unscaled_input` and `channels_first`: what the first layers are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import computed, first_tensor, is_variable, key_of, rms, tensors, values_of
from viz.doctor.facts.layer_kinds import unadapted
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at
from viz.frameworks.objects import array_of

__all__ = ["Inputs"]

_UNSCALED_CAUSE = 4.0  # named as the cause, where something went wrong that such inputs explain

_PRODUCTS = ("matmul", "conv", "depthwise_conv", "conv_transpose", "lstm", "gru", "simple_rnn")
_OTHER_USES = ("dense", "conv_bias", "conv_transpose_bias", "take", "embedding", "einsum", "tensordot")
_SAMPLE = 1_000_000  # elements that are looked at
_WILD = "weights are made for inputs around ±1, and these make the first steps erratic"
_RANGE = "the inputs{of} range from {lowest!n} to {highest!n} (root mean square {rms!n}): {why}"


_TORN = 1.3  # times as rough as in another order: neighbours are unlike each other where pictures were torn apart
_PICTURES = 64  # that are looked at


class Inputs(Check):
    """Data that reach the first weights with values far from 1."""

    rules = {
        "channels_first": Rule.warning(
            "layer {name} takes the last axis of {shape} for the colours: these look like pictures of {taken}×{taken} "
            "whose colours are on axis 1",
            "Move the colours to the last axis, x = numpy.moveaxis(x, 1, -1), or say data_format='channels_first' in "
            "every layer.",
        ),
        "channels_first.torn": Rule.warning(
            "the pictures of {shaped} look torn: neighbouring pixels differ by {given!n} on average, and by {other!n} "
            "if the same numbers are read as {colours} colours of {height}×{width} each: they were stored so, and "
            "reshape doesn't move axes",
            "Give the axes the order that the numbers are stored in, and then move the colours to the end: "
            "x.reshape(-1, colours, height, width).transpose(0, 2, 3, 1).",
        ),
        "unscaled_input": Rule.warning(
            _RANGE,
            "Scale them: x / 255 for images, (x - mean) / std for columns, or a layers.Normalization. Numbers that "
            "stand for words or categories go into layers.Embedding(largest + 1, 32).",
        ),
        "unscaled_input.tiny": Rule.warning(
            _RANGE, "Bring them to about ±1, once: leave out a second division, as by a Rescaling layer after x / 255."
        ),
        "unscaled_input.zeros": Rule.warning(
            "the inputs{of} are 0 in all rows of all steps looked at: no row can be told from another",
            "Look at the data: was it divided as integers, or overwritten?",
        ),
        "unscaled_input.unadapted": Rule.warning(
            _RANGE,
            "Show it the training data before fit: normalization.adapt(x_train), x_train alone, without its labels.",
        ),
    }

    def begin(self) -> None:
        self._seen: dict[Any, int] = {}
        # By place: size, lowest and highest value, and which model or layer was given them.
        self._largest: dict[Any, tuple[float, float, float, Any]] = {}
        self._told: set[Any] = set()
        self._made: dict[int, Any] = {}  # what frozen layers made in this step, which no tape tells from data

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """Follow what frozen weights, or what they made, were used for."""
        if error is not None or self.watch.inside("loss", "metric"):
            return
        given = tensors(list(inputs))
        used = op.means in (*_PRODUCTS, *_OTHER_USES) and any(map(is_variable, given))
        if used or any(id(x) in self._made for x in given):
            self._made.update({id(x): x for x in tensors(outputs) if x.key is None})

    def on_step_end(self) -> None:
        self._made.clear()

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if op.means not in _PRODUCTS or len(inputs) < 2 or self.watch.inside("loss", "metric"):
            return
        x = inputs[0]
        if x is None or not computed(first_tensor(whole)) or key_of(x) is not None or id(x) in self._made:
            return
        data = array_of(x)
        if getattr(getattr(data, "dtype", None), "kind", "") not in tuple("fiu") or not data.ndim:
            return  # no numbers that no weights were used for
        place = self.watch.called_at() if self.watch.scopes else self.watch.place()
        seen = self._seen[place] = self._seen.get(place, 0) + 1
        if seen > limits.WINDOW:
            return
        values = values_of(x)
        if "conv" in op.means:
            self._pictures(values, place, first=seen == 1)
        some = values.reshape(-1)[:_SAMPLE]
        some = some if some.dtype.kind == "f" else some.astype("float32")
        if some.size and numpy.isfinite(some).all():
            self._judge(some, place)

    def _pictures(self, images: numpy.ndarray, place: Any, first: bool) -> None:
        layer, shape = self.watch.layer(), images.shape
        about: dict[str, Any] = {"layer": layer, "key": ("channels_first", id(layer)), "shape": list(shape)}
        if _colours_first(layer, shape):
            self.tell("channels_first", place=made_at(layer) or place, colours=shape[1], taken=shape[3], **about)
        rough = _torn(images) if first and getattr(layer, "data_format", None) == "channels_last" else None
        if rough is not None:
            _, height, width, colours = shape
            about |= {"shaped": str(shape), "height": height, "width": width, "colours": colours, "taken": colours}
            about |= dict(zip(("given", "other"), rough))
            self.tell("channels_first.torn", place=place, **about)

    def finish(self) -> None:
        """Inputs a few times too large are named where something else went wrong that they explain."""
        symptoms = ("dead_relu", "constant_output", "exploding_gradient", "unscaled_target", "saturated", "lr_too_high")
        for place, about in self._largest.items() if self.watch.has(*symptoms) else ():
            if about[0] > _UNSCALED_CAUSE and place not in self._told:
                self._tell("unscaled_input", "warning", place, *about, _WILD)
            elif not about[0]:
                self._tell("unscaled_input.zeros", "warning", place, *about, "")

    def _judge(self, values: numpy.ndarray, place: Any) -> None:
        size, low, high = rms(values), float(values.min()), float(values.max())
        first = self.watch.scopes[0].owner if self.watch.scopes else None
        whose = next((s.owner for s in self.watch.scopes if s.kind in ("model", "layer")), first)
        if size > self._largest.get(place, (-1.0,))[0]:
            self._largest[place] = size, low, high, whose
        about = place, size, low, high, whose
        if 0 < max(abs(low), abs(high)) < limits.TINY_INPUT:
            self._tell("unscaled_input.tiny", "warning", *about, "hardly anything reaches the first layer")
        elif size > limits.UNSCALED_HINT:
            severity = "warning" if size > limits.UNSCALED else "info"
            self._tell("unscaled_input", severity, *about, _WILD)

    def _tell(
        self, rule: str, severity: str, place: Any, size: float, low: float, high: float, whose: Any, why: str
    ) -> None:
        if severity != "info":
            self._told.add(place)
        layer, key = unadapted(whose), ("unscaled_input", place)
        if layer is not None and size:
            rule, place = "unscaled_input.unadapted", made_at(layer) or place
            why = f"layer {layer_label(layer)!r} was never adapted, and so hands them on as they are; {why}"
        of = f" of {layer_label(whose)!r}" if layer_label(whose) else ""
        about = {"of": of, "why": why, "rms": size, "lowest": low, "highest": high}
        self.tell(rule, severity, layer=layer, place=place, key=key, **about)


def _torn(images: numpy.ndarray) -> tuple[float, float] | None:
    """How rough pictures are, and in the order with the colours first, where that makes them much smoother; else None.

    Neighbours in a picture are much alike. Where a file holds all red numbers first, then all green ones, and these are
    cut into (height, width, colours), next to each other lie numbers that have nothing to do with each other.

    >>> smooth = numpy.add.outer(numpy.arange(4.0), numpy.add.outer(numpy.arange(16.0), numpy.arange(16.0) ** 1.5))
    >>> pictures = numpy.stack([smooth, smooth, 2 * smooth], -1)
    >>> _torn(pictures), _torn(pictures.transpose(0, 3, 1, 2).reshape(pictures.shape)) is None
    (None, False)
    """
    if images.ndim != 4 or images.shape[-1] not in (3, 4) or min(images.shape[1:3]) < limits.PICTURE:
        return None
    some = images[:_PICTURES].astype("float32")
    count, height, width, colours = some.shape
    given = _rough(some, (1, 2))
    other = _rough(some.reshape(count, colours, height, width), (2, 3))
    return (given, other) if given > _TORN * other > 0 else None


def _rough(images: numpy.ndarray, axes: Sequence[int]) -> float:
    """How much neighbours differ."""
    return float(sum(numpy.abs(numpy.diff(images, axis=axis)).mean(dtype="float64") for axis in axes))


def _colours_first(layer: Any, shape: Sequence[int]) -> bool:
    """Is a convolution given square pictures whose colours come before their rows? Others may well be meant so."""
    if len(shape) != 4 or getattr(layer, "data_format", None) != "channels_last":
        return False
    _, colours, height, width = shape
    return colours in (1, 3, 4) and height == width >= limits.PICTURE
