"""The part of `Optimizer` that updates with the gradients of all ranks."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any

import numpy

from eagerflow.core.device import device_of, place
from eagerflow.core.in_place import taken_back
from eagerflow.core.observe import clock, scope, state
from eagerflow.core.tape import GradientTape
from eagerflow.core.variable import Variable
from eagerflow.optimizers import clipping
from eagerflow.optimizers.updates.passes import announce_pass
from eagerflow.optimizers.updates.spread import Spread
from eagerflow.world.current import world
from eagerflow.world.gradient_sums import ahead, sums_of
from eagerflow.world.gradients import arrays_of, reduce_gradients
from eagerflow.world.shares import Share

__all__ = ["AcrossRanks"]

_LEAST = 1 << 20  # bytes of state from which "auto" spreads it
_TYPES = ("float32", "float64")


class AcrossRanks:
    """Sums of gradients over ranks, and state that is spread over them."""

    _spread: Spread | None = None
    _held: tuple[Any, list[Variable], int] | None = None  # communicator, variables and owner of gradients held back
    _spreading: tuple[Any, list[Variable], bool] | None = None  # for which distribution and variables, and whether

    def _differentiate_and_apply(self: Any, tape: GradientTape, loss: Any, variables: list[Variable]) -> None:
        """An update, inside a share: gradients are on their way to the other ranks while the tape finds more of them.

        Nobody can change them in between: that is why this is one call, and only for our own `apply`.
        """
        share = world.share
        own = type(self).apply is type(self)._own_apply and not any([v.overwrite_with_gradient for v in variables])
        if share is None or not own:
            self.apply(tape.gradient(loss, variables), variables)
            return
        if self._holds_back(variables) and not self._completes():
            self.apply(tape.gradient(loss, variables), variables)
            return
        with ahead(share, variables, self._spreads(share, variables), self._owner(variables)) as finished:
            tape._finished = finished
            self.apply(tape.gradient(loss, variables), variables)

    def _apply_in_share(self: Any, share: Share, gradients: list[Any], variables: list[Variable]) -> Any:
        """One update with the gradients of all ranks."""
        if self._spreads(share, variables):
            if not state.on:
                return self._apply_spread(share, gradients, variables)
            with scope("optimizer", self.name, self, [g for g in gradients if g is not None]):
                return self._apply_spread(share, gradients, variables)
        if self._spread is not None:
            self.gather()
        if self._held is not None and not (self._holds_back(variables) and _same(self._held[1], variables)):
            self.gather()
        owner = self._owner(variables)
        if owner and not self._completes():
            sums_of(share.communicator).hold(variables, share.weight, arrays_of(gradients), owner)
            self._held = (share.communicator, list(variables), owner)
            if not self.built:
                self.build(variables)
            return self._apply([], [])  # counts the step
        self._held = None
        kept = state.on or type(self).update_step is not type(self)._own_update_step
        return self._apply_sums(reduce_gradients(share, variables, gradients, kept, owner), variables)

    def _holds_back(self: Any, variables: list[Variable]) -> bool:
        """Whether gradients are summed over ranks only in the steps that update.

        Only where a loop gathers them before anybody reads the optimizer's state.
        """
        return bool(self.gradient_accumulation_steps) and (
            world.gathers and not any([v.overwrite_with_gradient for v in variables])
        )

    def _owner(self: Any, variables: list[Variable]) -> int:
        """A number for what this optimizer holds back; 0 where it holds nothing."""
        return int(self._iterations.identity) if self._holds_back(variables) else 0

    def _completes(self: Any) -> bool:
        """Whether this step updates."""
        return (int(self._iterations.data) + 1) % (self.gradient_accumulation_steps or 1) == 0

    def _spreads(self: Any, share: Share, variables: list[Variable]) -> bool:
        """Whether the state for these variables is to be spread over ranks; the same on all of them."""
        wanted = getattr(world.distribution, "shard_optimizer", False)
        if not wanted or not self.slots or taken_back() or not (wanted is True or world.gathers):
            return False
        last = self._spreading
        if last is None or last[0] is not world.distribution or not _same(last[1], variables):
            found = self._may_spread(variables) and (wanted is True or self._worth_it(share, variables))
            self._spreading = last = (world.distribution, list(variables), found)
        return last[2]

    def _may_spread(self: Any, variables: list[Variable]) -> bool:
        return (
            type(self).update_step is type(self)._own_update_step
            and getattr(self.rule, "elementwise", False)
            and getattr(self, "epsilon", 1.0) != 0
            and self.clipnorm is None
            and not self.gradient_accumulation_steps
            and len({v.identity for v in variables}) == len(variables)
            and all([type(v.data) is numpy.ndarray and v.dtype.name in _TYPES for v in variables])
            and not any([v.constraint is not None or v.overwrite_with_gradient for v in variables])
        )

    def _worth_it(self: Any, share: Share, variables: list[Variable]) -> bool:
        """For "auto", which spreads only in `fit`, where the state is gathered before anybody reads it.

        Within a machine it is faster, but for tiny models; between machines, weights that are sent cost time.
        """
        ranks = share.communicator
        return ranks.local_size == ranks.size and len(self.slots) * sum([v.data.nbytes for v in variables]) >= _LEAST

    def _apply_spread(self: Any, share: Share, gradients: list[Any], variables: list[Variable]) -> None:
        if not self.built:
            self.build(variables)
        new = [v for v in variables if v.identity not in self._entries]
        if new:
            self._add_entries(new)
        arrays = arrays_of(gradients)
        buckets, known = sums_of(share.communicator).scatter(variables, share.weight, arrays)
        without = [v for v, there in zip(variables, known) if not there]
        if without:
            self._complain(without, any(known))
        spread = self._spread
        if spread is None or spread.buckets is not buckets:
            self.gather()
            entries = [self._entries[v.identity] for v in variables]
            self._spread = spread = Spread(buckets, entries, [self._decays(v) for v in variables])
        spread.take_in()
        started = clock() if state.ops else 0
        self._update_parts(share, spread, known)
        if started:  # nobody has the sums of all gradients: this rank's own are shown
            there = [(e, g) for e, g in zip(spread.entries, arrays) if g is not None]
            announce_pass(f"{self.name}_update", [e for e, _ in there], [g for _, g in there], None, started)
        if self.use_ema:
            self._average()
        self._iterations.increase(1)

    def _update_parts(self: Any, share: Share, spread: Spread, known: Sequence[bool]) -> None:
        rate = self._learning_rate()
        parts, scale = list(spread.parts(known)), None
        if self.loss_scale_factor is not None:
            parts = [part._replace(gradient=part.gradient / self.loss_scale_factor) for part in parts]
        if self.clipvalue is not None:
            parts = [part._replace(gradient=clipping.by_value(numpy, part.gradient, self.clipvalue)) for part in parts]
        if self.global_clipnorm is not None:
            squares = numpy.array([float(clipping.squares(part.gradient)) for part in parts]).sum(keepdims=True)
            share.communicator.all_reduce(squares)
            scale = float(clipping.scale_of_norm(numpy, numpy.sqrt(squares[0]), self.global_clipnorm))
        decay = (self.weight_decay or 0.0) * rate
        self._passes.update(parts, self.rule, self.settings(rate), decay, scale)
        spread.show()

    def gather(self: Any) -> None:
        """Gathers the whole state on every rank, where it is spread over them (`shard_optimizer`, `no_sync`).

        All ranks call it together. `fit` does so at the end of each epoch, before callbacks save anything.
        """
        if self._spread is not None:
            self._spread.gather()
            self._spread = None
        if self._held is not None:
            (communicator, variables, owner), self._held = self._held, None
            found = sums_of(communicator).sum(variables, 0.0, [None] * len(variables), owner)
            there = [(v, g) for v, g in zip(variables, found) if g is not None]
            new = [v for v, _ in there if v.identity not in self._entries]
            if new:
                self._add_entries(new)
            for variable, gradient in there:
                with self._entries[variable.identity].gradient_accumulator.changing() as total:
                    total += place(gradient, device_of(variable.data))


def _same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) == len(b) and all(map(is_, a, b))
