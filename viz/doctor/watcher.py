"""`Watcher`: the observer that looks at a program while it runs, and gathers findings."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from threading import get_ident
from typing import Any

from eagerflow.core import observe
from viz import frameworks
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check
from viz.doctor.checks.all_checks import ADVICE, CHECKS
from viz.doctor.facts.step_facts import Gradients, loss_of_scope, loss_scale
from viz.doctor.finding import Finding
from viz.doctor.program import Origin, WatchedScope
from viz.doctor.trainings.training import Training
from viz.doctor.trainings.turns import Turns
from viz.doctor.user_code import Place, made_at, op_place, reader_line, scope_frame, user_line
from viz.facts.schema import Composition
from viz.frameworks.objects import is_tensor, is_variable
from viz.frameworks.owners import is_library
from viz.recorder.compositions import live_composition

__all__ = ["Watcher"]

_HANDLERS = (
    *"op single_op rule gradients update read scope_begin scope_end logs unseen_loss step_end".split(),
    *"loss loss_end optimizer call call_end answer fit_step routine".split(),
    "finish",
)
_BEGINS = {"layer": "call", "model": "call", "optimizer": "optimizer", "train_step": "fit_step"}
_COPIES = ("reshape", "cast", "identity_of", "transpose", "copy", "to_device", "take_index", "stop_gradient")


class Watcher(Turns, observe.Observer):
    """Watches what runs in this thread, and gathers findings.

    Steps at the beginning of each training (and a few later ones) are looked at closely, the others cheaply. Use it as
    a context manager, or call `attach` and `detach`.

    Args:
        found: called with each new finding, from the watched thread.

    >>> import eagerflow as ef
    >>> with Watcher() as watcher:
    ...     y = ef.ops.exp(ef.ops.zeros((2,)))
    >>> watcher.findings
    ()
    """

    tells_mistakes = True
    knows_layouts_of_eagerflow = True
    advice = ADVICE

    def __init__(self, found: Callable[[Finding], None] | None = None, ignored: Iterable[str] = ()) -> None:
        super().__init__(found, ignored)
        self.failures: list[tuple[str, Exception]] = []  # checks that failed themselves: they were not asked again
        self.failed_step = ""  # the name of the step that ended with an error
        self._observing: Any = None
        self._thread = 0  # only what runs in one thread has an order
        self._pending = False  # gradients were computed, and no optimizer has ended the step yet
        self._broken: set[type[Check]] = set()
        self._whole = {kind: kind(self.script) for kind in CHECKS if kind.of_script}  # type: ignore[arg-type]
        self._lines: dict[int, tuple[Any, Place | None]] = {}
        self._asked: Any = None  # for the batch of the step that comes
        self._feeds: weakref.WeakSet[Any] = weakref.WeakSet()  # that steps were made with
        self._unscaled: list[Gradients] = []  # which no optimizer was given yet
        self._losses: dict[int, tuple[Any, tuple[bool, str, str, str]]] = {}  # what is known of loss objects
        self.set_up(self.training)
        self._now = self.training.close

    @property
    def checks(self) -> list[Check]:
        """Those that judge the running training, and the script as a whole."""
        return self.training.checks

    def set_up(self, training: Training) -> None:
        """Give a training checks of its own."""
        kinds = [kind for kind in CHECKS if kind not in self._broken]
        training.checks = [self._whole.get(kind) or kind(self) for kind in kinds]
        _connect(training)

    def turn_to(self, training: Training) -> None:
        """What is announced from here on belongs to this one."""
        super().turn_to(training)
        self._now = training.close if self.heavy else training.light

    def judge(self, training: Training) -> None:
        """Let the own checks of a training that is over say what only the end tells."""
        running, interrupted = self.training, self.interrupted
        self.turn_to(training)
        self.interrupted = False  # it had its end
        self._call([check.finish for check in training.checks if not check.of_script and hasattr(check, "finish")])
        training.finished = True
        training.checks, training.pairs, training.optimizers = [], [], []
        _connect(training)
        self.interrupted = interrupted
        self.turn_to(running)

    def hand_again(self, gradients: Gradients) -> None:
        """Tell the running training of gradients that belong to it."""
        own = [each for each in self._now["gradients"] if not each.__self__.of_script]  # type: ignore[attr-defined]
        self._call(own, gradients)

    def _of_kind(self, name: str, scope: observe.Scope) -> list[Callable[..., None]]:
        """The handlers that want to hear that this kind of scopes begins, or ends."""
        kind = scope.name if scope.kind == "step" else scope.kind
        key = id(self._now), name, kind
        found = self.training.by_kind.get(key)
        if found is None:
            wanted = "begins" if name == "scope_begin" else "ends"
            asked = [(each, getattr(each.__self__, wanted)) for each in self._now[name]]  # type: ignore[attr-defined]
            found = [each for each, kinds in asked if kinds is None or scope.kind in kinds]
            if name == "scope_begin":
                found += self._now[_BEGINS.get(kind, "nothing")]
            self.training.by_kind[key] = found
        return found

    def _hand(self, name: str, *arguments: Any) -> None:
        """Call the handlers."""
        self._call(self._now[name], *arguments)

    def _call(self, handlers: Sequence[Callable[..., None]], *arguments: Any) -> None:
        """Call these handlers. A check that fails is asked no more: the program that is watched must go on."""
        handler = None
        try:
            for handler in handlers:
                handler(*arguments)
        except Exception as error:  # noqa: BLE001
            check = handler.__self__  # type: ignore[union-attr]
            self.failures.append((type(check).__name__, error))
            self._broken.add(type(check))
            for training in self.trainings:
                training.checks = [each for each in training.checks if type(each) is not type(check)]
                _connect(training)
            self._now = self.training.close if self.heavy else self.training.light

    # ------------------------------------------------------------------ beginning and end

    def attach(self) -> Watcher:
        """Begin to watch the running thread."""
        if self._observing is None:
            self.choose_thread()
            self._observing = frameworks.observing(self)
            self._observing.__enter__()
        return self

    def choose_thread(self) -> None:
        """Watch the running thread from here on; what installs this observer without `attach` says so by this."""
        self._thread = get_ident()

    def detach(self) -> None:
        """Stop, and judge what only the end can tell."""
        if self._observing is not None:
            self._observing.__exit__(None, None, None)
            self._observing = None
            self.end_step()
            self.leave_empty()
            for training in self._open():
                self.judge(training)
            self._hand("finish")
            self.scopes.clear()
            self.origins.clear()
            self._lines.clear()

    def __enter__(self) -> Watcher:
        return self.attach()

    def __exit__(self, *error: object) -> None:
        self.detach()

    # ------------------------------------------------------------------ what is announced

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        if get_ident() != self._thread:
            return
        self.duration = ended - started
        if not self.steps.begun:
            self.steps.on_op(outputs)
        parts = self._now["single_op"]  # in a step watched cheaply nobody asks
        fused = live_composition(op, inputs, settings) if parts and op.fused and error is None else None
        self._remember(op, inputs, outputs, op.means if fused is None else fused.parts[-1].name)
        self._hand("op", op, inputs, settings, outputs, error)
        if fused is not None:
            self._hand_parts(fused, inputs, outputs)
        elif parts:
            self._hand("single_op", op, inputs, outputs, outputs)
        self.spent += observe.clock() - ended

    def _hand_parts(self, fused: Composition, inputs: Any, outputs: Any) -> None:
        """Tell of each of the ops that a fused one stands for."""
        live = dict(enumerate([x for x in inputs if x is not None]))
        for part in fused.parts:
            made = outputs if set(part.outputs) == set(fused.results) else None
            self._hand("single_op", part, [live.get(i) for i in part.inputs], made, outputs)

    def _remember(self, op: Any, inputs: Any, outputs: Any, made_by: str) -> None:
        """Enter the origin of tracked outputs."""
        for out in (outputs,) if is_tensor(outputs) else outputs or ():
            if out.key is None or is_variable(out):
                continue
            if made_by in _COPIES and inputs and is_tensor(inputs[0]):
                made_by = self.made_by(inputs[0]) or made_by
            layer = self.layer()
            place = None if self.heavy or layer is None else self._line_of(layer)
            if place is None:
                place = op_place(sys._getframe(2), self.scopes)
            self.origins[out.key] = Origin(op.name, made_by, layer, place)

    def _line_of(self, layer: Any) -> Place | None:
        """Where a layer of the framework's was made; None for one of the user's own. Quicker than looking at frames."""
        known = self._lines.get(id(layer))
        if known is None or known[0] is not layer:
            known = self._lines[id(layer)] = layer, made_at(layer) if is_library(layer) else None
        return known[1]

    def on_rule(
        self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, started: int, ended: int, *error: Any
    ) -> None:
        if get_ident() != self._thread:
            return
        self.duration = ended - started
        self._call(self._now["rule"], op, out_keys, in_keys, gradients, results)
        self.spent += observe.clock() - ended

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        if get_ident() != self._thread or not any(is_variable(source) for source in sources):
            return
        began = self.now = observe.clock()
        gradients = Gradients(targets, sources, results)
        self.steps.on_gradient(sources, results)
        if self._pending and not self.inside("step"):
            self.ended_late = True
            self.end_step()
            self.ended_late = False
        if not self.inside("step"):
            self.choose_by_gradient(sources)
        self.learn(sources)
        self._pending = True
        self._gradient = gradients
        self._unscaled.append(gradients)
        self._hand("gradients", gradients)
        self.spent += observe.clock() - began

    def on_update(self, name: str, variable: Any, inputs: Any, started: int, ended: int) -> None:
        if get_ident() != self._thread:
            return
        self.steps.on_update(variable)
        if not self._now["update"]:
            return
        began = observe.clock()  # variables that are updated together are told of one by one when all of it is over
        self._hand("update", name, variable, inputs)
        self.spent += observe.clock() - began

    def on_read(self, tensor: Any, how: str) -> None:
        if get_ident() != self._thread or not self._now["read"]:
            return
        began = observe.clock()
        place = reader_line(sys._getframe(3))
        if place is not None:
            self._hand("read", tensor, how, place)
        self.spent += observe.clock() - began

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if get_ident() != self._thread:
            return
        began = observe.clock()
        opened = WatchedScope(scope, scope_frame(sys._getframe(1)), self.spent)
        self.steps.on_scope_begin(scope)
        if not self.inside("step"):
            self._choose(opened)
        if scope.kind in ("layer", "model"):
            self.names.hear(scope.owner, (each.owner for each in self.scopes), sys._getframe(1))
        self.scopes.append(opened)
        if scope.kind in ("data", "step"):
            self._hear_feed(scope)
        if scope.kind == "step" and scope.name != "train_step":
            self._now = self.training.light
        if scope.kind == "optimizer":
            for each in self._unscaled:
                each.scale = loss_scale(each.results, opened)
            self._unscaled.clear()
        elif scope.kind in ("layer", "model"):
            self.training.owners.meet(opened)
            self.script.owners.meet(opened)
        handlers = self._of_kind("scope_begin", scope)
        if handlers:
            self._call(handlers, opened)
        if scope.kind == "loss" and self._now["loss"]:
            loss = loss_of_scope(opened, self._losses)
            if loss is not None:
                self._call(self._now["loss"], loss)
        self.spent += observe.clock() - began

    def _hear_feed(self, scope: observe.Scope) -> None:
        """A batch is asked for, or a step begins, perhaps the first one with what its batch comes from."""
        feed, self._asked = self._asked, scope.inputs if scope.kind == "data" else None
        self.feed = feed if scope.kind == "step" and feed is not None and feed not in self._feeds else None
        if self.feed is not None:
            self._feeds.add(feed)

    def _choose(self, opened: WatchedScope) -> None:
        """Which training does what begins here belong to?"""
        if opened.kind == "step":
            if opened.scope.name == "train_step":
                self.choose_by_step(opened.owner)
        elif opened.kind == "optimizer":
            self.choose_by_optimizer(opened.owner)
        elif not self.scopes and not self._pending and opened.kind in ("model", "layer"):
            self.choose_by_call(opened)

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        began = self.now = observe.clock()
        if get_ident() != self._thread or self.scopes.left_open(scope) is None:
            return
        handlers = self._of_kind("scope_end", scope)
        if handlers:
            self._call(handlers, self.scopes[-1], outputs, error)
        if error is None:
            self._hand_end(scope.kind, self.scopes[-1], outputs)
        self.scopes.pop()
        self.steps.on_scope_end(scope)
        if scope.kind == "step":
            self._now = self.training.close if self.heavy else self.training.light
            self.failed_step = scope.name if error is not None else self.failed_step
        by_optimizer = scope.kind == "optimizer" and not self.inside("step", "optimizer")
        if by_optimizer or (scope.kind == "step" and scope.name == "train_step"):
            self.end_step()
        self.spent += observe.clock() - began

    def _hand_end(self, kind: str, opened: WatchedScope, outputs: Any) -> None:
        """Tell of a loss, a model or a layer that came to its end."""
        if kind == "loss":
            self._hand("loss_end", opened, outputs)
        elif kind in ("layer", "model"):
            self._hand("call_end", opened, outputs)
            if self._now["answer"] and self.outermost():
                self._hand("answer", opened, outputs)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        self._hand("logs", kind, step, logs)

    def hear_loss(self, loss: float, step: int, evaluated: bool = False, batch: Any = None) -> None:
        """A loss that isn't finite, of a step that nobody watched, or of an evaluation after so many steps."""
        self._hand("unseen_loss", loss, step, evaluated, user_line(sys._getframe(1), None), batch)

    def end_step(self) -> None:
        """A training step is over."""
        if not self._pending:
            return
        self._pending = False
        self._gradient = None
        self._hand("step_end")
        self._unscaled.clear()
        if not self.training.uncounted:
            self.step = self.training.step = self.step + 1
        self.training.uncounted = False
        self.training.since += 1
        self.total += 1
        self.step_ended = observe.clock()
        self.origins.clear()
        self.heavy = _looked_at(self.step)
        self._now = self.training.close if self.heavy else self.training.light


def _connect(training: Training) -> None:
    """Find the handlers of a training's checks: all of them, and those for steps that are watched cheaply."""
    training.by_kind.clear()
    for handlers, every in ((training.light, False), (training.close, True)):
        handlers["nothing"] = []
        for name in _HANDLERS:
            full = name if name == "finish" else f"on_{name}"
            chosen = [c for c in training.checks if hasattr(c, full)]
            handlers[name] = [getattr(c, full) for c in chosen if every or name == "finish" or full in c.always]


def _looked_at(step: int) -> bool:
    """Is this step looked at closely?"""
    if step < limits.HEAVY_STEPS:
        return True
    power = 1 << (step.bit_length() - 1)
    return step - power < limits.HEAVY_BLOCK
