"""Metrics that have to see whole batches: where ranks share a batch, each gathers the rows of all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.messages import say
from eagerflow.base.signatures import refuses
from eagerflow.base.tracebacks import warn
from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.strategy import active, sharing
from eagerflow.core.tensor import Tensor

__all__ = ["of_all_rows", "on_all_rows", "warn_of_a_number", "weight_of_all"]


def of_all_rows(update_state: Callable[..., Any]) -> Callable[..., Any]:
    """`update_state` that sees the rows of all ranks where their counts couldn't be put together later.

    That is so in custom loops, and for custom metrics without a way to merge states.
    """
    ours = update_state.__module__.startswith("eagerflow.")

    @wraps(update_state)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        shard = active.shard
        if shard is None or not (shard.gathers or (not ours and (self._gathers or not _adds_up(self)))):
            try:
                return update_state(self, *args, **kwargs)
            except TypeError as error:
                if ours or len(args) + len(kwargs) != 3 or not refuses(update_state, self, *args, **kwargs):
                    raise
                raise TypeError(
                    f"{type(self).__name__}.update_state was called with (y_true, y_pred, sample_weight): write "
                    f"def update_state(self, y_true, y_pred, sample_weight=None). ({error})"
                ) from None
        return on_all_rows(self, lambda *a, **k: update_state(self, *a, **k), *args, **kwargs)

    return call


def _adds_up(metric: Any) -> bool:
    """Whether a metric says of all its state how parts are merged."""
    variables = metric.variables
    return bool(variables) and all(v.identity in metric._aggregations for v in variables)


def weight_of_all(weight: Any, shard: Any) -> Any:
    """A weight; the number of rows that a mean of this rank counts by becomes that of the whole batch."""
    number = weight is not None and not getattr(weight, "ndim", numpy.ndim(weight))
    return shard.rows if number and shard.own and float(weight) == shard.own else weight


def warn_of_a_number(metric: Any, values: Any, shard: Any) -> None:
    """Say that a number in a sum counts as a mean over the rows of a rank: it is one, or a sum, and nothing tells."""
    if not isinstance(values, (Tensor, numpy.ndarray)) or values.ndim:
        return
    shard.note(f"{metric.name}: a number that each rank made of its own rows was taken for a mean over them")
    if not shard.rank:
        warn(
            f"{metric.name}.update_state: where ranks share a batch, one number counts as a mean over the rows of each "
            "rank, as a loss is. If it is a sum over rows, the result depends on the number of ranks: give the metric "
            "the rows themselves, Sum().update_state(values)."
        )


def on_all_rows(metric: Any, update: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Let a metric take in all rows of the running step's batch: from now on its state is the same on all ranks."""
    shard = active.shard
    assert shard is not None
    if not metric._gathers and not shard.gathers:
        metric._gathers = True
        if not shard.rank:
            say(
                f"{metric.name}: ranks gather all rows of each batch for this metric. It is faster where its variables "
                'can be added up: add_variable(..., aggregation="sum").'
            )
    if metric._sums and args:
        warn_of_a_number(metric, args[0], shard)
    if "sample_weight" in kwargs:
        kwargs["sample_weight"] = weight_of_all(kwargs["sample_weight"], shard)
    leaves = tree.flatten((args, kwargs))
    told = [_told(leaf, shard) for leaf in leaves]
    every = shard.gather_objects(told)
    made = [_made(leaf, [parts[i] for parts in every]) for i, leaf in enumerate(leaves)]
    whole_args, whole_kwargs = tree.pack_sequence_as((args, kwargs), made)
    with sharing(None):
        return update(*whole_args, **whole_kwargs)


def _told(leaf: Any, shard: Any) -> Any:
    """What a rank tells of an argument: its rows and their mask; of a number its part in a mean."""
    if not isinstance(leaf, (Tensor, numpy.ndarray)):
        return None
    array = to_host(leaf.data if isinstance(leaf, Tensor) else leaf)
    if not array.ndim:
        return numpy.asarray(array * shard.weight if shard.own else array * 0)
    if not shard.own:
        return None
    mask = getattr(leaf, "mask", None)
    return array, None if mask is None else to_host(mask.data)


def _made(leaf: Any, parts: list[Any]) -> Any:
    """An argument, of what all ranks told."""
    if not isinstance(leaf, (Tensor, numpy.ndarray)):
        return leaf
    if not leaf.ndim:
        return Tensor(numpy.asarray(sum(parts), dtype=parts[0].dtype), None, None)
    told = [part for part in parts if part is not None]
    array = numpy.concatenate([rows for rows, _ in told])
    if not isinstance(leaf, Tensor):
        return array
    where = device_of(leaf.data)
    made = Tensor(place(array, where), None, None)
    if told[0][1] is not None:
        made.mask = Tensor(place(numpy.concatenate([mask for _, mask in told]), where), None, None)
    return made
