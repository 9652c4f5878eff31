"""`GradientTape`, with TensorFlow's semantics: a set of windows on the log of its context.

An op is recorded once, however many tapes are open. What a tape differentiates is what lies in its
windows; `stop_recording`, `reset` and re-entering simply begin a new window.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from operator import is_
from typing import Any, TypeAlias, TypeVar, overload

import numpy

from eagerflow.base import tree
from eagerflow.base.errors import TapeError, signature_of
from eagerflow.base.machine.subnormals import without_subnormals
from eagerflow.base.tracebacks import boundary, warn
from eagerflow.base.typing import UnconnectedGradients
from eagerflow.core.backward import (
    Finished,
    Stretch,
    Walk,
    batched_seeds,
    everything,
    missing,
    one_hot_seeds,
    results_of,
    seeds_of,
    stacked,
    stacked_batch,
    wants_zero,
)
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.host_arrays import as_tensor
from eagerflow.core.log import Log, activate, deactivate, log, new_key
from eagerflow.core.observe import current, scope, state
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable, variable_of

__all__ = ["GradientTape"]

S = TypeVar("S", bound=Tensor)  # a source
K = TypeVar("K")
# The gradient of a source: a tensor, or None where the target doesn't depend on the source (which few scripts check).
Gradient: TypeAlias = Tensor | Any

_LEFT = (
    "a tensor became a NumPy array, and no gradient flows through that. Compute with ops, or with A @ w for A.dot(w); "
    "where it is meant, write .numpy()."
)


class _Window:
    """Records `start` to `stop` of a log; `stop` is None while the tape records."""

    __slots__ = ("log", "start", "stop")

    def __init__(self, on: Log) -> None:
        self.log = on
        self.start = len(on)
        self.stop: int | None = None

    @property
    def end(self) -> int:
        return len(self.log) if self.stop is None else self.stop


class GradientTape:
    """Records the ops run inside its `with` block, then differentiates them.

    Trainable variables are watched automatically, other tensors after a call of `watch`. Unless the tape is persistent,
    `gradient` or `jacobian` can be called once: they free what it recorded. For gradients of gradients, put one tape
    inside another. A tape records only the thread (or asyncio task) that entered it.

    Args:
        persistent: allow several calls of `gradient`; what was recorded is kept until the tape is deleted.
        watch_accessed_variables: watch trainable variables automatically.

    Source: the interface and semantics of `tf.GradientTape`.

    >>> x = ef.Variable(3.0)
    >>> with ef.GradientTape() as tape:
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0
    """

    _finished: Finished | None = None  # called with each gradient of `gradient` when it is final

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = bool(persistent)
        self._watches_variables = bool(watch_accessed_variables)
        self._windows: list[_Window] = []
        self._watched: dict[int, int] = {}  # key -> how many records the tape had seen when it was watched
        self._entered = False
        self._spent = False
        self._paused = 0

    # -- recording

    def __repr__(self) -> str:
        if self._spent:
            return "<GradientTape: spent, what it recorded is freed; persistent=True keeps it for several gradients>"
        on = any(window.stop is None for window in self._windows)
        state = "recording" if on else "stopped" if self._windows else "not entered"
        tensors = f"{len(self._watched)} tensor{'s' * (len(self._watched) != 1)}"
        watched = f"variables and {tensors}" if self._watches_variables else tensors
        count = sum([window.end - window.start for window in self._windows])
        kind = ", persistent" * self._persistent
        return f"<GradientTape: {state}{kind}; {count} op{'s' * (count != 1)} recorded; watches {watched}>"

    def __enter__(self) -> GradientTape:
        if self._entered:
            raise TapeError("this GradientTape is recording already; `with tape:` can't be entered twice at once.")
        self._entered = True
        self._spent = False
        self._begin()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._entered and not self._paused:
            self._end()
        self._entered = False

    def _begin(self) -> None:
        window = _Window(activate(self))
        self._windows.append(window)
        window.log.tapes.append(weakref.ref(self))

    def _end(self) -> None:
        window = self._windows[-1] if self._windows else None
        deactivate(self)
        if window is not None and window.stop is None:
            window.stop = len(window.log)

    def _pause(self) -> None:
        if self._entered and not self._paused:
            self._end()
        self._paused += 1

    def _resume(self) -> None:
        self._paused -= 1
        if self._entered and not self._paused:
            self._begin()

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Ops inside the block are not recorded on this tape; tapes around it go on.

        Raises:
            TapeError: when the tape isn't recording.

        >>> x = ef.Variable(3.0)
        >>> with ef.GradientTape() as tape:
        ...     y = x * x
        ...     with tape.stop_recording():
        ...         y_seen = y * 100
        ...     z = y + 1
        >>> float(tape.gradient(z, x))
        6.0
        """
        if not self._entered:
            raise TapeError("stop_recording(): this tape is not recording; call it inside the tape's `with` block.")
        self._pause()
        try:
            yield
        finally:
            self._resume()

    def reset(self) -> None:
        """Forget everything recorded and watched so far, and go on recording.

        Raises:
            TapeError: when the tape isn't recording.

        >>> x = ef.Variable(3.0)
        >>> with ef.GradientTape() as tape:
        ...     y = x * x
        ...     tape.reset()
        ...     z = 2 * x
        >>> float(tape.gradient(z, x))
        2.0
        """
        if not self._entered:
            raise TapeError("reset(): this tape is not recording; call it inside the tape's `with` block.")
        if not self._paused:
            self._end()
        self._windows.clear()
        self._watched.clear()
        if not self._paused:
            self._begin()

    def watch(self, tensor: Any) -> None:
        """Records, from here on, what is computed from a tensor.

        Args:
            tensor: a floating-point tensor or variable, or a nested structure of them.

        Raises:
            TypeError: for anything that isn't a tensor of floats.
            TapeError: outside of the tape's `with` block.

        >>> x = ef.Tensor([1.0, 2.0])
        >>> with ef.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = (x * x).sum()
        >>> tape.gradient(y, x).tolist()
        [2.0, 4.0]
        """
        if not self._entered:
            raise TapeError("watch(): this tape is not recording, so nothing would be seen. Call it inside `with`.")
        for leaf in map(as_tensor, tree.flatten(tensor)):
            _check_watchable(leaf)
            if leaf.key is None and isinstance(leaf, Variable):
                leaf.key, leaf.by_hand = leaf.identity, True
            elif leaf.key is None:
                leaf.key = new_key()
            self._watched.setdefault(leaf.key, self._length())

    def _length(self) -> int:
        return sum(w.end - w.start for w in self._windows)

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables that were used or watched, in the order of first use.

        Raises:
            TapeError: when the tape isn't persistent and was used before.

        >>> a, b = ef.Variable(1.0, name="a"), ef.Variable(2.0, name="b")
        >>> with ef.GradientTape() as tape:
        ...     y = b * b
        >>> [variable.name for variable in tape.watched_variables()]
        ['b']
        """
        self._check_usable("watched_variables")
        found: dict[int, Variable] = {}
        for key in [*self._watched, *self._keys_used()]:
            variable = variable_of(key)
            if variable is not None and (key in self._watched or self._auto(key)):
                found[key] = variable
        return tuple(found.values())

    def _keys_used(self) -> Iterator[int]:
        for window in self._windows:
            for record in window.log[window.start : window.end]:
                yield from (key for key in (record[2] if record else ()) if key is not None)

    # -- differentiating

    @overload
    def gradient(
        self,
        target: Any,
        sources: Tensor,
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients = "none",
    ) -> Tensor: ...
    @overload
    def gradient(
        self,
        target: Any,
        sources: list[S],
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients = "none",
    ) -> list[Gradient]: ...
    @overload
    def gradient(
        self,
        target: Any,
        sources: tuple[S, ...],
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients = "none",
    ) -> tuple[Gradient, ...]: ...
    @overload
    def gradient(
        self,
        target: Any,
        sources: dict[K, S],
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients = "none",
    ) -> dict[K, Gradient]: ...
    @overload
    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients = "none",
    ) -> Any: ...
    @boundary
    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients = "none",
    ) -> Any:
        """The gradient of `target` (of the sum of its elements) with respect to `sources`.

        Args:
            target: a tensor or a nested structure of them, whose gradients are added.
            sources: a tensor or a nested structure of tensors and variables.
            output_gradients: for each target, a tensor of its shape that its gradient is multiplied by; default: ones.
            unconnected_gradients: what stands for the gradient of a source that no target depends on: `"none"`
                (None) or `"zero"` (zeros).

        Returns:
            Tensors in the structure of `sources`, each of its source's shape and type, in memory of their own.

        Raises:
            TapeError: when the tape has recorded nothing, or isn't persistent and was used before.
            TypeError: when a source or target isn't a tensor of floats.

        >>> w, b = ef.Variable([1.0, 2.0]), ef.Variable(0.5)
        >>> with ef.GradientTape() as tape:
        ...     loss = (w * [3.0, 4.0]).sum() + b
        >>> gradients = tape.gradient(loss, {"w": w, "b": b})
        >>> gradients["w"].tolist(), float(gradients["b"])
        ([3.0, 4.0], 1.0)
        """
        self._check_usable("gradient")
        zero = wants_zero(unconnected_gradients)
        targets = _checked_targets(target)
        wanted = _checked_sources(sources)
        seeds_given = _checked_seeds(targets, target, output_gradients)
        if self._entered and not self._persistent:
            self.__exit__()
        warned = self._warn_of_lost_terms("gradient", targets, wanted)
        with scope("backward", "gradient", self, targets) as outputs:
            found = self._differentiate(targets, wanted, seeds_given, not self._persistent, self._finished)
            results = [missing(s, zero) if g is None else g for s, g in zip(wanted, found, strict=True)]
            if any(map(is_, found, repeat(None))) and not warned and (place := self._array_at()) is not None:
                warn(f"gradient: a source has none. At {place} {_LEFT}")
            outputs.value = results
            if state.on:
                for observer in current():
                    observer.on_gradient(targets, wanted, results)
        self._finish()
        if sources.__class__ is list and len(wanted) == len(sources) and all(map(is_, wanted, sources)):
            return results  # the usual case, a flat list
        return tree.pack_sequence_as(sources, results) if tree.is_nested(sources) else results[0]

    def _warn_of_lost_terms(self, method: str, targets: list[Tensor], sources: list[Tensor]) -> bool:
        """Whether NumPy certainly computed a part of the targets, with a warning that names the line."""
        windows = [window for window in self._windows if window.log.left]
        if not windows:
            return False
        keys = [[t.identity if isinstance(t, Variable) else t.key for t in each] for each in (targets, sources)]
        for window in windows:
            if place := window.log.lost_at(window.start, window.end, *keys):
                warn(f"{method}: the target has a part without a gradient. At {place} {_LEFT}")
                return True
        return False

    def _array_at(self) -> str | None:
        """Where a gradient that is missing may have been lost."""
        return next((window.log.array_at for window in self._windows if window.log.array_at), None)

    def _finish(self) -> None:
        if not self._persistent:
            self._spent = True
            self._windows = []
            self._watched = {}

    def _differentiate(
        self,
        targets: list[Tensor],
        sources: list[Tensor],
        seeds: list[Any] | None,
        free: bool,
        finished: Finished | None = None,
    ) -> list[Tensor | None]:
        """One backward pass: a fresh tensor, or None, for each source."""
        recorded = log.get() is not None
        keys, since = self._origins(sources)
        walk = Walk(self._stretches(free), {k for k in keys if k is not None}, recorded, since, finished)
        with without_subnormals, numpy.errstate(all="ignore"):
            found = walk.run(seeds_of(targets, seeds, recorded))
        return results_of(sources, keys, found, recorded)

    def _stretches(self, free: bool) -> list[Stretch]:
        return [Stretch(w.log, w.start, w.end, _freeing(w.log, self) if free else None) for w in self._windows]

    def _origins(self, sources: Sequence[Tensor]) -> tuple[list[int | None], dict[int, int]]:
        """The key of each source that this tape tracks (None for others), and from where late ones count."""
        keys: list[int | None] = []
        doubtful: set[int] = set()
        watches = self._watches_variables
        for source in sources:
            if not isinstance(source, Variable):
                key = source.key
            else:
                key = source.identity
                if watches and not source.by_hand:
                    keys.append(key)
                    continue
            keys.append(key)
            if key is not None and key not in self._watched:
                doubtful.add(key)
        if doubtful:
            derived = self._derived()
            keys = [None if k in doubtful and k not in derived else k for k in keys]
        late = {k: self._watched[k] for k in keys if k is not None and self._watched.get(k)} if self._watched else {}
        if late:
            produced = self._derived()
            late = {k: begin for k, begin in late.items() if k not in produced}
        return keys, late

    def _derived(self) -> set[int]:
        """Keys of tensors computed, inside the windows, from something this tape tracks."""
        derived: set[int] = set()
        position = 0
        for window in self._windows:
            for record in window.log[window.start : window.end]:
                for key in record[2] if record else ():
                    watched = key in self._watched and self._watched[key] <= position
                    if key is not None and (key in derived or watched or (self._auto(key))):
                        made = record[1]
                        derived.update([made] if made.__class__ is int else [k for k in made if k is not None])
                        break
                position += 1
        return derived

    def _auto(self, key: int) -> bool:
        """Whether the tape tracks it without having been told to."""
        variable = variable_of(key) if self._watches_variables else None
        return variable is not None and not variable.by_hand

    def _check_usable(self, method: str) -> None:
        if self._spent:
            raise TapeError(
                f"{method}(): this GradientTape was used already. A tape gives one set of gradients; "
                "pass several sources at once, or make it GradientTape(persistent=True)."
            )
        if not self._windows:
            raise TapeError(
                f"{method}(): this GradientTape recorded nothing. Compute inside `with GradientTape() as tape:`."
            )

    # -- jacobians

    @overload
    def jacobian(
        self,
        target: Tensor,
        sources: Tensor,
        unconnected_gradients: UnconnectedGradients = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Tensor: ...
    @overload
    def jacobian(
        self,
        target: Tensor,
        sources: Any,
        unconnected_gradients: UnconnectedGradients = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any: ...
    @boundary
    def jacobian(
        self,
        target: Tensor,
        sources: Any,
        unconnected_gradients: UnconnectedGradients = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The Jacobian, `d target[i] / d source[j]` for all pairs of elements: shape `target.shape + source.shape`.

        It takes one backward pass per element of `target`.

        Args:
            target: a tensor.
            sources: a tensor or variable, or a nested structure of them, in which the Jacobians are returned.
            unconnected_gradients: as for `gradient`.
            parallel_iterations: accepted for TensorFlow's signature; it changes nothing.
            experimental_use_pfor: accepted for TensorFlow's signature; it changes nothing.

        >>> x = ef.Variable([1.0, 2.0])
        >>> with ef.GradientTape() as tape:
        ...     y = x * x
        >>> tape.jacobian(y, x).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
        """
        self._check_usable("jacobian")
        zero = wants_zero(unconnected_gradients)
        (tensor,) = _checked_targets(target)
        wanted = _checked_sources(sources)
        if self._entered and not self._persistent:
            self.__exit__()
        self._warn_of_lost_terms("jacobian", [tensor], wanted)
        seeds = one_hot_seeds(tensor.shape, tensor)
        rows = [self._differentiate([tensor], wanted, [seed], free=False) for seed in seeds]
        results = [stacked(tensor.shape, source, [r[i] for r in rows], zero) for i, source in enumerate(wanted)]
        self._finish()
        return tree.pack_sequence_as(sources, results)

    @boundary
    def batch_jacobian(
        self,
        target: Tensor,
        source: Tensor,
        unconnected_gradients: UnconnectedGradients = "none",
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Gradient:
        """The Jacobian of each example of a batch: shape `(batch, *target.shape[1:], *source.shape[1:])`.

        That is `d target[b, i] / d source[b, j]` for each example `b`. The result is right only where no example of
        `target` depends on another example of `source`. It takes one backward pass per element of one example.

        Args:
            target: a tensor of shape `(batch, ...)`.
            source: a tensor or variable with the same first axis.
            unconnected_gradients: as for `gradient`.
            parallel_iterations: accepted for TensorFlow's signature; it changes nothing.
            experimental_use_pfor: accepted for TensorFlow's signature; it changes nothing.

        Raises:
            ValueError: when the two have no common first axis.

        >>> x = ef.Variable([[1.0, 2.0], [3.0, 4.0]])
        >>> with ef.GradientTape() as tape:
        ...     y = x * x
        >>> tape.batch_jacobian(y, x).tolist()
        [[[2.0, 0.0], [0.0, 4.0]], [[6.0, 0.0], [0.0, 8.0]]]
        """
        self._check_usable("batch_jacobian")
        zero = wants_zero(unconnected_gradients)
        (tensor,), (wanted,) = _checked_targets(target), _checked_sources(source)
        if not tensor.shape or not wanted.shape or tensor.shape[0] != wanted.shape[0]:
            raise ValueError(
                f"batch_jacobian: target and source need the same first axis; got {tensor.shape} and {wanted.shape}."
            )
        if self._entered and not self._persistent:
            self.__exit__()
        self._warn_of_lost_terms("batch_jacobian", [tensor], [wanted])
        seeds = batched_seeds(tensor)
        rows = [self._differentiate([tensor], [wanted], [seed], free=False)[0] for seed in seeds]
        self._finish()
        return stacked_batch(tensor.shape, wanted, rows, zero)


def _freeing(on: Log, tape: GradientTape) -> Callable[[int], bool]:
    """Whether a record may be freed: not while a window of another living tape shows it."""
    others = [other for ref in on.tapes if (other := ref()) is not None and other is not tape]
    kept = [(w.start, w.stop) for other in others for w in other._windows if w.log is on]
    if not kept:
        return everything
    return lambda i: not any(start <= i and (stop is None or i < stop) for start, stop in kept)


def _check_watchable(leaf: Any) -> None:
    if not isinstance(leaf, Tensor):
        raise TypeError(f"watch(): expected a tensor; got {type(leaf).__name__}. Make it one: ef.convert_to_tensor(x).")
    if not is_differentiable(leaf.dtype):
        raise TypeError(f"watch(): only tensors of floats have gradients; got {signature_of(leaf)}. Cast it first.")


def _checked_targets(target: Any) -> list[Tensor]:
    targets = tree.flatten(target)
    for t in targets:
        if not isinstance(t, Tensor):
            left = isinstance(t, (float, numpy.floating, numpy.ndarray))
            hint = " A number of NumPy or Python has left the tape: leave out .numpy() and float()." if left else ""
            raise TypeError(f"gradient(target=...): expected a tensor; got {type(t).__name__}.{hint}")
        if not is_differentiable(t.dtype):
            raise TypeError(f"gradient(target=...): only tensors of floats have gradients; got {signature_of(t)}.")
    return targets


def _checked_sources(sources: Any) -> list[Tensor]:
    wanted: list[Any] = [s if isinstance(s, Tensor) else as_tensor(s) for s in tree.flatten(sources)]
    for s in wanted:
        if not isinstance(s, Tensor):
            hint = "Give the very object that was computed with, a Variable or a watched tensor."
            if hasattr(s, "trainable_variables"):  # a model, a layer
                hint = "Give its weights: model.trainable_variables, or layer.trainable_variables."
            raise TypeError(f"gradient(sources=...): expected tensors or variables; got {type(s).__name__}. {hint}")
    return wanted


def _checked_seeds(targets: list[Tensor], target: Any, output_gradients: Any) -> list[Any] | None:
    if output_gradients is None:
        return None
    seeds = tree.flatten(output_gradients) if tree.is_nested(target) else [output_gradients]
    if len(seeds) != len(targets):
        raise ValueError(f"output_gradients: {len(seeds)} given for {len(targets)} targets.")
    for t, seed in zip(targets, seeds, strict=True):
        if seed is not None and tuple(numpy.shape(seed)) != t.shape:
            raise ValueError(
                f"output_gradients: expected shape {t.shape}, that of the target; got {numpy.shape(seed)}."
            )
    return seeds
