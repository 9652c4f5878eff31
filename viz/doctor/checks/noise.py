"""`dropout_high` and `augmentation`: noise that is larger than what it is added to."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, no_grad
from eagerflow.core.observe import unobserved
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host, number
from viz.doctor.program import layer_label
from viz.doctor.variable_owners import layers_in

__all__ = ["Noise"]

_VALUES = ("RandomBrightness", "RandomContrast", "GaussianNoise", "RandomSaturation", "RandomColorJitter", "RandomHue")


class Noise(Check):
    """Runs a batch again without dropout, and compares what augmentation gives with what it was given."""

    always = ("on_scope_begin",)
    begins = ("layer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._dropout: dict[int, Any] = {}
        self._ratios: dict[int, list[float]] = {}
        self._destroyed: dict[int, list[tuple[float, float, float]]] = {}
        self._layers: dict[int, Any] = {}

    def on_scope_begin(self, opened: Any) -> None:
        owner = opened.owner
        if opened.kind != "layer" or not opened.training:
            return
        if type(owner).__name__.startswith("Random") and type(owner).__module__.startswith("eagerflow.layers."):
            if self.watch.step and self._is_asked_only():
                self._tell_altered(owner)
            return
        if "Dropout" not in type(owner).__name__:
            return
        if self.watch.step and owner.rate and self._is_asked_only():
            self._tell_always(owner)
        if isinstance(getattr(owner, "rate", None), float) and owner.rate >= limits.DROPOUT:
            self._dropout[id(owner)] = owner

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if error is not None:
            return
        if opened.kind == "layer" and type(opened.owner).__name__ in _VALUES and opened.training is not False:
            self._augmented(opened, first_tensor(opened.scope.inputs), first_tensor(outputs))
        elif opened.kind == "model" and self._dropout and self.watch.outermost():
            self._again(opened, first_tensor(opened.scope.inputs), outputs)

    # ------------------------------------------------------------------ dropout_high

    def _is_asked_only(self) -> bool:
        """Is the model run without training, as `evaluate` and `predict` do?"""
        steps = [opened.scope.name for opened in self.watch.scopes if opened.kind == "step"]
        outer = next((opened for opened in self.watch.scopes if opened.kind in ("layer", "model")), None)
        return (bool(steps) and steps[0] != "train_step") or (outer is not None and outer.training is False)

    def _tell_altered(self, layer: Any) -> None:
        """Of `evaluate`, and so of validation, a warning; else some answer several altered copies on purpose."""
        steps = [opened.scope.name for opened in self.watch.scopes if opened.kind == "step"]
        self.watch.report(
            "augmentation.always",
            "warning" if steps[:1] == ["test_step"] else "info",
            f"layer {layer_label(layer)!r} alters pictures at random in evaluation and prediction, too, as its call "
            "says training=True: val_loss tells of altered pictures, and answers differ from call to call",
            layer=layer,
            key=("augmentation", "always"),
            evidence={"correlation": 1.0, "spread": 1.0, "change": 0.0},
        )

    def _tell_always(self, layer: Any) -> None:
        """A hint: some draw several answers on purpose."""
        self.watch.report(
            "dropout_high.always",
            "info",
            f"layer {layer_label(layer)!r} drops {layer.rate:.0%} in evaluation and prediction, too, as its call says "
            "training=True: answers differ from call to call",
            layer=layer,
            evidence={"rate": layer.rate, "noise": layer.rate, "layers": [layer_label(layer)]},
        )

    def _again(self, opened: Any, x: Any, outputs: Any) -> None:
        """The same batch without dropout, in two of the steps."""
        if self.watch.step not in limits.DROPOUT_STEPS or x is None:
            return
        if not isinstance(outputs, Tensor) or outputs.key is None or outputs.data.shape[0] < limits.DROPOUT_ROWS:
            return
        given = [each for each in opened.scope.inputs if not isinstance(each, bool)] if _plain(opened) else []
        if len(given) != 1:
            return
        with unobserved(), no_grad():
            plain = opened.owner(given[0], training=False)
        noisy, quiet = host(outputs.data).astype("float64"), host(plain.data).astype("float64")
        signal = float(quiet.var(axis=0).mean())
        noise = float(numpy.square(noisy - quiet).mean())
        if numpy.isfinite(noise + signal) and signal > 0:
            self._ratios.setdefault(id(opened.owner), []).append(noise / signal)

    # ------------------------------------------------------------------ augmentation

    def _augmented(self, opened: Any, x: Any, made: Any) -> None:
        if x is None or made is None or x is made or x.data.shape != made.data.shape or x.data.ndim < 2:
            return
        found = self._destroyed.setdefault(id(opened.owner), [])
        if len(found) >= limits.WINDOW:
            return
        self._layers[id(opened.owner)] = opened.owner
        before, after = (host(t.data).astype("float64").reshape(-1)[: limits.NOISE_LOOKED] for t in (x, made))
        spread = float(before.std())
        if not spread or not numpy.isfinite(after).all():
            return
        alike = 0.0 if not after.std() else float(numpy.corrcoef(before, after)[0, 1])
        found.append((alike, float(after.std()) / spread, float(numpy.abs(after - before).mean()) / spread))

    def finish(self) -> None:
        """Judge what was measured."""
        for owner, found in self._destroyed.items():
            if found:
                alike, spread, changed = numpy.median(numpy.abs(numpy.array(found)), axis=0)
                if alike < limits.ALIKE:
                    self._tell_augmentation(self._layers[owner], float(alike), float(spread), float(changed))
        ratios = [float(numpy.median(r)) for r in self._ratios.values()]
        if ratios and max(ratios) > limits.DROPOUT_NOISE:
            self._tell_dropout(max(ratios))

    def _tell_augmentation(self, layer: Any, alike: float, spread: float, changed: float) -> None:
        ranges = getattr(layer, "value_range", None)
        about = f" (value_range={tuple(ranges)})" if ranges is not None else ""
        self.watch.report(
            "augmentation",
            "warning",
            f"layer {layer_label(layer)!r}{about} changes the data by {number(changed)} times their spread: what "
            "comes out "
            f"has a correlation of {alike:.2f} with what went in, so little is left of what the labels belong to",
            layer=layer,
            evidence={"correlation": alike, "spread": spread, "change": changed},
        )

    def _tell_dropout(self, ratio: float) -> None:
        layer = max(self._dropout.values(), key=lambda each: each.rate)
        self.watch.report(
            "dropout_high",
            "warning" if layer.rate >= limits.DROPOUT_CLEAR else "info",
            f"layer {layer_label(layer)!r} drops {layer.rate:.0%}: run again without dropout, the same batch gives "
            "answers "
            f"whose differences between rows are {number(1 / ratio)} times what dropout changes (variance)",
            layer=layer,
            evidence={
                "rate": layer.rate,
                "noise": ratio,
                "layers": [layer_label(each) for each in self._dropout.values()],
            },
        )


def _plain(opened: Any) -> bool:
    """May the model be run once more? Not where a call leaves something behind: states, added losses."""
    inside = layers_in(opened.owner)
    leaves = any(
        getattr(each, "stateful", False) or each._ef_state.losses or each.activity_regularizer is not None
        for each in inside
    )
    ours = all(type(each).__module__.startswith("eagerflow.") for each in inside)
    return isinstance(opened.scope.inputs, tuple) and ours and not leaves
