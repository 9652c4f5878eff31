"""The part of `Optimizer` that keeps exponential moving averages of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eagerflow.core.variable import Variable
from eagerflow.optimizers.entry import Entry, look_for_kept

__all__ = ["Averages"]


class Averages:
    """Averages of the weights, kept with `use_ema`."""

    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    built: bool
    iterations: Any
    averages_in_place = False  # whether weights and averages have changed places
    _entries: dict[int, Entry]

    def _average(self) -> None:
        done = int(self.iterations.data)
        momentum = self.ema_momentum if done else 0.0
        for entry in self._entries.values():
            weights = entry.variable.data
            with entry.average.changing() as average:
                average *= momentum
                average += (1 - momentum) * weights
            del weights  # a reference to the last ones would have them copied at the next update
        if self.ema_overwrite_frequency and (done + 1) % self.ema_overwrite_frequency == 0:
            self.finalize_variable_values()

    def finalize_variable_values(self, var_list: Iterable[Variable] | None = None) -> None:
        """With `use_ema`, replaces weights by their averages; `fit` calls it at its end.

        Args:
            var_list: the weights to replace; default: all.

        Raises:
            ValueError: when `use_ema` was set after the optimizer had been built, without averages.

        >>> weight = ef.Variable(0.0)
        >>> optimizer = ef.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([-4.0], [weight])
        >>> float(weight)
        8.0
        >>> optimizer.finalize_variable_values()
        >>> float(weight)  # half of the first value, 4, and half of the second, 8
        6.0
        """
        if not self.use_ema or not self.built:
            return
        look_for_kept(self, self._entries.values())
        averages_in_place, self.averages_in_place = self.averages_in_place, False
        chosen = None if var_list is None else {v.identity for v in var_list}
        for entry in self._entries.values():
            if chosen is None or entry.variable.identity in chosen:
                if averages_in_place:
                    entry.average.assign(entry.variable.value)
                else:
                    entry.variable.assign(entry.average.value)

    def swap_averages(self) -> None:
        """With `use_ema`, swaps the weights and their averages.

        Raises:
            ValueError: without `use_ema`, and when that was set after the optimizer had been built: there are none.

        >>> weight = ef.Variable(0.0)
        >>> optimizer = ef.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([-4.0], [weight])
        >>> optimizer.swap_averages()
        >>> averaged = float(weight)
        >>> optimizer.swap_averages()  # and back
        >>> averaged, float(weight)
        (6.0, 8.0)
        """
        if not self.use_ema:
            name = type(self).__name__
            raise ValueError(f"{name}.swap_averages: there are no averages. Make it with {name}(use_ema=True).")
        look_for_kept(self, self._entries.values())
        for entry in self._entries.values():
            weights = entry.variable.value
            entry.variable.assign(entry.average.value)
            entry.average.assign(weights)
