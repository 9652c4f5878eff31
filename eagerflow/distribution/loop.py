"""`DistributedLoop`: the steps of ranks that share each batch, each of which works on its own rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.tracebacks import warn
from eagerflow.callbacks import CallbackList
from eagerflow.callbacks.logs import Logs
from eagerflow.core.observe import logs as announce_logs, state
from eagerflow.core.strategy import active, sharing
from eagerflow.data.arrays import rows_of
from eagerflow.data.dataset import Dataset
from eagerflow.data.feed import Feed, IterableFeed
from eagerflow.distribution.batch_shard import BatchShard, shard_of
from eagerflow.distribution.metrics import DistributedMetrics
from eagerflow.distribution.replicas import broadcast_random_state, check_replicas
from eagerflow.distribution.runtime.agreement import DisagreementError, agree
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.faults import status
from eagerflow.distribution.shards import END, Part, batches_and_end, brought, cut, numbers_of
from eagerflow.training.interrupt import Interruption
from eagerflow.training.loop import (
    Loop,
    as_numbers,
    as_numpy,
    check_numbers,
    deferring,
    joined,
    observed_batches,
    observed_step,
)

__all__ = ["DistributedLoop"]

_MADE_BY_ALL = (
    "every rank makes all batches of a generator, and takes its rows of them. Of a PyDataset with rows(index, start, "
    "stop) each makes its rows alone; with DataParallel(auto_shard_dataset=False) each brings its own batches."
)
_told: set[str] = set()

_ALIKE = (
    "All ranks have to be given the same data, of which each takes its rows; for ranks that bring their own batches: "
    "DataParallel(auto_shard_dataset=False)."
)


class DistributedLoop(Loop):
    """What happens around the steps of ranks that share each batch; see `Loop` for the arguments."""

    def __init__(
        self, model: Any, kind: str, callbacks: CallbackList, shows: bool, every: int, ranks: Communicator, brings: bool
    ) -> None:
        super().__init__(model, kind, callbacks, shows, every)
        self.ranks = ranks
        self.called = {"train": "fit", "test": "evaluate", "predict": "predict"}[kind]
        self.metrics = DistributedMetrics(model, ranks)
        every_so_often = [c for c in callbacks.callbacks if isinstance(getattr(c, "save_freq", None), int)]
        self.savers = [c for c in every_so_often if hasattr(c, "_batches")] if kind == "train" else []
        self.brings = brings  # whether ranks have batches of their own
        self.even = not self.brings and model._is_ours(self.function, "compute_loss")

    def run(self, feed: Feed, interruption: Interruption, keep: Callable[[Any], None], first: int = 0) -> int:
        if getattr(feed, "brings", False):
            self.brings, self.even = True, False
        agree(self.ranks, self._facts(feed, first), self.called, "" if self.brings else _ALIKE)
        broadcast_random_state(self.ranks)
        told_of_end, self.saving = self._votes(bool(self.end), bool(self.savers))
        done = told = first
        shard: Any = None
        logs: Any = None
        left = None if feed.steps is None else feed.steps - first
        with deferring(self.model._ef_state.compiled if self.deferred else None):
            for step, (shard, data) in enumerate(self._parts(feed, left), first):
                if self.begin and step % self.every == 0:
                    for hook in self.begin:
                        hook(step, {})
                status.doing = (self.called, step)
                logs = self._step(shard, data)
                done = step + 1
                if self.kind == "predict":
                    logs = self._whole_outputs(shard, logs)
                    keep(logs)
                    if self._outputs is not None:
                        self._outputs.append(logs)
                if told_of_end and done % self.every == 0:
                    told = done
                    logs, shard = self._global(shard, logs), None
                    self._check_to_save()
                    self._report(step, logs)
                logs, shard, stop = self._after(step, shard, logs, interruption)
                if stop:
                    break
            status.doing = None
            logs = self._global(shard, logs)
            if told_of_end and told < done:
                self._report(told + self.every - 1, logs)
            if self.bar is not None:
                self.bar.stop_clock(done)
        if done > first and self.kind != "predict":
            keep(logs)
        elif self.deferred and done:
            keep(self.model.get_metrics_result())
        return done

    def _after(
        self, step: int, shard: BatchShard | None, logs: Any, interruption: Interruption
    ) -> tuple[Any, Any, bool]:
        """What all ranks do if one of them wants it: show numbers, end after this step."""
        due = self.bar if self.bar is not None and self.bar.due() else None
        observed = state.on and self.kind != "predict"
        stop = bool(getattr(self.model, self.stop))
        stop, interrupted, wanted = self._votes(stop, interruption.requested, due is not None or observed)
        if wanted:
            logs, shard = self._global(shard, logs), None
            if due is not None:
                due.show(step, self._numbers(logs, shown=True))
            if observed:
                announce_logs("batch", step, self._numbers(logs))
        if interrupted:
            raise KeyboardInterrupt
        if stop:
            setattr(self.model, self.stop, True)
        return logs, shard, stop

    def _step(self, shard: BatchShard, data: Any) -> Any:
        """One step on this rank's rows."""
        states = self.states
        before = None if states is None else states.taken()
        self.metrics.begin(shard)
        try:
            with sharing(shard):
                active.even = self.even
                logs = observed_step(self.model, self.name, self.function, data)
                if self.kind != "predict":
                    check_numbers(logs, self.name)
        except BaseException:
            if states is not None and before is not None:
                states.undo(before)
            raise
        finally:
            active.even = False
        if states is not None and before is not None:
            states.settle(before)
        self.metrics.end()
        return logs

    def _check_to_save(self) -> None:
        """Replicas become equal where a callback is about to save after this batch."""
        if self.saving and self._votes(any((c._batches + 1) % c.save_freq == 0 for c in self.savers))[0]:
            check_replicas(self.model, self.ranks, "saving after a batch")

    def _numbers(self, logs: Any, shown: bool = False) -> dict[str, Any]:
        if self.kind == "predict":
            return super()._numbers(logs, shown)
        return Logs(sorted(as_numbers(logs).items()))

    def one(self, data: Any) -> Any:
        """A step on one global batch (with `auto_shard_dataset=False`, on the batches that ranks bring)."""
        shard, own = next(
            brought(iter([data]), self.ranks, self.called) if self.brings else self._of_stream(iter([data]))
        )
        logs = self._step(shard, own)
        return self._whole_outputs(shard, logs) if self.kind == "predict" else self._global(shard, logs)

    # -- what ranks tell each other

    def _votes(self, *own: bool) -> list[bool]:
        """Of each question whether any rank says yes."""
        found = numpy.array(own, "float64")
        self.ranks.all_reduce(found)
        return [bool(n) for n in found]

    def _facts(self, feed: Feed, first: int) -> dict[str, str]:
        """What must be the same on all ranks before they make steps."""
        names = () if self.brings else ("rows", "batch_size", "available", "shuffle", "steps")
        found = {name if name != "steps" else "steps per epoch": str(getattr(feed, name, None)) for name in names}
        return {**found, "steps done": str(first)}

    # -- batches

    def _parts(self, feed: Feed, left: int | None) -> Iterator[Part]:
        batches = observed_batches(feed, left)
        if self.brings:
            return brought(batches, self.ranks, self.called)
        if isinstance(feed, IterableFeed) and not isinstance(feed.iterable, Dataset) and not self.ranks.rank:
            warn_once(_MADE_BY_ALL)
        return batches if "make" in vars(feed) else self._of_stream(batches)

    def _of_stream(self, batches: Iterator[Any]) -> Iterator[Part]:
        """Parts of batches that all ranks make."""
        for number, batch in enumerate(batches_and_end(batches)):
            rows = -1 if batch is END else rows_of(batch)
            every = numbers_of(self.ranks, rows)
            other = next((rank for rank, n in enumerate(every) if n != every[0]), None)
            if other is not None:
                told = ["no more batch" if n < 0 else f"{n} rows" for n in (every[other], every[0])]
                raise DisagreementError(
                    f"{self.called}: ranks differ in batch {number}: rank {other} has {told[0]}, rank 0 has {told[1]}. "
                    f"{_ALIKE}"
                )
            if batch is END:
                return
            shard = shard_of(self.ranks, rows)
            yield shard, cut(batch, shard)

    # -- numbers

    def _whole_outputs(self, shard: BatchShard, outputs: Any) -> Any:
        """The outputs for all rows of a batch."""
        own = as_numpy(outputs)
        parts = [part for part in self.ranks.gather_objects(own if shard.own else None) if part is not None]
        return joined(*parts) if isinstance(own, numpy.ndarray) else tree.map_structure(joined, *parts)

    def _global(self, shard: BatchShard | None, logs: Any) -> Any:
        """What a step reported, of all ranks; all of them call it at the same step. Known already without a shard."""
        if self.kind == "predict" or shard is None:
            return logs
        if self.deferred:
            self.metrics.merge()
            return self.model.get_metrics_result()
        own = as_numbers(logs)
        before = as_numbers(self.model.get_metrics_result())
        same = [float(not shard.own or (n in before and _equal(before[n], own[n]))) for n in own]
        self.metrics.merge()
        results = as_numbers(self.model.get_metrics_result())
        values = [
            numpy.asarray(v, "float64") if isinstance(v, (float, int, numpy.ndarray)) else None for v in own.values()
        ]
        flat = [v.reshape(-1) * shard.weight if shard.own else numpy.zeros(v.size) for v in values if v is not None]
        told = numpy.concatenate([numpy.array(same), *flat]) if own else numpy.zeros(0)
        self.ranks.all_reduce(told)
        found, start = {}, len(same)
        for (name, given), value, count in zip(own.items(), values, told):
            size = 0 if value is None else value.size
            mean = told[start : start + size]
            start += size
            if count == self.ranks.size:
                found[name] = results.get(name, given)
            elif value is None:
                found[name] = given
            else:
                found[name] = float(mean[0]) if not value.ndim else mean.reshape(value.shape)
        return found


def _equal(a: Any, b: Any) -> bool:
    return bool(numpy.array_equal(numpy.asarray(a, "float64"), numpy.asarray(b, "float64"), equal_nan=True))


def warn_once(text: str) -> None:
    """Warn, the first time that it is asked for."""
    if text not in _told:
        _told.add(text)
        warn(text)
