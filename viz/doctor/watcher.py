"""`Watcher`: the observer that looks at a program while it runs, and gathers findings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from threading import get_ident
from types import FrameType
from typing import Any

from eagerflow import Tensor, Variable
from eagerflow.core import observe
from viz.doctor import thresholds as limits
from viz.doctor.advice import ADVICE
from viz.doctor.check_base import Check, layer_label
from viz.doctor.checks.all_checks import CHECKS
from viz.doctor.finding import KINDS, SEVERITIES, Finding
from viz.doctor.user_code import Place, call_place, made_at, op_place, scope_frame, user_line

__all__ = ["OpenScope", "Origin", "Watcher"]

_HANDLERS = ("op", "rule", "gradient", "update", "scope_begin", "scope_end", "logs", "step_end", "finish")
_COPIES = ("reshape", "cast", "identity_of", "transpose", "copy", "to_device", "take_index", "stop_gradient")


class OpenScope:
    """A scope that is open: the announced one, and what is known of it here."""

    __slots__ = ("at_begin", "frame", "kind", "owner", "scope", "training")

    def __init__(self, scope: observe.Scope, frame: FrameType | None, at_begin: int) -> None:
        self.scope, self.kind, self.owner = scope, scope.kind, scope.owner
        self.frame = frame
        self.at_begin = at_begin  # nanoseconds that the doctor had used up when the scope began
        given = scope.inputs if isinstance(scope.inputs, tuple) else ()
        flags = [x for x in given if isinstance(x, bool)]
        self.training = flags[-1] if flags else None


class Origin:
    """What is known of a tracked tensor: which op made it, in which layer, on which line of the user's code."""

    __slots__ = ("layer", "made_by", "op", "place")

    def __init__(self, op: str, made_by: str, layer: Any, place: Place | None) -> None:
        self.op, self.made_by, self.layer, self.place = op, made_by, layer, place


class Watcher(observe.Observer):
    """Watches what runs in this thread, and gathers findings.

    Steps at the beginning (and a few later ones) are looked at closely, the others cheaply. Use it as a context
    manager, or call `attach` and `detach`.

    Args:
        found: called with each new finding, from the watched thread.

    Attributes:
        step: how many training steps have ended.
        heavy: is this step looked at closely?
        scopes: the open scopes, outermost first.
        origins: where the tracked tensors of this step came from, by their keys.
        failures: checks that failed themselves, with their errors; they were not asked again.

    >>> import eagerflow as ef
    >>> with Watcher() as watcher:
    ...     y = ef.ops.exp(ef.ops.zeros((2,)))
    >>> watcher.findings
    ()
    """

    def __init__(self, found: Callable[[Finding], None] | None = None) -> None:
        self.step = 0
        self.heavy = True
        self.scopes: list[OpenScope] = []
        self.origins: dict[int, Origin] = {}
        self.spent = 0  # nanoseconds used up by the checks
        self.duration = self.now = 0  # how long the announced op took; when the announced scope ended
        self.step_ended = 0
        self.failures: list[tuple[str, Exception]] = []
        self._found: dict[Any, Finding] = {}
        self._tell = found
        self._observing: Any = None
        self._thread = 0  # only what runs in one thread has an order
        self._pending = False  # gradients were computed, and no optimizer has ended the step yet
        self.checks: list[Check] = [kind(self) for kind in CHECKS]
        self._light = {name: self._handlers(name, every=False) for name in _HANDLERS}
        self._close = {name: self._handlers(name, every=True) for name in _HANDLERS}
        self._now = self._close

    def _handlers(self, name: str, every: bool) -> list[Callable[..., None]]:
        full = name if name == "finish" else f"on_{name}"
        every = every or name == "finish"
        chosen = [c for c in self.checks if hasattr(c, full) and (every or full in c.always)]
        return [getattr(check, full) for check in chosen]

    def _hand(self, name: str, *arguments: Any) -> None:
        """Call the handlers. A check that fails is asked no more: the program that is watched must go on."""
        handler = None
        try:
            for handler in self._now[name]:
                handler(*arguments)
        except Exception as error:  # noqa: BLE001
            check = handler.__self__  # type: ignore[union-attr]
            self.failures.append((type(check).__name__, error))
            self.checks.remove(check)
            self._light = {each: self._handlers(each, every=False) for each in _HANDLERS}
            self._close = {each: self._handlers(each, every=True) for each in _HANDLERS}
            self._now = self._close if self.heavy else self._light

    # ------------------------------------------------------------------ beginning and end

    def attach(self) -> Watcher:
        """Begin to watch the running thread."""
        if self._observing is None:
            self.choose_thread()
            self._observing = observe.observing(self)
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
            self._hand("finish")
            self.scopes.clear()
            self.origins.clear()

    def __enter__(self) -> Watcher:
        return self.attach()

    def __exit__(self, *error: object) -> None:
        self.detach()

    # ------------------------------------------------------------------ findings

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, the worst first. May be read from any thread."""
        return tuple(sorted(self._found.copy().values(), key=_order))

    def report(self, kind: str, severity: str, message: str, **about: Any) -> None:
        """Note a finding; an equal one (of the same kind and place) is replaced by a worse one only.

        Args:
            kind: the kind; with `.` and a word behind it, the way in which it came about (see `ADVICE`).
            severity: see `Finding`.
            message: see `Finding`.
            **about: `layer` (the object), `op`, `place`, `evidence`, and `key`, by which it can be retracted.
        """
        kind, fix = kind.partition(".")[0], ADVICE[kind]
        layer, place = about.get("layer"), about.get("place") or made_at(about.get("layer"))
        file, line = place or (None, None)
        name = layer if isinstance(layer, str) else layer_label(layer)
        finding = Finding(
            kind, severity, message, fix, name, about.get("op"), file, line, about.get("evidence") or {}
        )
        key = about.get("key") or (kind, name, file, line)
        known = self._found.get(key)
        if known is not None and SEVERITIES.index(known.severity) <= SEVERITIES.index(severity):
            return
        if known is None and sum(f.kind == kind for f in self._found.values()) >= limits.MAX_PER_KIND:
            return
        self._found[key] = finding
        if self._tell is not None:
            self._tell(finding)

    def retract(self, key: Any) -> None:
        """Take back a finding that turned out to be none."""
        self._found.pop(key, None)

    def keys(self, kind: str) -> list[Any]:
        """The second parts of keys, as given to `report`, under which there are findings of a kind."""
        return [key[1] for key, finding in self._found.items() if finding.kind == kind and len(key) == 2]

    def has(self, *kinds: str) -> bool:
        """Was anything of these kinds found, worse than a hint?"""
        return any(f.kind in kinds and f.severity != "info" for f in self._found.values())

    # ------------------------------------------------------------------ where the program is

    def layer(self) -> Any:
        """The innermost layer that is running."""
        for opened in reversed(self.scopes):
            if opened.kind == "layer":
                return opened.owner
        return None

    def inside(self, *kinds: str) -> bool:
        """Is a scope of one of these kinds open?"""
        return any(opened.kind in kinds for opened in self.scopes)

    def outermost(self) -> bool:
        """Is the innermost scope a layer or model that was not called by another one?"""
        return sum(opened.kind in ("layer", "model") for opened in self.scopes) == 1

    def place(self) -> Place | None:
        """The line of the op or scope that is being announced."""
        return op_place(sys._getframe(1), self.scopes)

    def called_at(self) -> Place | None:
        """The user's line outside of all layers: the call of `fit`, or of the model."""
        return call_place(sys._getframe(1), self.scopes)

    def innermost_user_line(self, opened: OpenScope) -> Place | None:
        """The user's line that opened a scope, where it stands within a layer or model of the user's own."""
        around = [
            each.frame for each in self.scopes if each is not opened and each.kind in ("layer", "model")
        ]
        return user_line(opened.frame, around[-1]) if around else None

    def origin(self, x: Any) -> Origin | None:
        """Where a tensor came from."""
        key = x.key if isinstance(x, Tensor) else None
        return None if key is None else self.origins.get(key)

    def made_by(self, x: Any) -> str:
        """The op that computed a tensor's values, seen through reshaping and the like; empty where not known."""
        found = self.origin(x)
        return "" if found is None else found.made_by

    # ------------------------------------------------------------------ what is announced

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int,
        error: BaseException | None = None,
    ) -> None:  # fmt: skip
        if get_ident() != self._thread:
            return
        self.duration = ended - started
        self._remember(op, inputs, outputs)
        self._hand("op", op, inputs, settings, outputs, error)
        self.spent += observe.clock() - ended

    def _remember(self, op: Any, inputs: Any, outputs: Any) -> None:
        """Enter the origin of tracked outputs."""
        for out in (outputs,) if isinstance(outputs, Tensor) else outputs or ():
            if out.key is None or isinstance(out, Variable):
                continue
            made_by = op.name
            if made_by in _COPIES and inputs and isinstance(inputs[0], Tensor):
                made_by = self.made_by(inputs[0]) or made_by
            self.origins[out.key] = Origin(
                op.name, made_by, self.layer(), op_place(sys._getframe(2), self.scopes)
            )

    def on_rule(
        self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, started: int, ended: int,
        error: BaseException | None = None,
    ) -> None:  # fmt: skip
        if get_ident() != self._thread:
            return
        self.duration = ended - started
        self._hand("rule", op, out_keys, in_keys, gradients, results)
        self.spent += observe.clock() - ended

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        if get_ident() != self._thread or not any(isinstance(source, Variable) for source in sources):
            return
        began = self.now = observe.clock()
        if self._pending and not self.inside("step"):
            self.end_step()
        self._pending = True
        self._hand("gradient", targets, sources, results)
        self.spent += observe.clock() - began

    def on_update(self, name: str, variable: Any, inputs: Any, started: int, ended: int) -> None:
        if get_ident() != self._thread:
            return
        self._hand("update", name, variable, inputs)
        self.spent += observe.clock() - ended

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if get_ident() != self._thread:
            return
        began = observe.clock()
        opened = OpenScope(scope, scope_frame(sys._getframe(1)), self.spent)
        self.scopes.append(opened)
        if scope.kind == "step" and scope.name != "train_step":
            self._now = self._light
        self._hand("scope_begin", opened)
        self.spent += observe.clock() - began

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        began = self.now = observe.clock()
        opened = self._opened(scope) if get_ident() == self._thread else None
        if opened is None:
            return
        self._hand("scope_end", opened, outputs, error)
        self.scopes.pop()
        if scope.kind == "step":
            self._now = self._close if self.heavy else self._light
        by_optimizer = scope.kind == "optimizer" and not self.inside("step", "optimizer")
        if by_optimizer or (scope.kind == "step" and scope.name == "train_step"):
            self.end_step()
        self.spent += observe.clock() - began

    def _opened(self, scope: observe.Scope) -> OpenScope | None:
        """What is known of a scope that ends; those inside of it that were left open are closed with it."""
        while any(each.scope is scope for each in self.scopes):
            if self.scopes[-1].scope is scope:
                return self.scopes[-1]
            self.scopes.pop()
        return None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        self._hand("logs", kind, step, logs)

    def end_step(self) -> None:
        """A training step is over."""
        if not self._pending:
            return
        self._pending = False
        self._hand("step_end")
        self.step += 1
        self.step_ended = observe.clock()
        self.origins.clear()
        self.heavy = _looked_at(self.step)
        self._now = self._close if self.heavy else self._light


def _looked_at(step: int) -> bool:
    """Is this step looked at closely?"""
    if step < limits.HEAVY_STEPS:
        return True
    power = 1 << (step.bit_length() - 1)
    return step - power < limits.HEAVY_BLOCK


def _order(finding: Finding) -> tuple[int, int]:
    return SEVERITIES.index(finding.severity), KINDS.index(finding.kind)
