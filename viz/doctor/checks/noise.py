"""`dropout_high` and `augmentation`: noise that is larger than what it is added to."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.asked_again import answer_with
from viz.doctor.facts.host_arrays import first_tensor, host, tracked
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.frameworks.owners import is_library

__all__ = ["Noise"]

_DROPOUT = 0.6  # rates from here on are measured; 0.5 and less are usual
_DROPOUT_STEPS = (2, 20)  # in which the batch is run again without dropout
_VALUES = ("RandomBrightness", "RandomContrast", "GaussianNoise", "RandomSaturation", "RandomColorJitter", "RandomHue")


class Noise(Check):
    """Runs a batch again without dropout, and compares what augmentation gives with what it was given."""

    rules = {
        "augmentation": Rule.warning(
            "layer {name}{ranges} changes the data by {change!n} times their spread: what comes out has a correlation "
            "of {correlation:.2f} with what went in, so little is left of what the labels belong to",
            "Use a smaller factor, or the value_range that the data have: (0, 1) or (0, 255).",
        ),
        "dropout_high": Rule.warning(
            "layer {name} drops {rate:.0%}: run again without dropout, the same batch gives answers whose differences "
            "between rows are {part!n} times what dropout changes (variance)",
            "Begin with a rate of 0.2 to 0.5, and not in each layer.",
        ),
    }

    def begin(self) -> None:
        self._dropout: dict[int, Any] = {}
        self._ratios: dict[int, list[float]] = {}
        self._altered: dict[int, tuple[Any, list[tuple[float, float, float]]]] = {}

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        owner, kind = opened.owner, type(opened.owner).__name__
        if kind in _VALUES and opened.training is not False:
            self._augmented(owner, first_tensor(opened.scope.inputs), first_tensor(outputs))
        elif "Dropout" in kind and opened.training and isinstance(getattr(owner, "rate", None), float):
            if owner.rate >= _DROPOUT:
                self._dropout[id(owner)] = owner
        elif opened.kind == "model" and self._dropout and self.watch.outermost():
            self._again(opened, outputs)

    def _again(self, opened: Any, outputs: Any) -> None:
        """The same batch without dropout, in two of the steps."""
        if self.watch.step not in _DROPOUT_STEPS or not tracked(outputs):
            return
        known = isinstance(opened.scope.inputs, tuple) and all(map(is_library, layers_in(opened.owner)))
        asked = hasattr(opened.owner, "answer_with") or known
        given = [each for each in opened.scope.inputs if not isinstance(each, bool)] if asked else []
        x = first_tensor(given)
        if len(given) != 1 or x is None or outputs.data.shape[0] < limits.WINDOW:
            return
        plain = answer_with(opened.owner, given, x, host(x.data))
        if plain is None or plain.shape != outputs.data.shape:
            return
        noisy, quiet = host(outputs.data).astype("float64"), plain.astype("float64")
        signal, noise = float(quiet.var(axis=0).mean()), float(numpy.square(noisy - quiet).mean())
        if numpy.isfinite(noise + signal) and signal > 0:
            self._ratios.setdefault(id(opened.owner), []).append(noise / signal)

    def _augmented(self, layer: Any, x: Any, made: Any) -> None:
        if x is None or made is None or x is made or x.data.shape != made.data.shape or x.data.ndim < 2:
            return
        _, found = self._altered.setdefault(id(layer), (layer, []))
        before, after = (host(t.data).astype("float64").reshape(-1)[: limits.LOOKED] for t in (x, made))
        spread = float(before.std())
        if len(found) < limits.WINDOW and spread and numpy.isfinite(after).all():
            alike = 0.0 if not after.std() else float(numpy.corrcoef(before, after)[0, 1])
            found.append((alike, float(after.std()) / spread, float(numpy.abs(after - before).mean()) / spread))

    def finish(self) -> None:
        for layer, found in self._altered.values():
            if found:
                alike, spread, changed = map(float, numpy.median(numpy.abs(numpy.array(found)), axis=0))
                ranges = getattr(layer, "value_range", None)
                if alike < limits.ALIKE:
                    numbers = {"correlation": alike, "spread": spread, "change": changed}
                    words = f" (value_range={tuple(ranges)})" if ranges is not None else ""
                    self.tell("augmentation", layer=layer, ranges=words, **numbers)
        ratio = max([float(numpy.median(r)) for r in self._ratios.values()], default=0.0)
        if ratio > 1:  # dropout changes more than rows differ by (variances)
            layer = max(self._dropout.values(), key=lambda each: each.rate)
            about = {"rate": layer.rate, "noise": ratio, "part": 1 / ratio}
            layers = [layer_label(each) for each in self._dropout.values()]
            severity = "warning" if layer.rate >= limits.NEARLY_ALL else "info"
            self.tell("dropout_high", severity, layer=layer, layers=layers, **about)
