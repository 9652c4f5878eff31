"""`batchnorm_misuse` and `dropout_idle`: layers that compute otherwise in training, and the mode they are called in."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host, number
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at

__all__ = ["Modes"]

_MOMENTUM_LEFT = 0.5  # of the averages is what they began with, after all updates
_MEANS_APART = 0.5  # standard deviations of a batch between its mean and the average; the noise of batches is a fifth
_VARIANCES_APART = 1.0  # factors of two between a batch's variance and the average
_ONES_SHARE = 0.5  # of the training batches hold one sample; a single one at the end of an epoch is a hint

_FIXES = {
    "dropout_idle": (
        "Call the model with training=True inside the tape: model(x, training=True). Predictions and validation stay "
        "without it."
    ),
    "batchnorm_misuse.ones": (
        "Use a larger batch_size, or LayerNormalization; for a single last batch, drop it or choose another batch_size."
    ),
    "batchnorm_misuse.inference": (
        "Call the model with training=True inside the tape; to keep the layer as it is, set layer.trainable = False."
    ),
    "batchnorm_misuse.training": (
        "Leave training out of the call (or pass training=False) for evaluation and prediction."
    ),
}


class _Norm:
    """How a BatchNormalization was called."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.training = self.ones = self.untrained = self.outside = 0
        self.batch: tuple[numpy.ndarray, numpy.ndarray] | None = None  # mean and variance of what it was given last
        self.ones_at: Any = None
        self.untrained_at: Any = None
        self.outside_at: Any = None


class _Drop:
    """How a Dropout was called on the way to a loss."""

    def __init__(self, layer: Any, outer: Any) -> None:
        self.layer, self.outer = layer, outer  # and what the program called, which it is a part of
        self.calls = 0
        self.dropped = False  # did it ever drop anything?
        self.place: Any = None


class Modes(Check):
    """BatchNormalization on batches of one, or in the wrong mode; a Dropout that never drops anything."""

    fixes = _FIXES

    always = ("on_scope_begin", "on_scope_end")
    begins = ("optimizer",)
    ends = ("layer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._norms: dict[int, _Norm] = {}
        self._optimizers: set[int] = set()
        self._trained: set[int] = set()
        self._drops: dict[int, _Drop] = {}

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "optimizer":
            self._optimizers.add(id(opened.owner))

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._trained |= {getattr(source, "identity", 0) for source in sources}

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        kind = type(opened.owner).__name__
        if opened.kind != "layer":
            return
        if kind.endswith("Dropout") and getattr(opened.owner, "rate", 0.0) > 0:
            self._drop(opened, first_tensor(outputs))
        if kind != "BatchNormalization":
            return
        x, made = first_tensor(opened.scope.inputs), first_tensor(outputs)
        if x is None or made is None or not opened.owner.trainable:
            return
        norm = self._norms.setdefault(id(opened.owner), _Norm(opened.owner))
        if made.key is None:
            if opened.training and self.watch.step > 0:
                norm.outside += 1
                norm.outside_at = norm.outside_at or self._mode_place(opened)
        elif opened.training:
            norm.training += 1
            if self.watch.heavy and _MOMENTUM_LEFT <= _left(norm):
                norm.batch = _statistics(host(x.data), opened.owner.axis)
            if x.data.shape[0] == 1:
                norm.ones += 1
                norm.ones_at = (self.watch.called_at(), x.data.size // (x.data.shape[opened.owner.axis] or 1))
        elif not self._stays_out():
            norm.untrained += 1
            norm.untrained_at = norm.untrained_at or self._mode_place(opened)

    def _drop(self, opened: Any, made: Any) -> None:
        if made is None or made.key is None:
            return
        drop = self._drops.get(id(opened.owner))
        if drop is None:
            outer = next(each.owner for each in self.watch.scopes if each.kind in ("layer", "model"))
            drop = self._drops[id(opened.owner)] = _Drop(opened.owner, outer)
        drop.dropped = drop.dropped or bool(opened.training) or self._stays_out()
        drop.calls += 1
        drop.place = drop.place or self._mode_place(opened)

    def _stays_out(self) -> bool:
        """Is this in a model that was called with training=False by one that trains, as is usual for fine-tuning?"""
        around = [each for each in self.watch.scopes if each.kind in ("layer", "model")]
        inner = [each.training for each in around[1:] if each.kind == "model"]
        return around[0].training is True and False in inner

    def _mode_place(self, opened: Any) -> Any:
        """The line that chose the mode: that of the layer's call in a method, or that of the model's call."""
        from_call = self.watch.innermost_user_line(opened)
        return from_call or self.watch.called_at()

    def on_step_end(self) -> None:
        if self.watch.step + 1 == limits.WINDOW:
            self._judge()

    def finish(self) -> None:
        """Judge once more; whether a Dropout ever drops anything, only the end can tell."""
        self._judge()
        if not self.watch.interrupted:
            self._judge_lag()
        if not self.watch.raw("batchnorm_misuse"):  # which names them, too
            self._idle()

    def _judge(self) -> None:
        for norm in self._norms.values():
            self._judge_ones(norm)
            gamma = getattr(norm.layer, "gamma", None)
            used = gamma is None or gamma.identity in self._trained
            if norm.untrained >= min(3, max(1, self.watch.step)) and not norm.training and used:
                what = "runs in inference mode while it is trained: its moving averages stay as they began"
                idle = [drop.layer for drop in self._drops.values() if not drop.dropped]
                if idle:
                    drop = "drop" if len(idle) > 1 else "drops"
                    what += f", and {', '.join([repr(layer_label(each)) for each in idle])} {drop} nothing"
                self._tell(norm, "inference", "warning", what, norm.untrained_at, {"calls": norm.untrained})
            if norm.outside and norm.training and len(self._optimizers) < 2:
                what = (
                    f"runs in training mode outside of training, {norm.outside} times: predictions depend on the other "
                    "rows of the batch, and change its moving averages"
                )
                self._tell(norm, "training", "warning", what, norm.outside_at, {"calls": norm.outside})

    def _idle(self) -> None:
        """Dropouts of what is trained, none of whose calls dropped anything."""
        enough = min(limits.UNREACHED_STEPS, max(limits.FIRST, self.watch.step))
        idle = [d for d in self._drops.values() if not d.dropped and d.calls >= enough and self._is_trained(d.outer)]
        if not idle:
            return
        names = ", ".join([f"{layer_label(drop.layer)!r} ({drop.layer.rate:.0%})" for drop in idle])
        several = len(idle) > 1
        self.watch.report(
            "dropout_idle",
            "warning",
            f"layer{'s' if several else ''} {names} never drop{'' if several else 's'} anything: none of "
            f"{idle[0].calls} calls on the way to the loss {'of each ' if several else ''}was in training mode, so the "
            f"network is trained as if {'they were' if several else 'it was'} not there",
            layer=idle[0].layer,
            place=idle[0].place,
            key=("dropout_idle", "all"),
            evidence={
                "calls": idle[0].calls,
                "dropped": 0,
                "rate": idle[0].layer.rate,
                "layers": [layer_label(drop.layer) for drop in idle],
            },
        )

    def _is_trained(self, outer: Any) -> bool:
        """Were gradients asked of weights of what the program called? A teacher's Dropout has nothing to drop."""
        weights = getattr(outer, "trainable_variables", ())
        return not weights or any(v.identity in self._trained for v in weights)

    def _judge_ones(self, norm: _Norm) -> None:
        if not norm.ones:
            return
        place, values = norm.ones_at
        most = norm.ones >= _ONES_SHARE * norm.training
        severity = "info" if not most else "error" if values == 1 else "warning"
        effect = "its output is 0 (plus beta), whatever the input" if values == 1 else "its statistics are of one only"
        what = f"gets batches of one sample in {norm.ones} of {norm.training} training calls: {effect}"
        evidence = {"batches_of_one": norm.ones, "calls": norm.training, "values_per_channel": values}
        self._tell(norm, "ones", severity, what, place, evidence)

    def _judge_lag(self) -> None:
        """Averages that are still what they began with, and far from what the batches have; the farthest is told."""
        found = [(apart, norm) for norm in self._norms.values() if (apart := _lag(norm)) is not None]
        known = [each.rule for each in self.watch.raw("batchnorm_misuse")]
        if not found or "batchnorm_misuse.validation" in known:  # which says more
            return
        apart, norm = max(found, key=lambda each: each[0])
        momentum, left = norm.layer.momentum, _left(norm)
        others = f"; so do {len(found) - 1} more" if len(found) > 2 else "; so does one more" if len(found) > 1 else ""
        what = (
            f"learns its moving averages too slowly: after {norm.training} updates with momentum {momentum:g} they are "
            f"still {left:.0%} of what they began with, and {number(apart)} standard deviations from the means of the "
            f"batches{others}. Evaluation and prediction use them, and are worse than training"
        )
        evidence = {"updates": norm.training, "momentum": momentum, "left": left, "means_apart": apart}
        severity = "warning" if momentum > limits.MOMENTUM_USUAL else "info"
        self._tell(norm, "lag", severity, what, made_at(norm.layer), evidence)

    def _tell(self, norm: _Norm, way: str, severity: str, what: str, place: Any, evidence: dict[str, Any]) -> None:
        self.watch.report(
            f"batchnorm_misuse.{way}",
            severity,
            f"layer {layer_label(norm.layer)!r} {what}",
            layer=norm.layer,
            place=place,
            key=("batchnorm_misuse", "lag") if way == "lag" else ("batchnorm_misuse", id(norm), way),
            evidence=evidence,
        )


def _left(norm: _Norm) -> float:
    """How much of its first moving averages a layer still has."""
    return float(norm.layer.momentum) ** norm.training


def _lag(norm: _Norm) -> float | None:
    """How far the averages of means are from those of the batches; None where they have come near, or had no time."""
    if norm.batch is None or norm.training < limits.FEW_STEPS or _left(norm) < _MOMENTUM_LEFT:
        return None
    mean, variance = norm.batch
    moving_mean, moving_variance = (host(v.data) for v in (norm.layer.moving_mean, norm.layer.moving_variance))
    alive = variance > 0
    if not alive.any():
        return None
    apart = float(numpy.median(abs(moving_mean - mean)[alive] / numpy.sqrt(variance[alive])))
    wider = float(numpy.median(abs(numpy.log2(moving_variance[alive] / variance[alive]))))
    return apart if apart >= _MEANS_APART or wider >= _VARIANCES_APART else None


def _statistics(x: numpy.ndarray, axis: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Mean and variance of each channel."""
    others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    return x.mean(axis=others, dtype="float64"), x.var(axis=others, dtype="float64")
