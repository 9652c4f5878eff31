"""The walk from the end of the tape to its beginning: reverse-mode differentiation.

No graph search and no recursion: records lie in the order in which the ops ran, so going through
them backwards meets every op after all of its uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy

from eagerflow.base.capturing import capturing
from eagerflow.base.errors import did_you_mean
from eagerflow.base.typing import Array, Numpy
from eagerflow.core.device import namespace_of, namespaces
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.exclusive import exclusive
from eagerflow.core.links import above
from eagerflow.core.log import Log, Record
from eagerflow.core.observe import clock, current, state
from eagerflow.core.primitive import registry, same_kind
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

__all__ = ["EXPLAINED", "Finished", "Gradients", "Stretch", "Walk", "as_given", "batched_seeds", "everything"]
__all__ += ["fitted", "in_gradient", "missing", "one_hot_seeds", "reaching", "results_of", "seeds_of", "stacked"]
__all__ += ["stacked_batch", "unbroadcast", "zeros_like"]

# By the keys of tensors: raw arrays, or tensors while the walk is recorded itself.
Gradients: TypeAlias = dict[int, Array]
# Is told a key and its gradient, to which nothing will be added.
Finished: TypeAlias = Callable[[int, Array], None]

EXPLAINED = ValueError, TypeError, IndexError  # what is raised again with the op's name


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
    reached = keys.difference(since)
    position = 0
    for log, start, stop, _ in stretches:
        for record in log[start:stop]:
            if since:
                reached.update(key for key in since if since[key] <= position)
                position += 1
            if record is not None and not reached.isdisjoint(record[2]):
                key = record[1]
                if key.__class__ is int:
                    reached.add(key)
                else:
                    reached.update(k for k in key if k is not None)
    return reached


class Walk:
    """One backward pass.

    Args:
        stretches: the parts of logs to go through, oldest first.
        wanted: keys whose gradients are asked for.
        recorded: run the rules on tensors, recorded by the tapes that are open, instead of on raw arrays.
        since: see `reaching`.
        finished: is called with each wanted gradient (a raw array, not to be changed) as soon as it is final,
            while the walk goes on. Walks that are recorded, and those of tensors that were watched late, tell nothing.
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        wanted: set[int],
        recorded: bool,
        since: dict[int, int],
        finished: Finished | None = None,
    ) -> None:
        self.stretches = stretches
        self.wanted = wanted
        self.recorded = recorded
        self.finished = finished
        # None when records of several devices may be on the tape.
        self.xp = numpy if len(namespaces) == 1 else None
        self.since = since
        self.reached = reaching(stretches, wanted, since)

    def run(self, seeds: Gradients) -> Gradients:
        """The gradients of the wanted keys, from those of the targets (raw arrays, or tensors when recorded)."""
        recorder = capturing.get()
        if recorder is not None and not self.recorded:
            captured: Gradients | None = recorder.walk(self, seeds)
            if captured is not None:
                return captured
        gradients = dict(seeds)
        observed = state.ops and bool(current())
        if self.finished is not None and not self.recorded and not self.since:
            self._run_telling(self.finished, gradients, observed)
        elif self.recorded or self.since:
            self._send_back_with_care(gradients, set(), self.stretches, set(self.reached), observed)
        else:
            self._send_back(gradients, set(), self.stretches, observed)
        return {key: gradients[key] for key in self.wanted if key in gradients}

    def _run_telling(self, finished: Finished, gradients: Gradients, observed: bool) -> None:
        """The same, stretch by stretch: each ends where wanted tensors were used for the first time."""
        owned: set[int] = set()
        for stretch, done in reversed(_cut_at_first_uses(self.stretches, self.wanted)):
            self._send_back(gradients, owned, [stretch], observed)
            for key in done:
                if key in gradients:
                    finished(key, gradients[key])

    def _send_back(self, gradients: Gradients, owned: set[int], stretches: Sequence[Stretch], observed: bool) -> None:
        """Send the gradient of each record on to its inputs. The innermost loop: one function, for speed."""
        wanted, reached = self.wanted, self.reached
        is_reached = reached.__contains__
        for log, start, stop, free in reversed(stretches):
            for i in range(stop - 1, start - 1, -1):
                record = log[i]
                if record is None:
                    continue
                if free is not None and (free is everything or free(i)):
                    log[i] = None
                op, out, keys, shapes, saved = record
                if out.__class__ is int:
                    g = gradients.get(out) if out in wanted else gradients.pop(out, None)
                elif op.unfolds:
                    self._send_back(gradients, owned, self._unfolded(record, gradients, reached), observed)
                    continue
                else:
                    g = self._arriving(out, shapes, gradients)
                if g is None:
                    continue
                if observed:
                    started = clock()
                    told_keys: list[int] = []
                    told: list[Array] = []
                if reached.isdisjoint(keys):
                    if observed:
                        _announce(record, g, (), (), started)
                    continue
                xp, kept = self.xp or _namespace_of_gradient(g), op.keeps_inputs
                try:
                    if op.joint:
                        found = op.pulls[0](xp, g, record, tuple(map(is_reached, keys)))
                    elif len(keys) == 1:
                        found = (op.pulls[0](xp, g, record, None),)
                    else:
                        found = [p(xp, g, record, None) if key in reached else None for p, key in zip(op.pulls, keys)]
                    for key, gx, like in zip(keys, found, saved if kept else shapes):
                        if gx is None or key not in reached:
                            continue
                        shape = like.shape if kept else like
                        if shape is not None and gx.shape != shape:
                            gx = unbroadcast(gx, shape)
                        if observed:
                            told_keys.append(key)
                            told.append(gx)
                        if key in gradients:
                            _add(gradients, owned, key, gx, False)
                        else:
                            gradients[key] = gx
                except BaseException as error:
                    failed: BaseException = in_gradient(op, error) if isinstance(error, EXPLAINED) else error
                    if observed:
                        _announce(record, g, (), (), started, failed)
                    if failed is error:
                        raise
                    raise failed from error
                if observed:
                    _announce(record, g, tuple(told_keys), tuple(told), started)
                    told = []
                g = found = gx = None  # large arrays

    def _send_back_with_care(
        self, gradients: Gradients, owned: set[int], stretches: Sequence[Stretch], reached: set[int], observed: bool
    ) -> None:
        """The same by rules that are recorded, or of tensors that were watched late."""
        outermost = stretches is self.stretches
        position = sum(s.stop - s.start for s in stretches)
        for log, start, stop, free in reversed(stretches):
            for i in range(stop - 1, start - 1, -1):
                record = log[i]
                if self.since and outermost:
                    position -= 1
                    reached -= {key for key, begin in self.since.items() if begin > position}
                if record is None:
                    continue
                if free is not None and (free is everything or free(i)):
                    log[i] = None
                if record[0].unfolds:
                    inner = self._unfolded(record, gradients, reached)
                    self._send_back_with_care(gradients, owned, inner, reached, observed)
                    continue
                g = self._arriving(record[1], record[3], gradients)
                if g is None:
                    continue
                step = self._observed_contributions if observed else self._contributions
                for key, gx in step(record, g, reached):
                    self._add(gradients, owned, key, gx)

    def _unfolded(self, record: Record, gradients: Gradients, reached: set[int]) -> list[Stretch]:
        """The records of a function that is computed again, where a gradient arrives and is wanted."""
        op, made, keys, _, _ = record
        if reached.isdisjoint(keys) or gradients.keys().isdisjoint(made):
            return []
        records = op.again(record, self.recorded)
        inner = [Stretch(records, 0, len(records), everything)]
        reached -= set(made) - self.wanted  # of those, the record knows only that they may depend on what is wanted
        reached |= reaching(inner, reached.intersection(keys), {})
        return inner

    def _arriving(self, key: Any, shapes: Any, gradients: Gradients) -> Any:
        """The gradient of a record's output(s), or None when nothing used them."""
        if key.__class__ is int:
            return gradients.get(key) if key in self.wanted else gradients.pop(key, None)
        found = [gradients.get(k) if k in self.wanted else gradients.pop(k, None) for k in key]
        if all(g is None for g in found):
            return None
        arrays = [g.data if isinstance(g, Tensor) else g for g in found if g is not None]
        like = namespace_of(*arrays)
        return tuple([self._zeros(part, like) if g is None else g for g, part in zip(found, shapes[-1])])

    def _zeros(self, part: tuple[tuple[int, ...], Any], like: Numpy) -> Array:
        zeros = like.zeros(*part)
        return Tensor(zeros, None, None) if self.recorded else zeros

    def _add(self, gradients: Gradients, owned: set[int], key: int, gx: Array) -> None:
        _add(gradients, owned, key, gx, self.recorded)

    def _pulled(self, record: Record, g: Array, reached: set[int]) -> Sequence[Any]:
        """What a record's rules give, for each of its inputs; None where it isn't wanted."""
        op, keys = record[0], record[2]
        xp = above.ops if self.recorded else self.xp or _namespace_of_gradient(g)
        pulls = op.recorded_pulls if self.recorded else op.pulls
        try:
            if op.recorded_joint if self.recorded else op.joint:
                found: Sequence[Any] = pulls[0](xp, g, record, tuple([key in reached for key in keys]))
                return found
            return [p(xp, g, record, None) if key in reached else None for p, key in zip(pulls, keys)]
        except EXPLAINED as error:
            raise in_gradient(op, error) from error

    def _contributions(self, record: Record, g: Array, reached: set[int]) -> list[tuple[int, Array]]:
        """What one record sends to its inputs, in order."""
        op, _, keys, shapes, saved = record
        if reached.isdisjoint(keys):
            return []
        kept, sent = op.keeps_inputs, []
        for key, gx, like in zip(keys, self._pulled(record, g, reached), saved if kept else shapes):
            if gx is None or key not in reached:
                continue
            shape = getattr(like, "shape", None) if kept else like
            sent.append((key, gx if shape is None or gx.shape == shape else unbroadcast(gx, shape)))
        return sent

    def _observed_contributions(self, record: Record, g: Array, reached: set[int]) -> list[tuple[int, Array]]:
        """The same, announced: one event per record, with what it contributed."""
        found: list[tuple[int, Array]] = []
        error: BaseException | None = None
        started = clock()
        try:
            found = self._contributions(record, g, reached)
        except BaseException as caught:
            error = caught
            raise
        finally:
            in_keys, results = zip(*found) if found else ((), ())
            _announce(record, g, in_keys, results, started, error)
        return found


def _announce(
    record: Record,
    g: Array,
    in_keys: tuple[int, ...],
    results: tuple[Array, ...],
    started: int,
    error: BaseException | None = None,
) -> None:
    """Tell observers of a backward rule that is over now: what arrived, and what it gave for which keys."""
    ended, out = clock(), record[1]
    out_keys, arrived = (out, g) if out.__class__ is tuple else ((out,), (g,))
    for observer in current():
        observer.on_rule(record[0], out_keys, in_keys, arrived, results, started, ended, error)


def _cut_at_first_uses(stretches: Sequence[Stretch], wanted: set[int]) -> list[tuple[Stretch, list[int]]]:
    """The stretches, cut before each record that is the first to use a wanted key; each part with those keys."""
    left, cut = set(wanted), []
    for log, start, stop, free in stretches:
        begin, done = start, list[int]()
        for i in range(start, stop):
            record = log[i]
            if record is None or left.isdisjoint(record[2]):
                continue
            if i > begin:
                cut.append((Stretch(log, begin, i, free), done))
            begin, done = i, [key for key in dict.fromkeys(record[2]) if key in left]
            left.difference_update(done)
        cut.append((Stretch(log, begin, stop, free), done))
    return cut


def in_gradient(op: Any, error: Exception) -> Exception:
    """The error that a backward pass raises for what went wrong in a rule."""
    return same_kind(error)(f"in the gradient of {op.name}: {error}")


def _namespace_of_gradient(g: Array) -> Numpy:
    return namespaces.get(type(g[0] if type(g) is tuple else g), numpy)


def everything(i: int) -> bool:
    """The usual answer to which records may be freed."""
    return True


def _add(gradients: Gradients, owned: set[int], key: int, gx: Array, recorded: bool) -> None:
    """Add a contribution to a gradient, in place once we own the array of the sum."""
    before = gradients.get(key)
    if before is None:
        gradients[key] = gx
    elif key in owned and not recorded and before.dtype == gx.dtype:
        before += gx
        gradients[key] = before  # NumPy scalars don't change in place
    else:
        add = registry["add"].forward  # which shares large arrays among threads
        gradients[key] = before + gx if recorded else add(numpy, before, gx)
        owned.add(key)


def fitted(g: Array, shape: tuple[int, ...]) -> Array:
    """A gradient in the shape of its source, to which a rule may have summed it already."""
    return g if g.shape == shape else unbroadcast(g, shape)


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum `g` over the axes that broadcasting added or stretched."""
    lead = g.ndim - len(shape)
    if lead == 1 and g.shape[1:] == shape:  # a bias, say
        wide = g.__class__ is numpy.ndarray and g.dtype.itemsize > 2
        return numpy.add.reduce(g, 0) if wide else wide_sum(g, 0)
    axes = (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and g.shape[i + lead] != 1))
    return wide_sum(g, axes).reshape(shape) if axes else g.reshape(shape)


# A Jacobian takes a walk for each of its rows: what these begin with, and how their results are put together.


def zeros_like(source: Tensor) -> Tensor:
    """The gradient of a source that a target doesn't depend on, where zeros are asked for."""
    return Tensor(namespace_of(source.data).zeros(source.shape, source.dtype), None, None)


def one_hot_seeds(shape: tuple[int, ...], like: Tensor) -> Iterator[Tensor]:
    """For each element of a target, the gradient that arrives when it alone is differentiated."""
    if 0 in shape:  # no row at all: one pass tells what the target depends on
        yield zeros_like(like)
    for index in numpy.ndindex(shape):
        seed = numpy.zeros(shape, like.dtype)
        seed[index] = 1
        yield Tensor(seed, device=like.device)


def batched_seeds(like: Tensor) -> Iterator[Tensor]:
    """For each element of an example, the same for all examples of a batch at once."""
    if 0 in like.shape[1:]:
        yield zeros_like(like)
    for index in numpy.ndindex(like.shape[1:]):
        seed = numpy.zeros(like.shape, like.dtype)
        seed[(slice(None), *index)] = 1
        yield Tensor(seed, device=like.device)


_new = object.__new__
_UNCONNECTED = ("none", "zero")


def stacked(shape: tuple[int, ...], source: Tensor, rows: list[Tensor | None], zero: bool) -> Tensor | None:
    """The Jacobian of a source from its rows; where the target doesn't depend on it, None, or zeros if asked for."""
    present = [row for row in rows if row is not None]
    if not present and not zero:
        return None
    if not present or 0 in shape:
        return Tensor(namespace_of(source.data).zeros(shape + source.shape, source.dtype), None, None)
    joined: Tensor = above.ops.stack([zeros_like(source) if r is None else r for r in rows])
    return joined.reshape(shape + source.shape)


def stacked_batch(shape: tuple[int, ...], source: Tensor, rows: list[Tensor | None], zero: bool) -> Tensor | None:
    """The Jacobians of all examples of a batch from their rows."""
    together = stacked((len(rows),), source, rows, zero)
    if together is None:
        return None
    if 0 in shape:
        empty = (*shape, *source.shape[1:])
        return Tensor(namespace_of(source.data).zeros(empty, source.dtype), None, None)
    batch_first = above.ops.moveaxis(together, 1, 0)
    result: Tensor = batch_first.reshape((*shape, *source.shape[1:]))
    return result


def wants_zero(choice: Any) -> bool:
    """Whether `unconnected_gradients` asks for zeros."""
    name = str(getattr(choice, "value", choice)).lower()
    if name not in _UNCONNECTED:
        hint = did_you_mean(name, _UNCONNECTED)
        raise ValueError(f"unconnected_gradients={choice!r}: expected 'none' or 'zero'.{hint}")
    return name == "zero"


def missing(source: Tensor, zero: bool) -> Tensor | None:
    """What stands for a gradient that isn't there."""
    if hasattr(type(source), "node"):
        raise TypeError(
            f"gradient(sources=...): {source!r:.100} is symbolic, as layer.output is: nothing was computed with it. "
            "Make a model that gives it too, ef.Model(model.inputs, [layer.output, model.output]), call that under the "
            "tape, and give what came out."
        )
    return zeros_like(source) if zero else None


def seeds_of(targets: list[Tensor], given: list[Any] | None, recorded: bool) -> Gradients:
    """The gradients that the walk begins with, by key; a target that nothing tracks has none."""
    seeds: Gradients = {}
    for i, t in enumerate(targets):
        key = t.identity if isinstance(t, Variable) else t.key
        seed: Any = None if given is None else given[i]
        if key is None:
            continue
        if seed is None:
            ones = _ones(t.data)
            value = Tensor(ones, None, None) if recorded else ones
        else:
            tensor = seed if isinstance(seed, Tensor) else Tensor(seed, t.dtype.name, device=t.device)
            value = tensor if recorded else tensor.data
        seeds[key] = seeds[key] + value if key in seeds else value
    return seeds


def _ones(like: Any) -> Any:
    """Ones of the same shape and type; one number, the usual loss, is made quickly."""
    if isinstance(like, (numpy.ndarray, numpy.generic)) and not like.shape:
        return numpy.array(1, like.dtype)
    return namespace_of(like).ones(like.shape, like.dtype)


def results_of(sources: list[Tensor], keys: list[int | None], found: Gradients, recorded: bool) -> list[Tensor | None]:
    """Tensors for the sources, in memory that nobody else sees."""
    distinct = len(set(keys)) == len(keys)
    take = found.pop if distinct else found.get  # popped, a gradient has no other reference
    results: list[Tensor | None] = []
    box: list[Any] = [None]
    for source, key in zip(sources, keys):
        box[0] = take(key, None)  # type: ignore[arg-type] # nothing has the key None
        if box[0] is None:
            results.append(None)
            continue
        if box[0].dtype is not source.data.dtype:
            box[0] = _in_type(box[0], source.dtype)
        if recorded:
            results.append(box[0])
            continue
        made = _new(Tensor)  # quicker than a call of the class
        made.data = box[0] if _is_dense(box[0]) and exclusive(box) else namespace_of(box[0]).array(box[0])
        made.key = made.serial = None
        results.append(made)
    return results


def _in_type(gradient: Any, dtype: numpy.dtype) -> Any:
    """The gradient in the type of its source: the real part for a real one, float32 for float32."""
    if gradient.dtype == dtype:
        return gradient
    if gradient.dtype.kind == "c" and dtype.kind != "c":
        real = above.ops.real(gradient) if isinstance(gradient, Tensor) else gradient.real
        return real.astype(dtype)
    return gradient.astype(dtype)


def _is_dense(array: Any) -> bool:
    """Whether an array's numbers lie one behind the other. BLAS and NumPy add those of others up in another order.

    So a gradient is always dense: whether a view has become a copy on its way, as it does when others refer to it, must
    not change what is computed from it. For the same reason it is aligned; memory that others share may not be.
    """
    flags = array.flags
    return bool((flags.c_contiguous or flags.f_contiguous) and getattr(flags, "aligned", True))  # a GPU's always is


def as_given(gradient: Any, dtype: numpy.dtype) -> Any:
    """A raw gradient as a tape gives it: dense, and in the type of its source."""
    found = _in_type(gradient, dtype)
    return found if _is_dense(found) else namespace_of(found).array(found)
