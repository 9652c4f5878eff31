"""`no_gradient`: weights that the loss doesn't depend on, and layers that are never called."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterable
from typing import Any

import numpy

from eagerflow import Tensor, Variable, layers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, tensors, total
from viz.doctor.checks.own_losses.counted_rows import CountedRows
from viz.doctor.checks.updates.cuts import Cut, Cuts
from viz.doctor.checks.updates.taken_out import Taken, TakenOut
from viz.doctor.checks.updates.unrecorded import Unrecorded, Way
from viz.doctor.program import layer_label
from viz.doctor.source_calls import numpy_in_tape
from viz.doctor.user_code import made_at
from viz.doctor.variable_owners import Owners, layers_in, one_time_step
from viz.recorder.descriptions import flat

__all__ = ["Unreached"]

_MOST_NAMES = 6  # of weights, in one message
_FLAT = ("round", "floor", "ceil", "trunc", "sign", "stop_gradient")

_FIXES = {
    "no_gradient": (
        "Use the layer on the way to the loss, inside the tape, without .numpy(), stop_gradient, argmax or "
        "round; if it should stay as it is, set layer.trainable = False."
    ),
    "no_gradient.cut": (
        "Take a loss that changes a little when the answers do: crossentropies instead of argmax or an accuracy, "
        "squares instead of rounded numbers; what is counted belongs into metrics."
    ),
    "no_gradient.stopped": (
        "Leave stop_gradient out of this step, whose weights get their gradients through it. In a GAN it belongs into "
        "the discriminator's step, discriminator(stop_gradient(generator(noise))), and not into the generator's, "
        "discriminator(generator(noise)), where the optimizer is given the generator's weights alone."
    ),
    "no_gradient.stopped_part": (
        "Leave stop_gradient out there; if these weights should stay as they are, leave them out of what the tape and "
        "the optimizer are given, or set layer.trainable = False."
    ),
    "no_gradient.before_tape": (
        "Move that call into the block of the tape, with GradientTape() as tape: a tape records only what runs while "
        "it is open."
    ),
    "no_gradient.behind_tape": (
        "Move the loss into the block of the tape, one step to the right: a tape records only what runs while it is "
        "open."
    ),
    "no_gradient.numpy": (
        "Leave .numpy(), float() and functions of NumPy out there: layers, losses and ops (ops.log for np.log) take "
        "tensors as they are. Take numbers to print after the tape."
    ),
    "no_gradient.loss_weight": (
        "Give that output a weight above 0, compile(loss_weights={...}), or leave it out of the model while it isn't "
        "to be learnt."
    ),
    "no_gradient.predict": (
        "Call the model itself: answers = model(x, training=True). predict gives NumPy arrays, which no tape knows."
    ),
    "no_gradient.weights": (
        "Give rows a weight above 0: look at how sample_weight (or class_weight) is made, and whether any row fits its "
        "condition."
    ),
    "no_gradient.ignored": (
        "Look at what marks the labels that don't count, print(numpy.unique(y)), and at how that mark gets into them: "
        "a shift by one, a padding over everything, a mask that is inverted (True stands for what counts)."
    ),
    "no_gradient.zero_loss": (
        "Print the loss of a single row beside its label and its answer. Is a mask inverted, are all labels the number "
        "that is left out, or is everything multiplied by 0?"
    ),
    "no_gradient.float16": (
        "Scale the loss, as fit does by itself: optimizer = optimizers.LossScaleOptimizer(optimizer), and in the tape "
        "loss = optimizer.scale_loss(loss); or use mixed_bfloat16, which has float32's range."
    ),
    "no_gradient.input": (
        "Look which tensor each layer is called with: was one input used twice? What isn't needed, leave out of "
        "Model(inputs, outputs) and of the data."
    ),
    "no_gradient.one_step": (
        "Are the numbers of a row one after the other in time? Then make each of them a step: x.reshape(rows, steps, "
        "1). If they are columns, use Dense instead of a recurrent layer."
    ),
    "no_gradient.uncalled": "Call it in the model's call method, or remove it.",
}


class _Seen:
    """What happened to a variable whose gradient was asked for."""

    __slots__ = ("asked", "cut", "end", "given", "measured", "nonzero", "taken", "variable")

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.asked = self.given = self.measured = self.nonzero = 0
        # The op behind which no weight of its step had a gradient, and its line.
        self.cut: tuple[str, Any] | None = None
        self.end: Cut | None = None  # the same, where other weights have one
        self.taken: Taken | None = None  # where the numbers were read that such a step went on with


class Unreached(Check):
    """Variables whose gradient is None, or zero, in every step. Those with `trainable=False` are left alone."""

    fixes = _FIXES

    always = ("on_scope_begin",)
    begins = ("layer", "model", "step", "loss")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._seen: dict[int, _Seen] = {}
        self._trained = False
        self._without_slope: tuple[str, Any] | None = None  # the last op that gave untracked values of tracked ones
        self._asked = False  # was a gradient asked for since then? A second tape of the same block asks for another
        self._flat: tuple[str, Any] | None = None  # that one, of the last step
        self._loss = 0.0  # the largest, of those looked at
        self._place: Any = None
        self._unrecorded = Unrecorded(watch)
        self._taken_out = TakenOut(watch)
        self._cuts = Cuts()
        self._rows = CountedRows()
        self._scales = False  # does the optimizer of `fit` multiply the loss by a scale?

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "loss":
            if self.watch.heavy:
                self._rows.on_loss(opened.owner, opened.scope.inputs)
        elif opened.kind != "step":
            self._owners.meet(opened)
        elif opened.scope.name == "train_step" and self.watch.heavy:
            self._scales = self._scales or hasattr(getattr(opened.owner, "optimizer", None), "dynamic_scale")
            self._rows.on_train_step(opened.scope.inputs)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if not isinstance(outputs, Tensor) or self.watch.inside("metric"):
            return
        flat = outputs.data.dtype.kind in "biu" or op.name in _FLAT
        self._unrecorded.hear(inputs, outputs, flat)
        self._cuts.hear(inputs, outputs)
        if self._asked and outputs.key is not None:  # of the next block
            self._asked, self._without_slope = False, None
        if outputs.key is not None:
            if op.name in ("multiply", "where"):
                self._rows.on_mask(op.name, inputs, self.watch.place)
            return
        # Others lose their gradient by standing outside of the tape, which is another mistake.
        if flat and any(x.key is not None for x in tensors(list(inputs))):
            self._without_slope = op.name, self.watch.place()
            self._cuts.end(*self._without_slope, list(inputs))

    def on_read(self, tensor: Any, how: str, place: Any) -> None:
        taken = self._taken_out.hear(tensor, how, place)
        if taken is not None:
            self._cuts.end(taken.by, place, [tensor], reads=True)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._trained = True
        lost = not any(isinstance(result, Tensor) for result in results)
        cut, self._flat, self._asked = self._without_slope if lost else None, self._without_slope, True
        taken = self._taken_out.asked()
        self._loss = max(self._loss, abs(total(targets)))
        if self._place is None:
            self._place = self.watch.called_at()
        for source, result in zip(sources, results):
            if not isinstance(source, Variable) or not source.trainable:
                continue
            seen = self._seen.setdefault(source.identity, _Seen(source))
            seen.asked += 1
            seen.cut = cut
            seen.taken = taken if lost else None
            if isinstance(result, Tensor):
                seen.given += 1
                seen.measured += 1
                seen.nonzero += bool(host(result.data).any())
        lacking = [s for s, r in zip(sources, results) if isinstance(s, Variable) and not isinstance(r, Tensor)]
        self._unrecorded.asked(targets, lacking)
        ends = self._cuts.asked([s for s in sources if isinstance(s, Variable)], lacking)
        for identity in [v.identity for v in lacking if v.identity in self._seen]:
            self._seen[identity].end = None if lost else ends.get(identity)

    def on_crash(self, error: BaseException) -> None:
        """A tape refuses a loss that is a plain number; the line at fault is the one that read it."""
        number = _plain_target(error)
        taken = None if number is None else self._taken_out.gave(number)
        if taken is not None:
            self.watch.report(
                "no_gradient.numpy",
                "error",
                "the gradient is asked of a plain number, which the tape refuses with an error: inside its block, "
                f"{taken.by} reads the values of what was computed, and no gradient goes through those",
                place=taken.place,
                key=("no_gradient.refused", taken.place),
                evidence={"variables": [], "steps": self.watch.step, "gradient": "refused"},
            )

    def on_step_end(self) -> None:
        if not self.watch.ended_late:  # then the forward pass of the next step is over, too
            self._cuts.clear()
        if self.watch.step + 1 == limits.UNREACHED_STEPS:
            self._judge()

    def finish(self) -> None:
        """Judge again what has been reached since, and what never was called."""
        self._judge()
        if self._trained:
            self._uncalled()
            self._unused_inputs()

    def _judge(self) -> None:
        without: dict[int, list[_Seen]] = {}
        zero: dict[int, list[_Seen]] = {}
        some = any(s.nonzero for s in self._seen.values())
        enough = min(limits.UNREACHED_STEPS, max(3, self.watch.step))
        for seen in self._seen.values():
            owner = id(self._owners.of(seen.variable) or seen.variable)
            if seen.asked and not seen.given and seen.cut is None:
                without.setdefault(owner, []).append(seen)
            elif some and seen.measured >= enough and not seen.nonzero and _is_kernel(seen.variable):
                zero.setdefault(owner, []).append(seen)
        for owner in [key for key in self.watch.keys("no_gradient") if key not in without and key not in zero]:
            self.watch.retract(("no_gradient", owner))
        often = max((seen.asked for seen in self._seen.values()), default=1)  # a round may make several updates
        behind: dict[tuple[str, Any], list[_Seen]] = {}
        for seen in self._seen.values():
            if seen.cut is not None and not seen.given and seen.asked >= min(limits.FIRST, often):
                behind.setdefault(seen.cut, []).append(seen)
        for (op, place), group in behind.items():
            self._tell_cut(op, place, group)
        self._tell_unrecorded(without)
        self._tell_taken(without)
        cut = self._place and numpy_in_tape(self._place.file)
        called = [key for key, group in without.items() if self._owners.used(self._owners.of(group[0].variable))]
        if cut and called:
            by = "predict" if ".predict" in linecache.getline(cut.file, cut.line) else ".numpy()"
            self._tell_numpy([seen for key in called for seen in without.pop(key)], Taken(cut, by))
        self._tell_ends(without)
        for owner, group in without.items():
            self._tell(owner, group, "None")
        if self.watch.has("dead_relu", "loss_mismatch", "saturated", "nonfinite"):  # which explain zeros
            return
        asked = [seen for seen in self._seen.values() if seen.asked]
        if asked and not some and all(seen.measured >= enough for seen in asked if seen.given):
            self._tell_all(asked)
            return
        half = [] if self._scales else [key for key, group in zero.items() if self._in_half(group)]
        if half:
            self._tell_half([seen for key in half for seen in zero.pop(key)])
        for owner, group in zero.items():
            self._tell(owner, group, "exactly 0")

    def _in_half(self, group: list[_Seen]) -> bool:
        """Does this layer compute in float16, in which small gradients become 0?"""
        return getattr(self._owners.of(group[0].variable), "compute_dtype", "") == "float16"

    def _tell_unrecorded(self, without: dict[int, list[_Seen]]) -> None:
        """Those that the loss was made with while no tape recorded are told of by the lines at fault, and taken out."""
        ways: dict[Way, list[_Seen]] = {}
        for owner, group in list(without.items()):
            found = [self._unrecorded.way_of(seen.variable) for seen in group]
            if found[0] is not None and None not in found:
                ways.setdefault(found[0], []).extend(without.pop(owner))
        for way, group in ways.items():
            names = ", ".join([seen.variable.path for seen in group])
            self.watch.report(
                "no_gradient.behind_tape" if way.behind else "no_gradient.before_tape",
                "error",
                f"{way.words(self._place)}: the gradient of {names} is None {self.watch.in_all(group[0].asked)}",
                layer=self._owners.of(group[0].variable),
                place=way.place,
                key=("no_gradient", way),
                evidence={"variables": [s.variable.path for s in group], "steps": group[0].asked, "gradient": "None"},
            )

    def _tell_all(self, asked: list[_Seen]) -> None:
        """No weight at all had a gradient that isn't zero.

        Where only biases had one at all, it is the others that tell what is wrong.
        """
        steps, given = asked[0].asked, [seen for seen in asked if seen.given]
        kernels = [seen for seen in given if _is_kernel(seen.variable)]
        if not given or (not kernels and len(given) < len(asked)):
            return
        where = f"the gradient of all {len(given)} weights is exactly 0 {self.watch.in_all(steps)}"
        evidence = {"variables": [seen.variable.path for seen in given], "steps": steps, "gradient": "exactly 0"}
        about = {"place": self._place, "key": ("no_gradient", "all"), "evidence": evidence}
        if self._rows.weighted is False:
            words = f"{where}: all sample weights are 0, so the loss is 0, whatever the answers"
            self.watch.report("no_gradient.weights", "error", words, **about)
        elif self._rows.ignored and not self._loss:
            about["place"] = self._rows.place or self._place
            words = f"{where}: {self._rows.ignored}, so the loss is 0, whatever the answers"
            self.watch.report("no_gradient.ignored", "error", words, **about)
        elif self.watch.has("constant_output", "initial_weights"):
            return
        elif not self._loss:
            self._tell_zero_loss(where, about)
        elif not self._scales and kernels and all(self._in_half([seen]) for seen in kernels):
            self._tell_half(given)
        else:
            loss = f"though the loss is {number(self._loss)}"
            if self._flat is not None:
                op, about["place"] = self._flat
                words = f"{where}, {loss}: what it tells of the answers goes through {op}, which has no slope"
                self.watch.report("no_gradient.cut", "error", words, op=op, **about)
            else:
                words = f"{where}, {loss}: it doesn't change when they do"
                self.watch.report("no_gradient.cut", "error", words, **about)

    def _tell_zero_loss(self, where: str, about: dict[str, Any]) -> None:
        """A hint: a loss of 0 from the first step on, since nothing counts in it, or as there is nothing to learn."""
        if self.watch.training.known:
            return  # trained before, and perfect by now
        words = f"{where}, and so is the loss: either no label counts in it, or all answers are right from the start"
        self.watch.report("no_gradient.zero_loss", "info", words, **about)

    def _tell_half(self, group: list[_Seen]) -> None:
        """Gradients that became 0 on their way through float16."""
        layers_at = list(dict.fromkeys(layer_label(self._owners.of(seen.variable)) for seen in group))
        first = self._owners.of(group[0].variable)
        self.watch.report(
            "no_gradient.float16",
            "error",
            f"the gradients of {', '.join(map(str, layers_at))}, which compute in float16, are exactly 0 in all "
            f"{self.watch.counted(group[0].asked)}: what is below 6e-8 becomes 0 there, and no loss scale "
            "keeps it above",
            layer=first,
            key=("no_gradient", "float16"),
            evidence={
                "variables": [seen.variable.path for seen in group],
                "steps": group[0].asked,
                "gradient": "exactly 0",
            },
        )

    def _tell_cut(self, op: str, place: Any, group: list[_Seen]) -> None:
        """One op stands between the loss of a step and all weights of which it asks a gradient."""
        names = [seen.variable.path for seen in group]
        stopped = op == "stop_gradient"
        what = f"no weight has a gradient ({len(names)} were asked for)"
        if len(group) < len(self._seen):
            what = f"none of the {len(names)} weights that this step trains, from {names[0]!r} on, has a gradient"
        why = "which lets no gradient through" if stopped else "which has no slope"
        self.watch.report(
            "no_gradient.stopped" if stopped else "no_gradient.cut",
            "error",
            f"{what}: the loss goes through {op}, {why}",
            op=op,
            place=place,
            key=("no_gradient", ("cut", op, place)),
            evidence={"variables": names, "steps": self.watch.step, "gradient": "None"},
        )

    def _tell_ends(self, without: dict[int, list[_Seen]]) -> None:
        """Those that lose their gradient in one place, while others have theirs, are told of by its line."""
        ends: dict[Cut, list[_Seen]] = {}
        for owner, group in list(without.items()):
            found = {seen.end for seen in group}
            if len(found) == 1 and None not in found:
                ends.setdefault(next(iter(found)), []).extend(without.pop(owner))  # type: ignore[arg-type]
        for cut, group in ends.items():
            if cut.reads and cut.place is not None:
                self._tell_numpy(group, Taken(cut.place, cut.by))
                continue
            stopped = cut.by == "stop_gradient"
            why = "which lets no gradient through" if stopped else "which has no slope"
            self.watch.report(
                "no_gradient.stopped_part" if stopped else "no_gradient.cut",
                "error",
                f"the gradient of {_names(group)} is None {self.watch.in_all(group[0].asked)}: what is computed with "
                f"{'them' if len(group) > 1 else 'it'} goes on through {cut.by} alone, {why}",
                layer=self._owners.of(group[0].variable),
                op=cut.by,
                place=cut.place,
                key=("no_gradient", ("end", cut)),
                evidence={"variables": [s.variable.path for s in group], "steps": group[0].asked, "gradient": "None"},
            )

    def _tell_taken(self, without: dict[int, list[_Seen]]) -> None:
        """Those that have no gradient as the loss is made of numbers that one line reads are told of by that line."""
        lines: dict[Taken, list[_Seen]] = {}
        for owner, group in list(without.items()):
            if group[0].taken is not None and self._owners.used(self._owners.of(group[0].variable)):
                lines.setdefault(group[0].taken, []).extend(without.pop(owner))
        for taken, group in lines.items():
            self._tell_numpy(group, taken)

    def _tell_numpy(self, group: list[_Seen], taken: Taken) -> None:
        """Layers that are called, and cut off by a line that takes plain numbers out of the tape."""
        paths = [seen.variable.path for seen in group]
        self.watch.report(
            "no_gradient.predict" if taken.by == "predict" else "no_gradient.numpy",
            "error",
            f"the gradient of {_names(group)} is None {self.watch.in_all(group[0].asked)}: {taken.by} gives plain "
            "numbers inside the tape, through which no gradient goes",
            layer=self._owners.of(group[0].variable),
            place=taken.place,
            key=("no_gradient", ("numpy", taken.place)),
            evidence={"variables": paths, "steps": group[0].asked, "gradient": "None"},
        )

    def _tell(self, owner: int, group: list[_Seen], what: str) -> None:
        layer = self._owners.of(group[0].variable)
        names = ", ".join([s.variable.path for s in group])
        whose = f"layer {layer_label(layer)!r}" if layer is not None else "the loop's own weights"
        sequences = one_time_step(self._owners.roots(), group[0].variable) if what != "None" else None
        way, reason = "no_gradient", "; the loss doesn't depend on them" if what == "None" else ""
        if what == "None" and layer is not None and not self._owners.used(layer):
            reason = "; the layer is never called"
        elif what != "None" and _without_weight(self._owners.roots(), layer):
            way, reason = "no_gradient.loss_weight", "; loss_weights gives the loss of this output the weight 0"
        elif sequences:
            way = "no_gradient.one_step"
            reason = f"; its sequences, {sequences[1:]}, have one time step, at whose start the state is 0"
        self.watch.report(
            way,
            "warning" if what != "None" else "error",
            f"the gradient of {names} ({whose}) is {what} {self.watch.in_all(group[0].asked)}{reason}",
            layer=layer if layer is not None else group[0].variable.path,
            key=("no_gradient", owner),
            evidence={"variables": [s.variable.path for s in group], "steps": group[0].asked, "gradient": what},
        )

    def _uncalled(self) -> None:
        """Layers that a trained model holds, which have not even been built."""
        trained = {id(layer) for layer in map(self._owners.of, (s.variable for s in self._seen.values()))}
        for root in self._owners.roots():
            inside = layers_in(root)
            if not any(id(layer) in trained for layer in inside):
                continue
            for layer in inside:
                if not layer.built and not self._owners.met(layer) and _has_weights(layer):
                    self.watch.report(
                        "no_gradient.uncalled",
                        "warning",
                        f"layer {layer_label(layer)!r} is never called: it has no weights yet",
                        layer=layer,
                        key=("no_gradient", id(layer)),
                        evidence={"variables": [], "steps": 0, "gradient": "None"},
                    )

    def _unused_inputs(self) -> None:
        """An `Input` of a trained model from which no way leads to its outputs."""
        for root in self._owners.roots():
            graph = getattr(getattr(root, "_ef_state", None), "graph", None)
            if graph is None or not self._trains(root):
                continue
            used = {id(x) for node in graph.nodes for x in flat(node.inputs)} | {id(x) for x in flat(graph.outputs)}
            given = list(flat(graph.inputs))
            unused = [x for x in given if id(x) not in used]
            if not unused or len(unused) == len(given):
                continue
            names = ", ".join([repr(getattr(x, "name", "?")) for x in unused])
            numbers = ", ".join([str(i) for i, x in enumerate(given, 1) if id(x) not in used])
            self.watch.report(
                "no_gradient.input",
                "warning",
                f"of the {len(given)} inputs of {layer_label(root)!r}, number {numbers} ({names}) reaches no output: "
                "what it is given changes nothing",
                layer=root,
                place=made_at(root),
                key=("no_gradient.input", id(root)),
                evidence={"inputs": len(given), "unused": len(unused), "steps": self.watch.step, "variables": []},
            )

    def _trains(self, root: Any) -> bool:
        """Was a gradient asked of weights of this model?"""
        return any(getattr(v, "identity", 0) in self._seen for v in getattr(root, "trainable_variables", ()))


def _plain_target(error: BaseException) -> float | None:
    """The number that a gradient was asked of, where that is why a tape ended the script; NaN for several."""
    if not isinstance(error, TypeError) or not str(error).startswith("gradient(target=...): expected a tensor"):
        return None
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    given = frame.f_locals.get("t")
    if not isinstance(given, (float, numpy.floating, numpy.ndarray)):
        return None
    return float(numpy.asarray(given).reshape(())) if numpy.size(given) == 1 else numpy.nan


def _names(group: list[_Seen]) -> str:
    paths = [seen.variable.path for seen in group]
    more = len(paths) - _MOST_NAMES
    return ", ".join(paths if more < 2 else [*paths[:_MOST_NAMES], f"{more} more"])


def _has_weights(layer: Any) -> bool:
    """Will it have weights of its own once it is built?"""
    return not layer.weights and type(layer).build is not layers.Layer.build


def _is_kernel(variable: Variable) -> bool:
    """Biases may well have no gradient, such as one before a normalization."""
    return variable.data.ndim > 1 and "bias" not in variable.name


def _without_weight(models: Iterable[Any], layer: Any) -> bool:
    """Is a layer an output of a model that was compiled with a weight of 0 for its loss?"""
    for model in models:
        compiled = getattr(getattr(model, "_ef_state", None), "compiled", None)
        weights = getattr(compiled, "arguments", {}).get("loss_weights")
        if isinstance(weights, (list, tuple)):
            weights = dict(zip(getattr(model, "output_names", ()), weights))
        if isinstance(weights, dict) and weights.get(getattr(layer, "name", None)) == 0:
            return True
    return False
