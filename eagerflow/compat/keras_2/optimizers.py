"""Optimizers of Keras 2: `lr`, and those that override `_resource_apply_dense` and keep their state in slots."""

from __future__ import annotations

from typing import Any

from eagerflow.compat.arguments import Older
from eagerflow.compat.overrides import Override, added, instead_of
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import Optimizer
from eagerflow.optimizers.updates.applying import run_rule

__all__ = ["CHANGES", "OVERRIDES"]


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


class _Methods:
    """What `Optimizer` has besides: the private methods of Keras 2's base class that such optimizers override and call.

    Attributes:
        lr: the learning rate.
    """

    lr = Optimizer.learning_rate
    _initial_decay = 0.0  # `decay` counts without being set as a hyperparameter

    def _resource_apply_dense(self: Any, grad: Any, var: Variable, apply_state: Any = None) -> None:
        """Update a variable: what a subclass that overrides this may call of its base."""
        if self.rule is None:
            raise NotImplementedError(f"{type(self).__name__}: the base class knows no update of a variable.")
        run_rule(self, self.rule, self._entries[var.identity], grad.data, self.settings(self._learning_rate()))

    def _create_slots(self, var_list: Any) -> None:
        """Called once for the variables."""

    def add_slot(self: Any, var: Variable, slot_name: str, initializer: Any = "zeros", shape: Any = None) -> Any:
        """Creates a variable of the state that belongs to another one, with the shape of that."""
        slots = self.__dict__.setdefault("_slots_by_name", {})
        key = var.identity, slot_name
        if key not in slots:
            slots[key] = self.add_variable_from_reference(var, slot_name, initializer)
        return slots[key]

    def get_slot(self: Any, var: Variable, slot_name: str) -> Any:
        """What `add_slot` created."""
        return self.__dict__["_slots_by_name"][var.identity, slot_name]

    def _set_hyper(self: Any, name: str, value: Any) -> None:
        if name == "learning_rate":
            self.learning_rate = value
        else:
            self.__dict__.setdefault("_hyper", {})[name] = value

    def _get_hyper(self: Any, name: str, dtype: Any = None) -> Any:
        value = self.__dict__.get("_hyper", {}).get(name) if name != "learning_rate" else self._learning_rate()
        value = value() if callable(value) else value
        return value if dtype is None else Tensor(value, dtype)

    def _serialize_hyperparameter(self: Any, name: str) -> Any:
        return self._rate.config() if name == "learning_rate" else self._get_hyper(name)

    def _decayed_lr(self: Any, var_dtype: Any) -> Tensor:
        return Tensor(self._learning_rate(), var_dtype)

    def _prepare_local(self: Any, var_device: Any, var_dtype: Any, apply_state: dict[Any, Any]) -> None:
        apply_state.setdefault((var_device, var_dtype), {})["lr_t"] = self._decayed_lr(var_dtype)

    def _fallback_apply_state(self: Any, var_device: Any, var_dtype: Any) -> Any:
        apply_state: dict[Any, Any] = {(var_device, var_dtype): {}}
        self._prepare_local(var_device, var_dtype, apply_state)
        return apply_state[var_device, var_dtype]


def _apply_resource(self: Any, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
    """The `update_step` of an optimizer that overrides `_resource_apply_dense`."""
    kind = variable.__class__
    variable.__class__ = _Resource if kind is Variable else kind
    try:
        self._resource_apply_dense(gradient, variable)
    finally:
        variable.__class__ = kind


def _with_update_step(original: Any) -> Any:
    """`__init_subclass__`, which gives optimizers that override `_resource_apply_dense` today's method."""

    def init_subclass(cls: Any) -> None:
        original.__func__(cls)
        if "_resource_apply_dense" in cls.__dict__ and "update_step" not in cls.__dict__:
            cls.update_step = _apply_resource

    return classmethod(init_subclass)


def _add_entries(original: Any, self: Any, variables: Any) -> None:
    original(self, variables)
    self._create_slots(variables)


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """`lr`; and `super().__init__(name, **kwargs)`, after which `_set_hyper` tells the learning rate."""
    owner, *rest = args
    if hasattr(owner, "get_updates"):
        raise NotImplementedError(
            f"{type(owner).__name__}: get_updates(loss, params) adds to a graph, which there is none of here. Override "
            "update_step(gradient, variable, learning_rate) instead, which is called for each variable."
        )
    if type(owner).update_step is _apply_resource:
        if rest and isinstance(rest[0], str):
            kwargs["name"], *rest = rest
        if not rest:
            kwargs.setdefault("learning_rate", 0.001)
    if "lr" in kwargs and not (rest and hasattr(rest[0], "__iter__")):  # Adam(weights, lr=0.1), as PyTorch has it
        rate = kwargs.pop("lr")
        if rest:
            rest[0] = rate
        else:
            kwargs["learning_rate"] = rate
    return (owner, *rest), kwargs


CHANGES = {"Optimizer.__init__": Older(first=_arguments, asks=["lr"], always=True)}
OVERRIDES = [
    *added(Optimizer, [name for name in vars(_Methods) if name[:2] != "__"], _Methods),
    instead_of(Optimizer, "_add_entries", _add_entries),
    Override(Optimizer, "__init_subclass__", _with_update_step),
]
