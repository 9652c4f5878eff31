"""How an optimizer updates with the gradients of all ranks."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any

import numpy

from eagerflow.core.device import device_of, place
from eagerflow.core.in_place import taken_back
from eagerflow.core.observe import clock, scope, state
from eagerflow.core.strategy import active
from eagerflow.core.tape import GradientTape
from eagerflow.core.variable import Variable
from eagerflow.distribution.runtime.current import setting, world
from eagerflow.distribution.runtime.gradient_sums import ahead, sums_of
from eagerflow.distribution.runtime.gradients import arrays_of, reduce_gradients
from eagerflow.distribution.spread_state import Spread
from eagerflow.optimizers import clipping
from eagerflow.optimizers.base import Optimizer
from eagerflow.optimizers.updates.applying import apply_matched, report_missing
from eagerflow.optimizers.updates.passes import announce_pass

__all__ = ["DistributedUpdates"]

_LEAST = 1 << 20  # bytes of state from which "auto" spreads it
_TYPES = ("float32", "float64")


class DistributedUpdates:
    """Updates of one optimizer by sums of gradients over ranks; its state may be spread over them."""

    def __init__(self) -> None:
        self.spread: Spread | None = None
        self._held: tuple[Any, list[Variable], int] | None = None  # communicator, variables and owner, held back
        self._spreading: tuple[Any, list[Variable], bool] | None = None  # for which distribution and variables

    def differentiate_and_apply(
        self, optimizer: Any, shard: Any, tape: GradientTape, loss: Any, variables: list[Variable]
    ) -> None:
        """An update, inside a shard: gradients are on their way to the other ranks while the tape finds more of them.

        Nobody can change them in between: that is why this is one call, and only for our own `apply`.
        """
        own = type(optimizer).apply is Optimizer.apply
        if not own or any([v.overwrite_with_gradient for v in variables]):
            optimizer.apply(tape.gradient(loss, variables), variables)
            return
        if self._holds_back(optimizer, variables) and not self._completes(optimizer):
            optimizer.apply(tape.gradient(loss, variables), variables)
            return
        scattered, owner = self._spreads(optimizer, shard, variables), self._owner(optimizer, variables)
        with ahead(shard, variables, scattered, owner) as finished:
            tape._finished = finished
            optimizer.apply(tape.gradient(loss, variables), variables)

    def apply(self, optimizer: Any, shard: Any, gradients: list[Any], variables: list[Variable]) -> Any:
        """One update with the gradients of all ranks."""
        if self._spreads(optimizer, shard, variables):
            if not state.on:
                return self._apply_spread(optimizer, shard, gradients, variables)
            with scope("optimizer", optimizer.name, optimizer, [g for g in gradients if g is not None]):
                return self._apply_spread(optimizer, shard, gradients, variables)
        if self.spread is not None:
            self.gather(optimizer)
        if self._held is not None and not (self._holds_back(optimizer, variables) and _same(self._held[1], variables)):
            self.gather(optimizer)
        owner = self._owner(optimizer, variables)
        if owner and not self._completes(optimizer):
            sums_of(shard.communicator).hold(variables, shard.weight, arrays_of(gradients), owner)
            self._held = (shard.communicator, list(variables), owner)
            if not optimizer.built:
                optimizer.build(variables)
            return apply_matched(optimizer, [], [])  # counts the step
        self._held = None
        kept = state.on or optimizer._has_own_step
        return optimizer._apply_sums(reduce_gradients(shard, variables, gradients, kept, owner), variables)

    def _holds_back(self, optimizer: Any, variables: list[Variable]) -> bool:
        """Whether gradients are summed over ranks only in the steps that update.

        Only where a loop gathers them before anybody reads the optimizer's state.
        """
        return bool(optimizer.gradient_accumulation_steps) and (
            world.gathers and not any([v.overwrite_with_gradient for v in variables])
        )

    def _owner(self, optimizer: Any, variables: list[Variable]) -> int:
        """A number for what this optimizer holds back; 0 where it holds nothing."""
        return int(optimizer._iterations.identity) if self._holds_back(optimizer, variables) else 0

    def _completes(self, optimizer: Any) -> bool:
        """Whether this step updates."""
        return (int(optimizer._iterations.data) + 1) % (optimizer.gradient_accumulation_steps or 1) == 0

    def _spreads(self, optimizer: Any, shard: Any, variables: list[Variable]) -> bool:
        """Whether the state for these variables is to be spread over ranks; the same on all of them."""
        wanted = setting("shard_optimizer")
        if not wanted or not optimizer.slots or taken_back() or not (wanted is True or world.gathers):
            return False
        last = self._spreading
        if last is None or last[0] is not active.strategy or not _same(last[1], variables):
            found = self._may_spread(optimizer, variables) and (
                wanted is True or self._worth_it(optimizer, shard, variables)
            )
            self._spreading = last = (active.strategy, list(variables), found)
        return last[2]

    def _may_spread(self, optimizer: Any, variables: list[Variable]) -> bool:
        return (
            not optimizer._has_own_step
            and getattr(optimizer.rule, "elementwise", False)
            and getattr(optimizer, "epsilon", 1.0) != 0
            and optimizer.clipnorm is None
            and not optimizer.gradient_accumulation_steps
            and len({v.identity for v in variables}) == len(variables)
            and all([type(v.data) is numpy.ndarray and v.dtype.name in _TYPES for v in variables])
            and not any([v.constraint is not None or v.overwrite_with_gradient for v in variables])
        )

    def _worth_it(self, optimizer: Any, shard: Any, variables: list[Variable]) -> bool:
        """For "auto", which spreads only in `fit`, where the state is gathered before anybody reads it.

        Within a machine it is faster, but for tiny models; between machines, weights that are sent cost time.
        """
        ranks = shard.communicator
        return (
            ranks.local_size == ranks.size and len(optimizer.slots) * sum([v.data.nbytes for v in variables]) >= _LEAST
        )

    def _apply_spread(self, optimizer: Any, shard: Any, gradients: list[Any], variables: list[Variable]) -> None:
        if not optimizer.built:
            optimizer.build(variables)
        new = [v for v in variables if v.identity not in optimizer._entries]
        if new:
            optimizer._add_entries(new)
        arrays = arrays_of(gradients)
        buckets, known = sums_of(shard.communicator).scatter(variables, shard.weight, arrays)
        without = [v for v, there in zip(variables, known) if not there]
        if without:
            report_missing(optimizer, without, any(known))
        spread = self.spread
        if spread is None or spread.buckets is not buckets:
            self.gather(optimizer)
            entries = [optimizer._entries[v.identity] for v in variables]
            self.spread = spread = Spread(buckets, entries, [optimizer._decays(v) for v in variables])
        spread.take_in()
        started = clock() if state.ops else 0
        self._update_parts(optimizer, shard, spread, known)
        if started:  # nobody has the sums of all gradients: this rank's own are shown
            there = [(e, g) for e, g in zip(spread.entries, arrays) if g is not None]
            announce_pass(f"{optimizer.name}_update", [e for e, _ in there], [g for _, g in there], None, started)
        if optimizer.use_ema:
            optimizer._average()
        optimizer._iterations.increase(1)

    def _update_parts(self, optimizer: Any, shard: Any, spread: Spread, known: Sequence[bool]) -> None:
        rate = optimizer._learning_rate()
        parts, scale = list(spread.parts(known)), None
        if optimizer.loss_scale_factor is not None:
            parts = [part._replace(gradient=part.gradient / optimizer.loss_scale_factor) for part in parts]
        if optimizer.clipvalue is not None:
            parts = [
                part._replace(gradient=clipping.by_value(numpy, part.gradient, optimizer.clipvalue)) for part in parts
            ]
        if optimizer.global_clipnorm is not None:
            squares = numpy.array([float(clipping.squares(part.gradient)) for part in parts]).sum(keepdims=True)
            shard.communicator.all_reduce(squares)
            scale = float(clipping.scale_of_norm(numpy, numpy.sqrt(squares[0]), optimizer.global_clipnorm))
        decay = (optimizer.weight_decay or 0.0) * rate
        optimizer._passes.update(parts, optimizer.rule, optimizer.settings(rate), decay, scale)
        spread.show()

    def gather(self, optimizer: Any) -> None:
        """Gathers the whole state on every rank, where it is spread over them (`shard_optimizer`, `no_sync`).

        All ranks call it together. `fit` does so at the end of each epoch, before callbacks save anything.
        """
        if self.spread is not None:
            self.spread.gather()
            self.spread = None
        if self._held is not None:
            (communicator, variables, owner), self._held = self._held, None
            found = sums_of(communicator).sum(variables, 0.0, [None] * len(variables), owner)
            there = [(v, g) for v, g in zip(variables, found) if g is not None]
            new = [v for v, _ in there if v.identity not in optimizer._entries]
            if new:
                optimizer._add_entries(new)
            for variable, gradient in there:
                with optimizer._entries[variable.identity].gradient_accumulator.changing() as total:
                    total += place(gradient, device_of(variable.data))


def _same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(map(is_, a, b))
