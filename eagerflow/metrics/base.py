"""`Metric`: a number that is gathered over many batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, Self

import numpy

from eagerflow.base.capturing import replayed
from eagerflow.base.config import floatx
from eagerflow.base.config_from_init import Configured, automatic
from eagerflow.base.errors import expect_one_of
from eagerflow.base.origin import creation_site
from eagerflow.base.tracebacks import bound_init, boundary
from eagerflow.base.typing import DType, InitializerLike, TensorLike
from eagerflow.core.device import namespace_of
from eagerflow.core.dtypes import as_dtype, is_half, standardize_dtype
from eagerflow.core.observe import scope, state
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.metrics.whole_batch import of_all_rows

__all__ = ["Metric"]

_AGGREGATIONS = ("sum", "mean", "max", "min", "only_first_replica", "none")


@contextmanager
def _heard(metric: Any, name: str, given: Any = None) -> Iterator[scope]:
    """Announce what runs as a metric's, which isn't announced once more by what it calls of itself."""
    with scope("metric", name, metric, given) as announced:
        metric._is_heard = True
        try:
            yield announced
        finally:
            metric._is_heard = False


def _announced(update_state: Callable[..., Any]) -> Callable[..., Any]:
    """`update_state` that tells who listens that a metric takes in a batch, once where it calls that of a base."""

    @wraps(update_state)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not state.on or self._is_heard:
            return update_state(self, *args, **kwargs)
        with _heard(self, self.name, (*args, *kwargs.values())):
            return update_state(self, *args, **kwargs)

    return call


def _told(result: Callable[..., Any]) -> Callable[..., Any]:
    """`result` that tells who listens what is computed for a metric, once where it calls that of a base or of another.

    What Python does with a metric after a step would else look like ops of the step.
    """

    @wraps(result)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not state.on or self._is_heard:
            return result(self, *args, **kwargs)
        with _heard(self, f"{self.name} result") as announced:
            announced.value = result(self, *args, **kwargs)
            return announced.value

    return call


class Metric(Configured):
    """Base class of metrics; override `update_state` and `result`.

    Args:
        dtype: the type of the result and the state; default: `floatx()`. With a 16-bit type, the state is float32,
            since float16 can't count beyond 2,048.
        name: shown in progress and history; default: from the class name.

    >>> class Largest(ef.Metric):
    ...     def __init__(self, name="largest"):
    ...         super().__init__(name=name)
    ...         self.found = self.add_variable(shape=(), initializer="zeros", name="found")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.found.assign(ef.ops.maximum(self.found, ef.ops.max(y_pred)))
    ...     def result(self):
    ...         return self.found.value
    >>> metric = Largest()
    >>> float(metric([0.0], [3.0]))
    3.0
    """

    created_at: tuple[str, int]
    _direction: str | None = None  # "up" where higher is better, "down" where lower is
    _is_heard = False  # whether what runs now is announced as this metric's
    _sums = False  # whether its result is a sum of its inputs
    _gathers = False  # whether every rank takes in all rows of a batch, not its own alone

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bound_init(cls)
        own = cls.__dict__.get("update_state")
        if own is not None:
            cls.update_state = _announced(replayed(of_all_rows(own)))  # type: ignore[method-assign]
        for name, tell in (("result", _told), ("reset_state", None)):
            own = cls.__dict__.get(name)
            if own is not None:
                setattr(cls, name, tell(replayed(own)) if tell else replayed(own))

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.created_at = creation_site()
        return self

    def __init__(self, dtype: DType = None, name: str | None = None) -> None:
        dtype = getattr(dtype, "compute_dtype", dtype)  # a dtype policy
        self._dtype = floatx() if dtype is None else standardize_dtype(dtype)
        self._wide = "float32" if is_half(as_dtype(self._dtype)) else self._dtype
        self.name = name or _snake_case(type(self).__name__)
        self._own: list[Variable] = []
        self._aggregations: dict[int, str] = {}  # of variables that have one

    @property
    def dtype(self) -> str:
        """The type of the result.

        >>> ef.metrics.Mean().dtype
        'float32'
        """
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        """The state variables: those of the metric, and of metrics and variables held in its attributes.

        >>> metric = ef.metrics.Mean()
        >>> metric.update_state([1.0, 3.0])
        >>> [(variable.name, float(variable)) for variable in metric.variables]
        [('total', 4.0), ('count', 2.0)]
        """
        found = {id(v): v for v in [*self._own, *_held(vars(self).values())]}
        return list(found.values())

    def add_variable(
        self,
        shape: Any = (),
        initializer: InitializerLike = None,
        dtype: DType = None,
        aggregation: Literal["sum", "mean", "max", "min", "only_first_replica", "none"] | str | None = None,
        name: str | None = None,
    ) -> Variable:
        """Creates a variable that holds state of the metric.

        Args:
            shape: the shape of the variable.
            initializer: `"zeros"` (the default), `"ones"`, or a function `(shape, dtype=...)`.
            dtype: a type name; default: that of the metric, or float32 where that is a 16-bit type.
            aggregation: in data-parallel training, how the states of the ranks are combined: `"sum"`, `"mean"`,
                `"max"`, `"min"` or `"only_first_replica"`. A custom metric that gives it for none of its variables gets
                the whole batch on every rank, which is right for any metric, but slower.
            name: the variable's name, which is the last part of its path.

        >>> class Rows(ef.Metric):
        ...     def __init__(self):
        ...         super().__init__(name="rows")
        ...         self.seen = self.add_variable(aggregation="sum", name="seen")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.seen.assign_add(len(y_true))
        ...     def result(self):
        ...         return self.seen.value
        >>> float(Rows()([0.0, 0.0], [1.0, 1.0]))
        2.0
        """
        made = Variable(_initializer(initializer), shape, dtype or self._wide, trainable=False, name=name)
        made.path = f"{self.name}/{made.name}"
        self._own.append(made)
        if aggregation is not None:
            expect_one_of(type(self).__name__, "aggregation", aggregation, _AGGREGATIONS)
            self._aggregations[made.identity] = aggregation
        return made

    def add_weight(
        self,
        shape: Any = (),
        initializer: InitializerLike = None,
        dtype: DType = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Variable:
        """The same as `add_variable`, under its older name; the name may come first: `add_weight("total")`.

        Args:
            shape: its shape, or its name.
            initializer: as for `add_variable`.
            dtype: a type name.
            name: the variable's name.
            **kwargs: `aggregation`.

        >>> metric = ef.metrics.Mean()
        >>> metric.add_weight("largest", initializer="zeros").shape
        ()
        """
        if isinstance(shape, str):
            shape, name = kwargs.pop("shape", ()), shape
        return self.add_variable(shape, initializer, dtype, kwargs.get("aggregation"), name)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Adds one batch to the state; subclasses override it.

        >>> metric = ef.metrics.MeanAbsoluteError()
        >>> metric.update_state([[1.0], [2.0]], [[1.0], [4.0]])
        >>> metric.update_state([[5.0]], [[9.0]])
        >>> float(metric.result())
        2.0
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define update_state(y_true, y_pred, sample_weight=None)."
        )

    def _narrow(self, result: Tensor) -> Tensor:
        """What was counted in float32 for a metric of halves, in its own type."""
        return result if self._wide == self._dtype else result.astype(self._dtype)

    def result(self) -> Any:
        """The metric's value so far: a scalar tensor, or a dict of them. Subclasses override it.

        >>> metric = ef.metrics.Mean()
        >>> metric.update_state([1.0, 2.0, 6.0])
        >>> float(metric.result())
        3.0
        """
        raise NotImplementedError(f"{type(self).__name__} must define result().")

    def reset_state(self) -> None:
        """Sets all state variables to zero, to start over.

        >>> metric = ef.metrics.Mean()
        >>> metric.update_state([1.0, 2.0, 6.0])
        >>> metric.reset_state()
        >>> metric.update_state([4.0])
        >>> float(metric.result())
        4.0
        """
        for variable in self.variables:
            variable.clear()

    reset_states = reset_state

    @boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in one batch, and give the number so far."""
        if not state.on:
            self.update_state(*args, **kwargs)
            return self.result()
        with _heard(self, self.name, args) as announced:
            self.update_state(*args, **kwargs)
            announced.value = self.result()
            return announced.value

    # -- without side effects

    def stateless_update_state(self, metric_variables: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Computes the state after one batch from the state before it; the metric's own state doesn't change.

        Args:
            metric_variables: values of the state, in the order of `variables`.
            *args: the arguments of `update_state`.
            **kwargs: those given by name.

        Returns:
            The new values, in the same order.

        >>> metric = ef.metrics.Sum()
        >>> state = metric.stateless_update_state(metric.stateless_reset_state(), [1.0, 2.0])
        >>> float(metric.stateless_result(state)), float(metric.result())
        (3.0, 0.0)
        """
        with _lent(self.variables, metric_variables):
            self.update_state(*args, **kwargs)
            return [v.value for v in self.variables]

    def stateless_result(self, metric_variables: Any) -> Any:
        """The metric's value for a given state; the metric's own state is neither read nor changed.

        Args:
            metric_variables: values of the state, in the order of `variables`.

        >>> metric = ef.metrics.Mean()
        >>> float(metric.stateless_result([10.0, 4.0]))
        2.5
        """
        with _lent(self.variables, metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Any]:
        """The initial values of the state variables, as a list of tensors in the order of `variables`.

        >>> [float(part) for part in ef.metrics.Mean().stateless_reset_state()]
        [0.0, 0.0]
        """
        with _lent(self.variables, [v.value for v in self.variables]):
            self.reset_state()
            return [v.value for v in self.variables]

    # -- configs

    @automatic
    def get_config(self) -> dict[str, Any]:
        """All settings.

        >>> ef.metrics.Mean(name="loss").get_config()
        {'name': 'loss', 'dtype': 'float32'}
        """
        return {"name": self.name, "dtype": self.dtype, **super().get_config()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class _lent:
    """Inside the block, variables have other values."""

    def __init__(self, variables: list[Variable], values: TensorLike) -> None:
        values = list(values)
        if len(values) != len(variables):
            raise ValueError(f"metric_variables: expected {len(variables)} tensors; got {len(values)}.")
        self.variables, self.values = variables, values

    def __enter__(self) -> None:
        self.before = [v.value for v in self.variables]
        for variable, value in zip(self.variables, self.values):
            variable.assign(value)

    def __exit__(self, *exc: object) -> None:
        for variable, value in zip(self.variables, self.before):
            variable.assign(value)


def _held(values: TensorLike) -> Iterator[Variable]:
    for value in values:
        if isinstance(value, Variable):
            yield value
        elif isinstance(value, Metric):
            yield from value.variables
        elif isinstance(value, (list, tuple)):
            yield from _held(value)
        elif isinstance(value, dict):
            yield from _held(value.values())


def _initializer(initializer: Any) -> Any:
    if initializer is None or isinstance(initializer, str):
        if initializer not in (None, "zeros", "ones"):
            raise ValueError(f"initializer={initializer!r}: expected 'zeros', 'ones' or a function (shape, dtype=...).")
        value = 1.0 if initializer == "ones" else 0.0
        return lambda shape, dtype=None: _filled(shape, dtype, value)
    return initializer() if isinstance(initializer, type) else initializer


def _filled(shape: Any, dtype: DType, value: float) -> Any:
    start = Tensor(numpy.asarray(value), dtype).data  # on the current device
    return namespace_of(start).full(shape, value, start.dtype)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
