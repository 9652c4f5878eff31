"""Optimizers that were written for Keras 2: they override `_resource_apply_dense` and keep their state in slots."""

from __future__ import annotations

from typing import Any

from eagerflow.base.spellings import respelled
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

__all__ = ["OfKeras2", "name_first"]


class _TypeName(str):
    """A type as Keras 2's optimizers ask for it: `var.dtype.base_dtype`."""

    __slots__ = ()

    @property
    def base_dtype(self) -> _TypeName:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(as_dtype(str(self)), name)


class _Resource(Variable):
    """A variable while `_resource_apply_dense` has it."""

    __slots__ = ()

    @property
    def dtype(self) -> Any:
        return _TypeName(self.data.dtype.name)

    @property
    def op(self) -> _Resource:
        return self


class OfKeras2:
    """The private methods of Keras 2's base class that such optimizers override and call."""

    _rate: Any
    _learning_rate: Any
    add_variable_from_reference: Any
    _run_own: Any
    _initial_decay = 0.0  # `decay` counts without being set as a hyperparameter

    @classmethod
    def _applies_itself(cls) -> bool:
        return cls._resource_apply_dense is not OfKeras2._resource_apply_dense

    def _resource_apply_dense(self, grad: Any, var: Variable, apply_state: Any = None) -> None:
        """Update a variable: what a subclass that overrides this may call of its base."""
        if getattr(self, "rule", None) is None:
            raise NotImplementedError(
                f"{type(self).__name__} must override update_step(gradient, variable, learning_rate)."
            )
        self._run_own(grad, var)

    def _apply_resource(self, gradient: Any, variable: Variable) -> None:
        kind = variable.__class__
        variable.__class__ = _Resource if kind is Variable else kind
        try:
            self._resource_apply_dense(gradient, variable)
        finally:
            variable.__class__ = kind

    def _create_slots(self, var_list: Any) -> None:
        """Called once for the variables."""

    def add_slot(self, var: Variable, slot_name: str, initializer: Any = "zeros", shape: Any = None) -> Any:
        """Creates a variable of the state that belongs to another one.

        Args:
            var: the other one.
            slot_name: under which `get_slot` finds it.
            initializer: its first values.
            shape: accepted for Keras 2's signature: it is that of `var`.

        >>> optimizer, weight = ef.optimizers.SGD(), ef.Variable([1.0, 2.0])
        >>> optimizer.add_slot(weight, "mean").tolist(), optimizer.get_slot(weight, "mean").shape
        ([0.0, 0.0], (2,))
        """
        slots = self.__dict__.setdefault("_slots_by_name", {})
        key = var.identity, slot_name
        if key not in slots:
            slots[key] = self.add_variable_from_reference(var, slot_name, initializer)
        return slots[key]

    def get_slot(self, var: Variable, slot_name: str) -> Any:
        """What `add_slot` created.

        Args:
            var: as for `add_slot`.
            slot_name: as for `add_slot`.

        >>> optimizer, weight = ef.optimizers.SGD(), ef.Variable([1.0, 2.0])
        >>> optimizer.add_slot(weight, "mean") is optimizer.get_slot(weight, "mean")
        True
        """
        return self.__dict__["_slots_by_name"][var.identity, slot_name]

    def _set_hyper(self, name: str, value: Any) -> None:
        if name == "learning_rate":
            self.learning_rate = value
        else:
            self.__dict__.setdefault("_hyper", {})[name] = value

    def _get_hyper(self, name: str, dtype: Any = None) -> Any:
        value = self.__dict__.get("_hyper", {}).get(name) if name != "learning_rate" else self._learning_rate()
        value = value() if callable(value) else value
        return value if dtype is None else Tensor(value, dtype)

    def _serialize_hyperparameter(self, name: str) -> Any:
        return self._rate.config() if name == "learning_rate" else self._get_hyper(name)

    def _decayed_lr(self, var_dtype: Any) -> Tensor:
        return Tensor(self._learning_rate(), var_dtype)

    def _prepare_local(self, var_device: Any, var_dtype: Any, apply_state: dict[Any, Any]) -> None:
        apply_state.setdefault((var_device, var_dtype), {})["lr_t"] = self._decayed_lr(var_dtype)

    def _fallback_apply_state(self, var_device: Any, var_dtype: Any) -> Any:
        apply_state: dict[Any, Any] = {(var_device, var_dtype): {}}
        self._prepare_local(var_device, var_dtype, apply_state)
        return apply_state[var_device, var_dtype]


def _name_first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`super().__init__(name, **kwargs)`, after which `_set_hyper` tells the learning rate."""
    owner, *rest = args
    if hasattr(owner, "get_updates"):
        raise NotImplementedError(
            f"{type(owner).__name__}: get_updates(loss, params) adds to a graph, which there is none of here. Override "
            "update_step(gradient, variable, learning_rate) instead, which is called for each variable."
        )
    if type(owner)._applies_itself():
        if rest and isinstance(rest[0], str):
            kwargs["name"], *rest = rest
        if not rest and "learning_rate" not in kwargs:
            rest = [kwargs.pop("lr", 0.001)]
    return (owner, *rest), kwargs


name_first = respelled(_name_first)
