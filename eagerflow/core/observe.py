"""The hook that `viz` listens to: what runs is announced here, and nothing else is shared.

An `Observer` is installed for the running context (thread or asyncio task) with `observing`.
While no observer is installed anywhere, an op pays one attribute test for all this.

Events come in the order in which things happen:

* `on_op` after every op, also when it raised, and before it `on_indices`, where tensors among its settings name places;
* `on_rule` after every backward rule, with the keys by which the forward op is known;
* `on_gradient` after a whole backward pass, with the tensors that were asked for;
* `on_draw` after random numbers were drawn;
* `on_fill` after an array was made of numbers that the code names, such as `ops.ones` makes;
* `on_read` when Python takes the values out of a tensor, with `float(tensor)` or `tensor.numpy()`, say;
* `on_update` after a variable was changed in place (optimizers, `assign`), `on_updates` after one pass changed many,
  and `on_change` before `assign` changes one;
* `on_scope_begin` / `on_scope_end` around layers, models, losses, metrics, optimizers, steps, data;
* `on_collective` after ranks did something together, such as summing gradients;
* `on_logs` when training has numbers to tell;
* `on_replay_begin` / `on_replay_end` around a captured step that is replayed (see `eagerflow/capture`).

A tensor has a `key` (a number, unique in the process) while some tape may track it, and a free
`serial` slot which belongs to observers: unset or None until an observer writes it.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter_ns as clock
from typing import Any

from eagerflow.core.links import above

__all__ = ["Observer", "Scope", "clock", "current", "draw", "heard_by", "logs", "observing", "scope", "state"]
__all__ += ["fill", "indices", "libraries", "read", "read_kernels", "unobserved", "want_ops"]


class _State:
    """`on` is True while an observer is installed in any thread; `ops` while one of them wants to hear of single ops.

    The second is the one test that ops make.
    """

    __slots__ = ("count", "on", "ops", "wanting")

    def __init__(self) -> None:
        self.count = self.wanting = 0
        self.on = self.ops = False

    def change(self, observer: Observer, by: int) -> None:
        """An observer comes (1) or goes (-1)."""
        self.count += by
        self.on = self.count > 0
        self.want(by * observer.wants_ops)

    def want(self, by: int) -> None:
        """So many observers more want to hear of single ops."""
        self.wanting += by
        self.ops = self.wanting > 0
        if self.ops:
            read_kernels()  # so that reading them isn't counted as an op's time


state = _State()
libraries: list[str] = []  # folders of packages whose frames observers skip, such as Keras with this backend
_observers: contextvars.ContextVar[tuple[Observer, ...]] = contextvars.ContextVar("observers", default=())
current = _observers.get  # the observers of the running context, outermost first; no function around it, for speed


class Scope:
    """A named stretch of the run, such as one call of a layer.

    Attributes:
        kind: `"model"`, `"layer"`, `"loss"`, `"metric"`, `"optimizer"`, `"backward"`, `"step"`, `"data"`
            or `"user"`.
        name: the name of the layer, loss, ... as the user gave it or as it was generated.
        owner: the layer, model, optimizer ... object itself, or None.
        inputs: the inputs of the call (tensors, arrays, nested structures), or None.
        started: `clock()` at the beginning, in nanoseconds.
    """

    __slots__ = ("inputs", "kind", "name", "owner", "started")

    def __init__(self, kind: str, name: str, owner: Any = None, inputs: Any = None) -> None:
        self.kind = kind
        self.name = name
        self.owner = owner
        self.inputs = inputs
        self.started = clock()

    def __repr__(self) -> str:
        return f"Scope({self.kind} {self.name!r})"


class Observer:
    """Base of whatever listens. Every method does nothing; override what you need.

    Arrays handed to an observer are the live ones: read them, never change or keep them unless
    keeping them alive is wanted. Times are `clock()` nanoseconds.

    Attributes:
        wants_ops: whether it must hear of single ops, rules and updates (`on_op`, `on_rule`, `on_update`), which costs
            about a microsecond each. Without, it hears of them only
            when they raise, or while another observer wants them.
        wants_scopes: False for one that only counts steps: while nobody else listens, replays announce no other scopes.
        hears_replays: whether captured steps may be replayed while it listens; else they run eagerly. A replay
            announces what the captured run announced, with its own arrays, when they are made and let go, and its own
            times; a scope's outputs are None where nobody uses them any more. An op that raises isn't announced, but
            the scopes around it are.
        tells_mistakes: whether it reports mistakes in models itself; layers then skip their warnings.
    """

    tells_mistakes = False
    wants_ops = True
    wants_scopes = True
    hears_replays = False

    def on_op(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        outputs: Any,
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        """An op ran. `op.name`, `op.arrays` and `op.settings` name it, its inputs and its settings.

        `inputs` has one entry per array parameter: a Tensor, a Variable, an array, a Python number,
        None, or (for ops on a sequence, such as `concatenate`) a list of those. `outputs` is a Tensor
        or a tuple of them, None when the op raised `error`.
        """

    def on_indices(self, tensors: Sequence[Any]) -> None:
        """The op that this thread announces next takes or changes what is at the places that these tensors name.

        They are integers or bools, without gradient, and no inputs of the op: its setting `index` has their arrays.
        """

    def on_rule(
        self,
        op: Any,
        out_keys: tuple[int | None, ...],
        in_keys: tuple[int | None, ...],
        gradients: tuple[Any, ...],
        results: tuple[Any, ...],
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        """A backward rule ran: from the gradients of the op's outputs to those of some inputs.

        `out_keys` and `in_keys` are the keys that the forward op's tensors had, so they lead to the
        forward op; `gradients` and `results` are raw arrays (tensors while an outer tape records),
        in the same order.
        """

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over: `results[i]` (a Tensor or None) is the gradient of `sources[i]`."""

    def on_change(self, variable: Any) -> None:
        """`assign`, `assign_add` or `assign_sub` is about to change `variable`, which still holds its old values.

        `on_update` follows. Optimizers, which have read what they change, announce that alone.
        """

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        """`variable` was changed in place by `name` ("assign_sub", "adam_update", ...) from `inputs`."""

    def on_updates(self, name: str, updates: Sequence[tuple[Any, tuple[Any, ...], int, int]]) -> None:
        """One pass of an optimizer changed variables: for each the arguments of `on_update` after the name.

        An observer that doesn't override it gets `on_update` for each.
        """
        for variable, inputs, started, ended in updates:
            self.on_update(name, variable, inputs, started, ended)

    def on_collective(
        self,
        kind: str,
        name: str,
        nbytes: int,
        started: int,
        ended: int,
        waited: int | None,
        ranks: int,
        overlapped: bool = False,
    ) -> None:
        """This rank did something together with the others.

        Args:
            kind: `"all_reduce"`, `"reduce_scatter"`, `"all_gather"`, `"broadcast"` or `"barrier"`; `"wait"` while the
                thread that trains stood still for a helper that does such things.
            name: what it was for, or "".
            nbytes: how large this rank's array is; 0 for objects.
            started: when this rank began.
            ended: when it was through.
            waited: nanoseconds of it until the last rank had come; None where this rank can't know.
            ranks: how many took part.
            overlapped: a helper did it meanwhile, and it is announced later than it happened.
        """

    def on_draw(self, kind: str, drawn: Any, settings: Mapping[str, Any], started: int, ended: int) -> None:
        """Random numbers were drawn, not the same at every call: `drawn` is the array, `settings` its distribution."""

    def on_fill(self, filled: Any, op: str, settings: tuple[Any, ...]) -> None:
        """The array `filled` was made without inputs: `ops.ones`, `ops.arange`, the classes of `one_hot`.

        `op` is what makes such an array, and `settings` tells which, but for its shape: `"arange"` and `(12,)`.
        """

    def on_read(self, tensor: Any, how: str) -> None:
        """Python takes the values out of `tensor` by `how`, such as `"float"`: what it does with them no op tells.

        `sys._getframe(3)` is the code that asked for them, which may be of eagerflow itself. Whoever takes the array
        out of `tensor.data` isn't heard.
        """

    def on_scope_begin(self, scope: Scope) -> None:
        """A scope begins."""

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        """The innermost open scope ends, with what it returned or raised."""

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        """Training reports numbers.

        Args:
            kind: `"batch"` and `"epoch"`, of `fit` and `evaluate`; `"step"`, of `train_on_batch` and `test_on_batch`.
            step: the number of the batch or epoch, from 0; 0 for single steps.
            logs: the numbers by name.
        """

    def on_replay_begin(self, name: str) -> None:
        """What follows is a captured step that is replayed; for observers with `hears_replays`."""

    def on_replay_end(self) -> None:
        """The replay is over."""


@contextlib.contextmanager
def observing(observer: Observer) -> Iterator[Observer]:
    """Install `observer` for the block, in addition to those already there."""
    _observers.set((*_observers.get(), observer))
    state.change(observer, 1)
    try:
        yield observer
    finally:
        _observers.set(tuple(o for o in _observers.get() if o is not observer))
        state.change(observer, -1)


def read_kernels() -> None:
    """Read the files of all kernels now, before the clock of a recording of ops begins, which would wait for them."""
    above.load_kernels()


def want_ops(observer: Observer, wants: bool) -> None:
    """Let an observer that is installed hear of single ops from here on, or no more.

    A captured step that is already running keeps its first setting.
    """
    if observer.wants_ops != wants:
        observer.wants_ops = wants
        state.want(1 if wants else -1)


@contextlib.contextmanager
def heard_by(observers: tuple[Observer, ...]) -> Iterator[None]:
    """What happens inside the block is announced to these observers alone."""
    before = _observers.get()
    _observers.set(observers)
    try:
        yield
    finally:
        _observers.set(before)


def unobserved() -> contextlib.AbstractContextManager[None]:
    """Nothing inside the block is announced: for probes and other runs the user didn't write."""
    return heard_by(())


class scope(Scope):
    """Announce a scope around a block; put what it returns into `value` of what `with` gives.

    Args:
        kind: see `Scope`.
        name: the name of the layer, loss, ...
        owner: the object itself, or None.
        inputs: the inputs of the call, or None.

    >>> with scope("user", "warm-up") as outputs:
    ...     outputs.value = 3
    """

    __slots__ = ("_listeners", "value")

    def __init__(self, kind: str, name: str, owner: Any = None, inputs: Any = None) -> None:
        self.value: Any = None
        self._listeners = listeners = _observers.get() if state.on else ()
        if listeners:  # else nobody asks what it is
            self.kind = kind
            self.name = name
            self.owner = owner
            self.inputs = inputs
            self.started = clock()

    def __enter__(self) -> scope:
        for observer in self._listeners:
            observer.on_scope_begin(self)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        outputs, self.value = self.value, None  # an observer may keep the scope, which shall not keep arrays alive
        listeners = self._listeners
        for observer in listeners if len(listeners) < 2 else reversed(listeners):
            observer.on_scope_end(self, outputs, error)


def draw(kind: str, drawn: Any, settings: Mapping[str, Any], started: int) -> None:
    """Announce random numbers, the drawing of which began at `started`."""
    if state.on:
        ended = clock()
        for observer in _observers.get():
            observer.on_draw(kind, drawn, settings, started, ended)


def fill(filled: Any, op: str, *settings: Any) -> None:
    """Announce an array of ones, of numbers in order and the like; see `Observer.on_fill`."""
    if state.ops:
        for observer in _observers.get():
            observer.on_fill(filled, op, settings)


def indices(tensors: Sequence[Any]) -> None:
    """Announce the tensors by which the op that comes next is indexed; asked for only while `state.ops` is set."""
    for observer in _observers.get():
        observer.on_indices(tensors)


def read(tensor: Any, how: str) -> None:
    """Announce that Python takes the values out of `tensor`; asked for only while `state.ops` is set."""
    for observer in _observers.get():
        observer.on_read(tensor, how)


def logs(kind: str, step: int, values: dict[str, Any]) -> None:
    """Announce training numbers."""
    if state.on:
        for observer in _observers.get():
            observer.on_logs(kind, step, values)
