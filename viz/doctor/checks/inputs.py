"""`unscaled_input` and `channels_first`: what the first layers are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import Tensor, Variable, layers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host, number, rms, tensors
from viz.doctor.checks.rows.torn_pictures import torn
from viz.doctor.program import layer_label
from viz.doctor.scaling import unadapted_normalization
from viz.doctor.user_code import made_at
from viz.doctor.variable_owners import layers_in
from viz.recorder.descriptions import flat

__all__ = ["Inputs", "SmallInputs", "colours_first", "like_indices", "words_of_torn"]

_PRODUCTS = ("matmul", "conv", "depthwise_conv", "conv_transpose", "lstm", "gru", "simple_rnn")
_OTHER_USES = ("dense", "conv_bias", "conv_transpose_bias", "take", "embedding", "einsum", "tensordot")
_COLOURS = (1, 3, 4)
_SAMPLE = 1_000_000  # elements that are looked at
_WILD = "weights are made for inputs around ±1, and these make the first steps erratic"
_INDICES = (
    "of the same range in each column: they look like indices, of words or categories. A layer that multiplies them "
    "takes number 8000 for twice number 4000"
)


class Inputs(Check):
    """Data that reach the first weights with values far from 1."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._seen: dict[Any, int] = {}
        # By place: size, lowest and highest value, and which model or layer was given them.
        self._largest: dict[Any, tuple[float, float, float, Any]] = {}
        self._told: set[Any] = set()
        self._made: dict[int, Any] = {}  # what frozen layers made in this step, which no tape tells from data

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """Follow what frozen weights, or what they made, were used for."""
        if error is not None or self.watch.inside("loss", "metric"):
            return
        given = [x for x in flat(list(inputs)) if isinstance(x, Tensor)]
        used = op.name in (*_PRODUCTS, *_OTHER_USES) and any(isinstance(x, Variable) for x in given)
        if used or any(id(x) in self._made for x in given):
            self._made.update({id(x): x for x in tensors(outputs) if x.key is None})

    def on_step_end(self) -> None:
        self._made.clear()

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if op.name not in _PRODUCTS or len(inputs) < 2 or self.watch.inside("loss", "metric"):
            return
        x = inputs[0]
        made = first_tensor(whole)
        if x is None or made is None or made.key is None or not _is_data(x):
            return
        place = self.watch.called_at() if self.watch.scopes else self.watch.place()
        if id(x) in self._made:
            self._judge_made(host(x.data), place)
            return
        if self._seen.get(place, 0) >= limits.WINDOW:
            return
        if "conv" in op.name:
            self._axes(tuple(x.shape), place)
            if not self._seen.get(place, 0):
                self._torn(host(x.data if isinstance(x, Tensor) else x), place)
        self._seen[place] = self._seen.get(place, 0) + 1
        values = host(x.data if isinstance(x, Tensor) else x).reshape(-1)[:_SAMPLE]
        if values.dtype.kind != "f":
            values = values.astype("float32")
        if values.size and numpy.isfinite(values).all():
            self._judge(values, place, tuple(x.shape))

    def _axes(self, shape: tuple[int, ...], place: Any) -> None:
        layer = self.watch.layer()
        if not colours_first(layer, shape):
            return
        _, colours, height, width = shape
        self.watch.report(
            "channels_first",
            "warning",
            f"layer {layer_label(layer)!r} takes the last axis of {shape} for the colours, of which there would be "
            f"{width}: these look like pictures of {height}×{width} whose colours are on axis 1",
            layer=layer,
            place=made_at(layer) or place,
            key=("channels_first", id(layer)),
            evidence={"shape": list(shape), "colours": colours, "taken": width},
        )

    def _torn(self, images: numpy.ndarray, place: Any) -> None:
        layer = self.watch.layer()
        found = torn(images) if getattr(layer, "data_format", None) == "channels_last" else None
        if found is None:
            return
        self.watch.report(
            "channels_first.torn",
            "warning",
            words_of_torn(images.shape, *found),
            layer=layer,
            place=place,
            key=("channels_first", id(layer)),
            evidence={"shape": list(images.shape), "colours": images.shape[-1], "taken": images.shape[-1]},
        )

    def finish(self) -> None:
        """Inputs a few times too large are named where something else went wrong that they explain."""
        symptoms = ("dead_relu", "constant_output", "exploding_gradient", "unscaled_target", "saturated", "lr_too_high")
        wrong = self.watch.has(*symptoms)
        for place, (size, low, high, whose) in self._largest.items() if wrong else ():
            if size > limits.UNSCALED_CAUSE and ("unscaled_input", place) not in self._told:
                self._tell("warning", place, whose, size, low, high, _WILD)
        for place, (_, low, high, whose) in self._largest.items() if wrong else ():
            if not low and not high:
                name = f" of {layer_label(whose)!r}" if layer_label(whose) else ""
                self.watch.report(
                    "unscaled_input.zeros",
                    "warning",
                    f"the inputs{name} are 0 in all rows of {_steps(self._seen[place])}: no row can be told "
                    "from another",
                    place=place,
                    key=("unscaled_input", place),
                    evidence={"rms": 0.0, "lowest": 0.0, "highest": 0.0},
                )

    def tell_small(self, severity: str) -> None:
        """Name inputs that are small, where a network that is given them has learnt nothing."""
        for place, (size, low, high, whose) in self._largest.items():
            if 0 < max(abs(low), abs(high)) < limits.SMALL_INPUT and not self.watch.raw("unscaled_input"):
                words = "they are so small that updates of the first layer hardly change what it gives"
                self._tell(severity, place, whose, size, low, high, words, "unscaled_input.tiny")

    def _judge(self, values: numpy.ndarray, place: Any, shape: tuple[int, ...]) -> None:
        size, low, high = rms(values), float(values.min()), float(values.max())
        first = self.watch.scopes[0].owner if self.watch.scopes else None
        whose = next((s.owner for s in self.watch.scopes if s.kind in ("model", "layer")), first)
        if size > self._largest.get(place, (-1.0,))[0]:
            self._largest[place] = size, low, high, whose
        twice = _scaled_twice(whose, low, high)
        if twice is not None:
            self._tell_twice(twice, place, size, low, high)
        elif 0 < max(abs(low), abs(high)) < limits.TINY_INPUT:
            self._tell("warning", place, whose, size, low, high, "hardly anything reaches the first layer")
        elif size > limits.UNSCALED_HINT:
            severity = "warning" if size > limits.UNSCALED else "info"
            if ("unscaled_input", place) not in self._told and like_indices(values, shape):
                words = f"{len(numpy.unique(values))} different whole numbers in this batch, {_INDICES}"
                self._tell(severity, place, whose, size, low, high, words, "unscaled_input.indices")
            else:
                self._tell(severity, place, whose, size, low, high, _WILD)

    def _tell_twice(self, layer: Any, place: Any, size: float, low: float, high: float) -> None:
        self._told.add(("unscaled_input", place))
        given = [number((value - float(layer.offset)) / float(layer.scale)) for value in (low, high)]
        self.watch.report(
            "unscaled_input.twice",
            "warning",
            f"layer {layer_label(layer)!r} multiplies inputs by {number(float(layer.scale))} that range from "
            f"{given[0]} to {given[1]} already: what is left ranges from {number(low)} to {number(high)}, of which the "
            "next layer sees next to nothing",
            layer=layer,
            place=made_at(layer) or place,
            key=("unscaled_input", place),
            evidence={"rms": size, "lowest": low, "highest": high},
        )

    def _judge_made(self, values: numpy.ndarray, place: Any) -> None:
        """Frozen layers that give next to nothing, whatever they are given."""
        if values.dtype.kind != "f" or not values.size or not numpy.isfinite(values).all():
            return
        low, high = float(values.min()), float(values.max())
        if max(abs(low), abs(high)) < limits.TINY_INPUT and (low or high):
            layer = self.watch.layer()
            self.watch.report(
                "initial_weights.frozen",
                "warning",
                f"layer {layer_label(layer)!r} learns from what frozen layers give it, and that ranges from "
                f"{number(low)} to {number(high)}: hardly anything of the input comes through them",
                layer=layer,
                place=place,
                key=("initial_weights.frozen", place),
                evidence={"rms": rms(values), "lowest": low, "highest": high},
            )

    def _tell(
        self,
        severity: str,
        place: Any,
        whose: Any,
        size: float,
        low: float,
        high: float,
        words: str,
        rule: str = "unscaled_input",
    ) -> None:
        if severity != "info":
            self._told.add(("unscaled_input", place))
        name = f" of {layer_label(whose)!r}" if layer_label(whose) else ""
        message = f"the inputs{name} range from {number(low)} to {number(high)} (root mean square {number(size)})"
        unadapted = unadapted_normalization(whose)
        rule = "unscaled_input.tiny" if max(abs(low), abs(high)) < limits.TINY_INPUT else rule
        if unadapted is not None:
            rule = "unscaled_input.unadapted"
            words = f"layer {layer_label(unadapted)!r} was never adapted, and so hands them on as they are; {words}"
        self.watch.report(
            rule,
            severity,
            f"{message}: {words}",
            layer=unadapted,
            place=place if unadapted is None else made_at(unadapted) or place,
            key=("unscaled_input", place),
            evidence={"rms": size, "lowest": low, "highest": high},
        )


class SmallInputs(Check):
    """Names inputs that are small where nothing was learnt, asked after `Answers`.

    Pixels that are divided by 255 twice, by a generator's `rescale` and once more by the script, are the usual case.
    """

    def finish(self) -> None:
        """Name inputs that are too small for updates of a usual rate to show in what is made of them."""
        idle = [each for each in self.watch.raw("not_learning") if each.rule in ("not_learning", "not_learning.rate")]
        seen = next((each for each in self.watch.training.checks if isinstance(each, Inputs)), None)
        if idle and seen is not None:
            seen.tell_small(idle[0].severity)


def like_indices(values: numpy.ndarray, shape: Sequence[int]) -> bool:
    """Do these look like the numbers of words or categories, rather than like quantities, pictures or time series?

    They are whole and larger than bytes, all columns have them from the same range, and neighbours have nothing to do
    with each other.

    Args:
        values: one after the other.
        shape: that of the inputs.

    >>> words = numpy.random.default_rng(0).integers(0, 10000, (32, 20))
    >>> like_indices(words.reshape(-1), words.shape), like_indices(numpy.sort(words).reshape(-1), words.shape)
    (True, False)
    """
    columns = shape[1] if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1) else 0
    if columns < limits.INDEX_COLUMNS or values.size < columns or values.size % columns:
        return False
    high = float(values.max())
    if values.min() < 0 or high <= limits.BYTES or (values != numpy.floor(values)).any():
        return False
    table = values.reshape(-1, columns).astype("float64")
    wide = table.max(axis=0) > limits.INDEX_RANGE * high
    left, right = table[:, :-1].reshape(-1), table[:, 1:].reshape(-1)
    used = (left > 0) & (right > 0)  # what is padded has neighbours that are 0
    left, right = left[used], right[used]
    if wide.mean() < limits.INDEX_SHARE or len(left) < limits.INDEX_PAIRS:
        return False
    steps, any_two = numpy.abs(left - right), numpy.abs(left - numpy.roll(right, len(right) // 2))
    different = len(numpy.unique(values)) >= limits.INDEX_KINDS
    return bool(different and steps.mean() > limits.INDEX_APART * any_two.mean())


def _scaled_twice(whose: Any, low: float, high: float) -> Any:
    """The `Rescaling` for bytes in a layer or model that was given numbers from -1 to 1; None for none."""
    found = [each for each in layers_in(whose) if isinstance(each, layers.Rescaling)] if whose is not None else []
    if len(found) != 1 or not isinstance(found[0].scale, (int, float)) or not isinstance(found[0].offset, (int, float)):
        return None
    scale, offset = float(found[0].scale), float(found[0].offset)
    if not 0 < scale <= limits.RESCALES or low == high:
        return None
    reach = max(abs(low - offset), abs(high - offset)) / scale
    return found[0] if reach <= limits.SCALED_ALREADY else None


def colours_first(layer: Any, shape: Sequence[int]) -> bool:
    """Is a layer given square pictures whose colours come before their rows? Others may well be meant so.

    Args:
        layer: a convolution.
        shape: that of its inputs.
    """
    if len(shape) != 4 or getattr(layer, "data_format", None) != "channels_last":
        return False
    _, colours, height, width = shape
    return colours in _COLOURS and height == width >= limits.PICTURE


def words_of_torn(shape: Sequence[int], given: float, other: float) -> str:
    """That pictures were cut up, in words; see `torn`."""
    _, height, width, colours = shape
    return (
        f"the pictures of {tuple(shape)} look torn: neighbouring pixels differ by {number(given)} on average, and by "
        f"{number(other)} if the same numbers are read as {colours} colours of {height}×{width} each, one after the "
        "other: they were stored so, and reshape doesn't move axes"
    )


def _is_data(x: Any) -> bool:
    """Numbers that no weights were used for."""
    data = x.data if isinstance(x, Tensor) else x
    if getattr(x, "key", None) is not None:
        return False
    return getattr(getattr(data, "dtype", None), "kind", "") in "fiu" and data.ndim > 0


def _steps(count: int) -> str:
    return f"all {count} steps looked at" if count > 1 else "the step looked at"
