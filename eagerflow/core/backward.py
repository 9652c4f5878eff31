"""The walk from the end of the tape to its beginning: reverse-mode differentiation.

No graph search and no recursion: records lie in the order in which the ops ran, so going through
them backwards meets every op after all of its uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eagerflow.core.observe import clock, current, state
from eagerflow.core.op import recorded_namespace
from eagerflow.core.recording import Log
from eagerflow.core.tensor import Tensor

__all__ = ["Stretch", "Walk", "everything", "reaching"]


class Stretch(NamedTuple):
    """A part of a log: records `start` to `stop`, and which of them may be freed once they were used."""

    log: Log
    start: int
    stop: int
    free: Callable[[int], bool] | None = None


def reaching(stretches: Sequence[Stretch], keys: set[int], since: dict[int, int]) -> set[int]:
    """The keys of all tensors that depend on one of `keys`: the only ones worth a gradient.

    `since` says from which record on a key counts, for tensors that were watched late.
    """
    reached = {key for key in keys if key not in since}
    position = 0
    for log, start, stop, _ in stretches:
        for i in range(start, stop):
            record = log[i]
            if since:
                reached.update(key for key in since if since[key] <= position)
                position += 1
            if record is None:
                continue
            for source in record[2]:
                if source in reached:
                    key = record[1]
                    if key.__class__ is int:
                        reached.add(key)
                    else:
                        reached.update(k for k in key if k is not None)
                    break
    return reached


class Walk:
    """One backward pass.

    Args:
        stretches: the parts of logs to go through, oldest first.
        wanted: keys whose gradients are asked for.
        recorded: run the rules on tensors, recorded by the tapes that are open, instead of on raw arrays.
        xp: the array module of the target.
        since: see `reaching`.
    """

    def __init__(
        self, stretches: Sequence[Stretch], wanted: set[int], recorded: bool, xp: Any, since: dict[int, int]
    ) -> None:
        self.stretches = stretches
        self.wanted = wanted
        self.recorded = recorded
        self.xp = xp
        self.since = since
        self.reached = reaching(stretches, wanted, since)

    def run(self, seeds: dict[int, Any]) -> dict[int, Any]:
        """The gradients of the wanted keys, from those of the targets (raw arrays, or tensors when recorded)."""
        gradients = dict(seeds)
        owned: set[int] = set()
        reached = set(self.reached)
        observed = state.on and bool(current())
        position = sum(s.stop - s.start for s in self.stretches)
        for log, start, stop, free in reversed(self.stretches):
            for i in range(stop - 1, start - 1, -1):
                record = log[i]
                if self.since:
                    position -= 1
                    reached -= {key for key, begin in self.since.items() if begin > position}
                if record is None:
                    continue
                if free is not None and (free is everything or free(i)):
                    log[i] = None
                g = self._arriving(record[1], record[3], gradients)
                if g is None:
                    continue
                if observed:
                    self._observed_step(record, g, reached, gradients, owned)
                else:
                    self._step(record, g, reached, gradients, owned)
        return {key: gradients[key] for key in self.wanted if key in gradients}

    def _arriving(self, key: Any, shapes: Any, gradients: dict[int, Any]) -> Any:
        """The gradient of a record's output(s), or None when nothing used them."""
        if key.__class__ is int:
            return gradients.get(key) if key in self.wanted else gradients.pop(key, None)
        found = [gradients.get(k) if k in self.wanted else gradients.pop(k, None) for k in key]
        if all(g is None for g in found):
            return None
        return tuple(
            [self._zeros(part) if g is None else g for g, part in zip(found, shapes[-1], strict=True)]
        )

    def _zeros(self, part: tuple[tuple[int, ...], Any]) -> Any:
        zeros = self.xp.zeros(*part)
        return Tensor(zeros, None, None) if self.recorded else zeros

    def _step(
        self, record: tuple[Any, ...], g: Any, reached: set[int], gradients: dict[int, Any], owned: set[int]
    ) -> None:
        """Send the gradient of one record on to its inputs. The innermost loop: kept short for speed."""
        op, _, keys, shapes, _ = record
        xp, pulls = (recorded_namespace[0], op.recorded_pulls) if self.recorded else (self.xp, op.pulls)
        try:
            if op.joint or len(pulls) != len(keys):
                self._joint_step(xp, pulls[0], record, g, reached, gradients, owned)
                return
            for pull, key, shape in zip(pulls, keys, shapes):
                if key in reached:
                    gx = pull(xp, g, record, None)
                    if shape is not None and gx.shape != shape:
                        gx = _unbroadcast(gx, shape)
                    if key in gradients:
                        _add(gradients, owned, key, gx, self.recorded)
                    else:
                        gradients[key] = gx
        except (ValueError, TypeError, IndexError) as error:
            raise type(error)(f"in the gradient of {op.name}: {error}") from error

    def _joint_step(
        self, xp: Any, pull: Any, record: tuple[Any, ...], g: Any, reached: set[int], gradients: dict[int, Any],
        owned: set[int],
    ) -> None:  # fmt: skip
        """The same for an op whose single rule gives the gradients of all its inputs."""
        needs = tuple([key in reached for key in record[2]])
        if not any(needs):
            return
        for gx, key, shape in zip(pull(xp, g, record, needs), record[2], record[3], strict=False):
            if gx is None or key not in reached:
                continue
            if shape is not None and gx.shape != shape:
                gx = _unbroadcast(gx, shape)
            if key in gradients:
                _add(gradients, owned, key, gx, self.recorded)
            else:
                gradients[key] = gx

    def _observed_step(
        self, record: tuple[Any, ...], g: Any, reached: set[int], gradients: dict[int, Any], owned: set[int]
    ) -> None:
        """The same, announced: one event per record, with what it contributed."""
        key = record[1]
        contributed: dict[int, Any] = {}
        started = clock()
        error: BaseException | None = None
        try:
            self._step(record, g, reached, contributed, set())
        except BaseException as caught:
            error = caught
            raise
        finally:
            ended = clock()
            out_keys, arrived = (key, g) if key.__class__ is tuple else ((key,), (g,))
            for observer in current():
                observer.on_rule(
                    record[0],
                    out_keys,
                    tuple(contributed),
                    arrived,
                    tuple(contributed.values()),
                    started,
                    ended,
                    error,
                )
        for source, gx in contributed.items():
            if source in gradients:
                _add(gradients, owned, source, gx, self.recorded)
            else:
                gradients[source] = gx


def everything(i: int) -> bool:
    """The usual answer to which records may be freed."""
    return True


def _add(gradients: dict[int, Any], owned: set[int], key: int, gx: Any, recorded: bool) -> None:
    """Add a contribution to a gradient, in place once the sum is an array of our own."""
    before = gradients[key]
    if key in owned and not recorded and before.dtype == gx.dtype:
        before += gx
        gradients[key] = before  # NumPy scalars don't change in place
    else:
        gradients[key] = before + gx
        owned.add(key)


def _unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes that broadcasting added or stretched."""
    lead = g.ndim - len(shape)
    axes = (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and g.shape[i + lead] != 1))
    return g.sum(axis=axes).reshape(shape) if axes else g.reshape(shape)
