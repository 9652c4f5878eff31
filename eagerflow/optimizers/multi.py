"""`MultiOptimizer`: several optimizers in one, each for the variables whose paths it is named for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from eagerflow.base.errors import UnknownArgumentError
from eagerflow.base.machine.budget import checked_pattern
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.typing import Gradients, Variables
from eagerflow.core.device import device
from eagerflow.core.variable import Variable
from eagerflow.optimizers.base import Optimizer
from eagerflow.optimizers.loss_scale import LossScaleOptimizer
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS

__all__ = ["MultiOptimizer", "OptimizerMap"]


@OPTIMIZERS.add()
class OptimizerMap(MutableMapping[str, Optimizer]):
    """A dict-like map from variables' paths to the optimizers that train them, for `MultiOptimizer`.

    Args:
        default_optimizer: the optimizer for all other variables.
        optimizer_map: a dict from paths, or regular expressions that match a whole path, to optimizers.

    Raises:
        TypeError: for something that is no optimizer.
        ValueError: for an optimizer that wraps others.

    >>> from eagerflow.optimizers import SGD, Adam
    >>> ef.optimizers.OptimizerMap(Adam(), {"encoder/.*": SGD()})["encoder/dense/kernel"].name
    'sgd'
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None) -> None:
        self.default_optimizer = _checked("default_optimizer", default_optimizer)
        self._map: dict[str, Optimizer] = {}
        for pattern, optimizer in (optimizer_map or {}).items():
            self[pattern] = optimizer

    def __getitem__(self, path: str) -> Optimizer:
        if path in self._map:
            return self._map[path]
        found = [pattern for pattern in self._map if re.fullmatch(pattern, path)]
        if len(found) > 1:
            raise ValueError(f"OptimizerMap: {path!r} fits several patterns: {', '.join(found)}.")
        return self._map[found[0]] if found else self.default_optimizer

    def __setitem__(self, pattern: str, optimizer: Optimizer) -> None:
        if pattern in self._map:
            raise ValueError(f"OptimizerMap: {pattern!r} has an optimizer already; delete it first.")
        self._map[checked_pattern("OptimizerMap", pattern)] = _checked(pattern, optimizer)

    def __delitem__(self, pattern: str) -> None:
        del self._map[pattern]

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable, by its path."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """All settings."""
        return {
            "default_optimizer": serialize_keras_object(self.default_optimizer),
            "optimizer_map": {k: serialize_keras_object(v) for k, v in self._map.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> OptimizerMap:
        """Creates a map from the dict that `get_config` returned.

        Args:
            config: that dict.
        """
        chosen = {k: deserialize_keras_object(v) for k, v in config["optimizer_map"].items()}
        return cls(deserialize_keras_object(config["default_optimizer"]), chosen)


def _checked(what: str, optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise UnknownArgumentError(f"the optimizer of {what!r}: expected an Optimizer; got {type(optimizer).__name__}.")
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(
            f"the optimizer of {what!r}: {type(optimizer).__name__} can't be one of several. Wrap the MultiOptimizer "
            "instead."
            if isinstance(optimizer, LossScaleOptimizer)
            else f"the optimizer of {what!r}: a MultiOptimizer can't be one of several; put its map into this one."
        )
    return optimizer


@OPTIMIZERS.add()
class MultiOptimizer(Optimizer):
    """Trains each variable with the optimizer that its path is mapped to.

    It has no learning rate: read or set those of its `optimizers`, as `LearningRateScheduler` and `ReduceLROnPlateau`
    do.

    Args:
        optimizer_map: an `OptimizerMap`, a function that returns the optimizer for a variable, or one optimizer for
            all.
        loss_scale_factor: see `Optimizer`; it replaces that of each optimizer.
        name: the name, shown in traces and configs; default: from the class name.

    Raises:
        TypeError: for something else.

    >>> from eagerflow.optimizers import SGD, MultiOptimizer, OptimizerMap
    >>> body, head = ef.Variable(1.0, name="body"), ef.Variable(1.0, name="head")
    >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"head": SGD(0.125)}))
    >>> optimizer.apply([1.0, 1.0], [body, head])
    >>> float(body), float(head)
    (0.5, 0.875)
    """

    def __init__(self, optimizer_map: Any, loss_scale_factor: float | None = None, name: str | None = None) -> None:
        self._found: list[Optimizer] = []  # those that a function gave
        if isinstance(optimizer_map, Optimizer):
            optimizer_map = OptimizerMap(optimizer_map)
        self.optimizer_map = optimizer_map if isinstance(optimizer_map, OptimizerMap) else None
        self._choose = optimizer_map
        if not callable(optimizer_map):
            raise TypeError(
                "MultiOptimizer(optimizer_map=...): expected an OptimizerMap, or a function of a variable that gives "
                f"its optimizer; got {type(optimizer_map).__name__}."
            )
        with device("cpu"):
            super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._take_scale()

    def __repr__(self) -> str:
        return f"<MultiOptimizer of {self.optimizers!r}>"

    def _take_scale(self) -> None:
        for optimizer in self.optimizers:
            optimizer.loss_scale_factor = None  # this one divides by its own

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers, each once: in the order of the map, then the default; for a function, those that it returned.

        >>> from eagerflow.optimizers import SGD, Adam, OptimizerMap
        >>> [o.name for o in ef.optimizers.MultiOptimizer(OptimizerMap(SGD(), {"head": Adam()})).optimizers]
        ['adam', 'sgd']
        """
        chosen = self.optimizer_map
        every = self._found if chosen is None else [*chosen.values(), chosen.default_optimizer]
        return list({id(o): o for o in every}.values())

    def _optimizer_of(self, variable: Variable) -> Optimizer:
        found = _checked(variable.path, self._choose(variable))
        if self.optimizer_map is None and not any(found is o for o in self._found):
            self._found.append(found)
            found.loss_scale_factor = None
        return found

    @property
    def learning_rate(self) -> Variable:
        """Raises AttributeError: each of the `optimizers` has its own.

        >>> optimizer = ef.optimizers.MultiOptimizer(ef.optimizers.OptimizerMap(ef.optimizers.SGD(0.5)))
        >>> hasattr(optimizer, "learning_rate"), [float(one.learning_rate) for one in optimizer.optimizers]
        (False, [0.5])
        """
        raise AttributeError("MultiOptimizer has no learning_rate of its own; each of its `optimizers` has one.")

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        raise AttributeError("MultiOptimizer has no learning_rate of its own; set that of each of its `optimizers`.")

    lr = learning_rate

    @property
    def variables(self) -> list[Variable]:
        """The state variables of all optimizers.

        >>> optimizer = ef.optimizers.MultiOptimizer(ef.optimizers.OptimizerMap(ef.optimizers.SGD(0.5)))
        >>> optimizer.build([ef.Variable(1.0, name="w")])
        >>> [v.name for v in optimizer.variables]
        ['iteration', 'iteration', 'learning_rate']
        """
        return [self._iterations, *[v for o in self.optimizers for v in o.variables]]

    def build(self, variables: Variables) -> None:
        self._known = list(variables)
        for optimizer, indices in self._shares(self._known):
            optimizer.build([self._known[i] for i in indices])
        self.built = True

    def _trained(self) -> list[Variable]:
        return self._known

    def _shares(self, variables: list[Variable]) -> list[tuple[Optimizer, list[int]]]:
        """Each optimizer with the numbers of its variables."""
        shares: dict[int, tuple[Optimizer, list[int]]] = {}
        for i, variable in enumerate(variables):
            optimizer = self._optimizer_of(variable)
            shares.setdefault(id(optimizer), (optimizer, []))[1].append(i)
        return list(shares.values())

    def apply(self, grads: Gradients, trainable_variables: Variables = None) -> None:
        grads = list(grads)
        if trainable_variables is None and not self.built:
            raise ValueError("MultiOptimizer.apply(grads): give trainable_variables too, or call build first.")
        variables = self._known if trainable_variables is None else list(trainable_variables)
        if not self.built:
            self.build(variables)
        if self.loss_scale_factor is not None:
            grads = [None if g is None else g / self.loss_scale_factor for g in grads]
        for optimizer, indices in self._shares(variables):
            optimizer.apply([grads[i] for i in indices], [variables[i] for i in indices])
        self._iterations.increase(1)

    def finalize_variable_values(self, var_list: Iterable[Variable] | None = None) -> None:
        chosen = None if var_list is None else list(var_list)
        for optimizer in self.optimizers:
            optimizer.finalize_variable_values(chosen)

    def get_config(self) -> dict[str, Any]:
        if self.optimizer_map is None:
            raise NotImplementedError(
                "MultiOptimizer: a function can't be described in a config; choose by an OptimizerMap."
            )
        return {
            "name": self.name,
            "loss_scale_factor": self.loss_scale_factor,
            "optimizer_map": self.optimizer_map.get_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
        return cls(**{**config, "optimizer_map": OptimizerMap.from_config(config["optimizer_map"])})


def with_rates(optimizer: Any) -> dict[str, Any]:
    """The optimizers that have a learning rate of their own, by the names under which logs tell it."""
    while isinstance(optimizer, LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if not isinstance(optimizer, MultiOptimizer):
        return {"learning_rate": optimizer}
    found: dict[str, Any] = {}
    for one in optimizer.optimizers:
        name, number = f"learning_rate_{one.name}", 0
        while (name if not number else f"{name}_{number}") in found:
            number += 1
        found[name if not number else f"{name}_{number}"] = one
    return found
