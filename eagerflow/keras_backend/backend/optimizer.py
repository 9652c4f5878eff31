"""Keras' optimizers, whose updates of all variables run as one pass of eagerflow's rules where there is one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.optimizers.base_optimizer import BaseOptimizer
from keras.src.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

import eagerflow as ef
from eagerflow.core.observe import scope
from eagerflow.keras_backend.backend.observed import creation_site
from eagerflow.optimizers.entry import Entry
from eagerflow.optimizers.updates.applying import update_variables

__all__ = ["EagerflowOptimizer"]

# Hyperparameters, and the lists in which Keras keeps what it has for each variable, in the order of our slots.
_RULES = {
    "Adam": ("beta_1 beta_2 epsilon amsgrad", "_momentums _velocities _velocity_hats"),
    "AdamW": ("beta_1 beta_2 epsilon amsgrad", "_momentums _velocities _velocity_hats"),
    "RMSprop": ("rho momentum epsilon centered", "_velocities _momentums _average_gradients"),
    "SGD": ("momentum nesterov", "momentums"),
}


class EagerflowOptimizer(BaseOptimizer):
    """Announces updates, and runs those of Adam, AdamW, RMSprop and SGD by eagerflow's rules."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.__dict__["created_at"] = creation_site()

    @property
    def _rate(self) -> Any:
        """What decides the learning rate, under the names of eagerflow's optimizers."""
        scheduled = isinstance(self._learning_rate, LearningRateSchedule)
        variable, schedule = (None, self._learning_rate) if scheduled else (self._learning_rate, None)
        return SimpleNamespace(variable=variable, _decides=schedule)

    @staticmethod
    def _ef_adam(rate: float) -> Any:
        return keras.optimizers.Adam(rate)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates variables by their gradients; see `keras.optimizers.Optimizer`."""
        with scope("optimizer", self.name, self, list(grads)):
            super().apply(grads, trainable_variables)

    def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
        name = type(self).__name__
        known = name in _RULES and type(self) is getattr(keras.optimizers, name)
        tensors = all(isinstance(g, ef.Tensor) for g in grads)
        if not known or not tensors or in_stateless_scope():
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        settings, kept = _RULES[name]
        lists = [found for found in (getattr(self, list_name, None) for list_name in kept.split()) if found]
        known = self.__dict__.setdefault("_eagerflow_entries", {})  # the same ones each time: small ones are packed
        entries = []
        for variable in trainable_variables:
            index = self._get_variable_index(variable)
            entry = known.get(index)
            if entry is None or entry.variable is not variable._value:
                entry = known[index] = Entry(variable._value)
                entry.slots = tuple([slots[index]._value for slots in lists])
            entries.append(entry)
        arrays = [g.data.astype(e.variable.dtype, copy=False) for g, e in zip(grads, entries, strict=True)]
        update_variables(self._rule(name, settings.split(), float(learning_rate)), entries, arrays)

    def _rule(self, name: str, settings: list[str], rate: float) -> Any:
        """Our optimizer of the same name with the same settings, at the same step."""
        hyperparameters = {setting: getattr(self, setting) for setting in settings}
        key = (*hyperparameters.values(), rate)
        ours, made_for = self.__dict__.get("_eagerflow_rule", (None, None))
        if made_for != key:
            ours = getattr(ef.optimizers, name)(rate, **hyperparameters)
            ours.weight_decay = None  # Keras has applied it
            ours.name = self.name
            self.__dict__["_eagerflow_rule"] = ours, key
        ours._iterations = self._iterations.value
        ours.gradient_accumulation_steps = self.gradient_accumulation_steps  # of which one update is made
        return ours

    def __getstate__(self) -> dict[str, Any]:
        ours = ("_eagerflow_rule", "_eagerflow_entries")
        return {name: value for name, value in self.__dict__.items() if name not in ours}
