"""`batchnorm_misuse` and `dropout_idle`: layers that compute otherwise in training, and the mode they are called in."""

from __future__ import annotations

from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, tracked
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import layer_label
from viz.doctor.trainings.training import identities

__all__ = ["Modes"]

_NOT_BACK = 0.4  # of the calls on the way to a loss are in evaluation mode, several in a row, while others aren't


class _Calls:
    """The calls of a layer on the way to a loss: in training mode, and in evaluation mode."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.calls = self.training = self.idle = self._row = 0

    def add(self, trains: bool) -> None:
        """Another call; single ones in evaluation mode between others are meant so."""
        self.calls, self.training = self.calls + 1, self.training + trains
        self._row = 0 if trains else self._row + 1
        if self._row >= limits.FIRST:
            self.idle += self._row if self._row == limits.FIRST else 1


class _Norm(_Calls):
    """How a BatchNormalization was called."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.ones = self.outside = 0
        self.ones_at: Any = None
        self.values = 0  # of a channel, in a batch of one
        self.untrained_at: Any = None
        self.outside_at: Any = None

    @property
    def left(self) -> float:
        """How much of its first moving averages it still has."""
        return float(self.layer.momentum) ** self.training


class _Drop(_Calls):
    """How a Dropout was called on the way to a loss."""

    def __init__(self, layer: Any, outer: Any) -> None:
        super().__init__(layer)
        self.outer = outer  # what the program called, which it is a part of
        self.weights: set[int] = set()  # of that
        self.place: Any = None


class Modes(Check):
    """BatchNormalization on batches of one, or in the wrong mode; a Dropout that never drops anything."""

    rules = {
        "dropout_idle": Rule.warning(
            "{named} never drop anything: none of {calls} calls on the way to the loss was in training mode, so the "
            "network is trained as if there were no Dropout",
            "Call the model with training=True inside the tape, model(x, training=True), but not for validation.",
        ),
        "dropout_idle.later": Rule.warning(
            "{named} {do} in {first} of {calls} calls on the way to the loss: {idle} others, many in a row, are in "
            "evaluation mode, and nothing puts the network back into training mode before them",
            "Choose training mode before the training steps of each round, and after each evaluation.",
        ),
        "validation_mismatch.training_mode": Rule.warning(
            "layer {name} drops {rate:.0%} of its input in all of {calls} calls outside of training, since the "
            "network never leaves training mode: what is measured there is that of a network with units missing",
            "Choose evaluation mode for what is measured, and training mode before training goes on; a Dropout that "
            "is called in a model gets training=False.",
        ),
        "batchnorm_misuse.ones": Rule.warning(
            "layer {name} gets batches of one sample in {batches_of_one} of {calls} training calls: {effect}",
            "Use a larger batch_size, or LayerNormalization; a last batch of one can be dropped.",
        ),
        "batchnorm_misuse.inference": Rule.warning(
            "layer {name} runs in inference mode while it is trained: its moving averages stay as they began{idle}",
            "Call the model with training=True inside the tape; layer.trainable = False keeps the layer as it is.",
        ),
        "batchnorm_misuse.training": Rule.warning(
            "layer {name} runs in training mode outside of training, {calls} times: predictions depend on the other "
            "rows of the batch, and change its moving averages",
            "Leave training out of the call (or pass training=False) for evaluation and prediction.",
        ),
    }

    always = ("on_optimizer", "on_call_end", "on_routine", "on_answer")

    def begin(self) -> None:
        self._norms: dict[int, _Norm] = {}
        self._optimizers: set[int] = set()
        self._trained: set[int] = set()
        self._drops: dict[int, _Drop] = {}
        self._evaluates: Any = None  # the line that chose evaluation mode last
        self._outside: list[tuple[Any, bool]] = []  # Dropouts of the running call, and whether they drop something
        self._noisy: dict[int, list[Any]] = {}  # by the Dropout: it, calls, the last one's line, the model's weights
        self._quiet = False  # is any called outside of training that drops nothing?

    def on_routine(self, name: str, thing: Any, about: Any) -> None:
        if name == "mode" and not about["training"]:
            self._evaluates = self.watch.place()

    @property
    def lags(self) -> bool:
        """Has a BatchNormalization that is trained still some of its first averages?"""
        return any(norm.left >= limits.SOME for norm in self._norms.values() if norm.training)

    def on_optimizer(self, opened: Any) -> None:
        self._optimizers.add(id(opened.owner))

    def on_gradients(self, gradients: Gradients) -> None:
        self._trained |= gradients.asked

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        kind = type(opened.owner).__name__
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
            norm.add(True)
            if x.data.shape[0] == 1:
                norm.ones += 1
                channels = x.data.shape[opened.owner.axis] or 1
                norm.ones_at, norm.values = self.watch.called_at(), x.data.size // channels
        elif not self._stays_out():
            norm.add(False)
            norm.untrained_at = norm.untrained_at or self._mode_place(opened)

    def _drop(self, opened: Any, made: Any) -> None:
        if made is None:
            return
        if made.key is None:
            self._outside.append((opened.owner, bool(opened.training)))
            return
        outer = next(each.owner for each in self.watch.scopes if each.kind in ("layer", "model"))
        drop = self._drops.setdefault(id(opened.owner), _Drop(opened.owner, outer))
        drop.weights = drop.weights or {v.identity for v in getattr(drop.outer, "trainable_variables", ())}
        drop.add(bool(opened.training) or self._stays_out())
        drop.place = drop.place or self._mode_place(opened)

    def on_answer(self, opened: Any, outputs: Any) -> None:
        """What a frozen network drops is outside of training only if the whole answer is."""
        drops, self._outside = self._outside, []
        if not tracked(first_tensor(outputs)) and not self.watch.trains():
            for layer, training in drops:
                self._dropped(layer, training, opened.owner)

    def _dropped(self, layer: Any, training: bool, outer: Any) -> None:
        if not training:
            self._quiet = True
        elif self.watch.step:
            known = self._noisy.get(id(layer))
            if known is None:
                weights = identities(getattr(outer, "trainable_variables", ()))
                known = self._noisy[id(layer)] = [layer, 0, None, weights]
            known[1:3] = [known[1] + 1, self.watch.called_at()]

    def _stays_out(self) -> bool:
        """Is this in a model that was called with training=False by one that trains, as is usual for fine-tuning?"""
        around = [each for each in self.watch.scopes if each.kind in ("layer", "model")]
        inner = [each.training for each in around[1:] if each.kind == "model"]
        return around[0].training is True and False in inner

    def _mode_place(self, opened: Any) -> Any:
        """The line that chose the mode: that of the layer's call in a method, or that of the model's call."""
        return self.watch.innermost_user_line(opened) or self.watch.called_at()

    def on_step_end(self) -> None:
        if self.watch.step + 1 == limits.WINDOW:
            self._judge()

    def finish(self) -> None:
        """Judge once more; whether a Dropout ever drops anything, only the end can tell."""
        self._judge()
        noisy = max(self._noisy.values(), key=lambda each: each[1], default=None)
        few = noisy is None or noisy[1] < limits.AGAIN or len(self._optimizers) > 1
        # A teacher, which isn't trained itself, may be noisy on purpose.
        if noisy is not None and not few and not self._quiet and noisy[3] & self._trained:
            layer, calls, place, _ = noisy
            about = {"rate": layer.rate, "calls": calls, "apart": 1.0}
            self.tell("validation_mismatch.training_mode", layer=layer, place=place, **about)
        if not self.watch.raw("batchnorm_misuse"):  # which names them, too
            self._idle()
            self._not_back()

    def _not_back(self) -> None:
        """Layers that are in training mode at times, and for long in evaluation mode that something else chose."""
        kinds = ("drop anything", self._drops), ("learn averages", self._norms)
        for layer, do in [(each, do) for do, known in kinds for each in known.values() if each.training]:
            if layer.idle >= max(limits.WINDOW, _NOT_BACK * layer.calls) and self._evaluates is not None:
                about: dict[str, Any] = {"place": self._evaluates, "key": ("dropout_idle", 0), "do": do}
                about |= {"calls": layer.calls, "dropped": layer.training, "first": layer.training, "idle": layer.idle}
                named = f"layer {layer_label(layer.layer)!r} and all beside it"
                self.tell("dropout_idle.later", layer=layer.layer, named=named, **about)
                return

    def _judge(self) -> None:
        idle = [repr(layer_label(drop.layer)) for drop in self._drops.values() if not drop.training]
        for norm in self._norms.values():
            gamma = getattr(norm.layer, "gamma", None)
            used = gamma is None or gamma.identity in self._trained
            if norm.ones:
                severity = "info" if norm.ones < limits.MOST * norm.training else "error" if norm.values == 1 else ""
                effect = "its output is 0 (plus beta), whatever the input"
                effect = effect if norm.values == 1 else "its statistics are of one only"
                numbers = {"batches_of_one": norm.ones, "calls": norm.training, "values_per_channel": norm.values}
                self._tell(norm, "ones", norm.ones_at, severity, effect=effect, **numbers)
            if norm.calls >= min(3, max(1, self.watch.step)) and not norm.training and used:
                nothing = f", and {', '.join(idle)} drop{'s' if len(idle) == 1 else ''} nothing" if idle else ""
                self._tell(norm, "inference", norm.untrained_at, calls=norm.calls, idle=nothing)
            if norm.outside and norm.training and len(self._optimizers) < 2:
                self._tell(norm, "training", norm.outside_at, calls=norm.outside)

    def _tell(self, norm: _Norm, way: str, place: Any, severity: str = "", **about: Any) -> None:
        key = "batchnorm_misuse", id(norm), way
        self.tell(f"batchnorm_misuse.{way}", severity, layer=norm.layer, place=place, key=key, **about)

    def _idle(self) -> None:
        """Dropouts of what is trained, none of whose calls dropped anything. A teacher's has nothing to drop."""
        enough = min(limits.WINDOW, max(limits.FIRST, self.watch.step))
        trained = [drop for drop in self._drops.values() if not drop.weights or drop.weights & self._trained]
        idle = [drop for drop in trained if not drop.training and drop.calls >= enough]
        if idle:
            names = [layer_label(drop.layer) for drop in idle]
            named = ", ".join([f"{name!r} ({drop.layer.rate:.0%})" for name, drop in zip(names, idle)])
            named = f"the layer{'s' if len(idle) > 1 else ''} {named}"
            first, about = idle[0], {"place": self._evaluates or idle[0].place, "key": ("dropout_idle", "all")}
            about |= {"named": named, "layers": names, "calls": first.calls, "dropped": 0, "rate": first.layer.rate}
            self.tell("dropout_idle", layer=first.layer, **about)
