"""Custom gradients, and stretches of computation without gradient."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from eagerflow.base import tree
from eagerflow.base.typing import Array, Needs, Numpy
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.in_place import stored
from eagerflow.core.log import log, new_key, suspended
from eagerflow.core.op import identity, op
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable, variable_of

__all__ = ["CustomOp", "custom_gradient", "no_grad", "stop_gradient"]

P = ParamSpec("P")
R = TypeVar("R")


@op()
def stop_gradient(xp: Numpy, variable: Array) -> Array:
    """Returns a tensor with the same values, through which no gradient flows.

    Args:
        variable: a tensor.

    >>> float(ef.grad(lambda x: x * ef.stop_gradient(x))(3.0)), float(ef.grad(lambda x: x * x)(3.0))
    (3.0, 6.0)
    """
    return variable


@contextlib.contextmanager
def no_grad() -> Iterator[None]:
    """A block, or decorated function, in which tapes record nothing.

    >>> x = ef.Variable(3.0)
    >>> with ef.GradientTape() as tape:
    ...     with ef.no_grad():
    ...         seen = x * 100
    ...     loss = x + seen
    >>> float(tape.gradient(loss, x))
    1.0
    """
    with suspended():
        yield


class CustomOp:
    """What the tape keeps of one call of a function with a gradient of its own.

    Args:
        name: of the function.
        arrays: names of its inputs, and of the variables that it uses.
        gradients: gives theirs, from those of the outputs.
    """

    joint = recorded_joint = True
    keeps_inputs = unfolds = False
    settings: tuple[str, ...] = ()

    def __init__(self, name: str, arrays: tuple[str, ...], gradients: Callable[..., Any]) -> None:
        self.name, self.arrays, self.gradients = name, arrays, gradients
        self.means = name
        self.pulls = self.recorded_pulls = (self._pull,)

    def _pull(self, xp: Numpy, g: Array, record: Any, needs: Needs) -> list[Any]:
        upstream = g if isinstance(g, tuple) else (g,)
        recorded = isinstance(upstream[0], Tensor)
        found = self.gradients(upstream if recorded else [Tensor(u, None, None) for u in upstream])
        return [x if recorded or x is None else x.data for x in found]

    def announced(self) -> CustomOp:
        """The same to be named by, which holds nothing of the call."""
        return CustomOp(self.name, self.arrays, _nothing)


def _nothing(upstream: Any) -> list[Any]:
    return []


def custom_gradient(f: Callable[P, tuple[R, Any]]) -> Callable[P, R]:
    """Decorator for a function with a custom gradient.

    Args:
        f: takes tensors and returns `(result, grad)`. `grad(*upstream)` gets the gradient of each output and returns
            the gradients of the tensors among the positional arguments, in order. When `f` uses trainable variables,
            `grad` must also take `variables=` and return `(gradients, gradients_of_variables)`.

    Returns:
        A function that returns `result` only.

    Raises:
        TypeError: when `f` doesn't return such a pair, or `grad` can't take the variables that `f` uses.

    Source: the interface of `tf.custom_gradient`, which `keras.ops.custom_gradient` follows.

    >>> @ef.custom_gradient
    ... def clipped(x):
    ...     return x * x, lambda upstream: upstream * ef.ops.clip(2 * x, -1.0, 1.0)
    >>> float(clipped(ef.Tensor(3.0))), float(ef.grad(clipped)(3.0))
    (9.0, 1.0)
    """
    if not callable(f):
        raise TypeError(f"custom_gradient: expected a function; got {type(f).__name__}.")

    @wraps(f)
    def call(*given: P.args, **kwargs: P.kwargs) -> R:
        args: Any = tree.map_structure(_as_argument, given)
        inputs = [a for a in tree.flatten(args) if isinstance(a, Tensor)]
        with GradientTape(persistent=True) as watcher:
            pair = f(*args, **kwargs)
        result, grad = _checked_pair(f, pair)
        records = log.get()
        used = [v for v in watcher.watched_variables() if not any(v is a for a in inputs)]
        flat = [convert_to_tensor(r) for r in tree.flatten(result)]
        tracked = records is not None and any(t.key is not None for t in [*inputs, *used])
        outputs = [Tensor(_array(t), None, new_key() if tracked and is_differentiable(t.dtype) else None) for t in flat]
        if tracked and records is not None:
            _check_takes_variables(f, grad, used)
            records.append(_record(f.__name__, grad, inputs, used, outputs))
        packed: R = tree.pack_sequence_as(result, outputs)
        return packed

    return call


def _array(x: Tensor) -> Array:
    """The array of a result. What a captured step reads of a variable counts as a look at its values."""
    return x.data if isinstance(x, Variable) else stored(x)


def _as_argument(x: Any) -> Any:
    """The argument as a tensor; what was read from a variable gets a key of its own, or it would count as its use."""
    x = _as_tensor(x)
    read = isinstance(x, Tensor) and not isinstance(x, Variable) and variable_of(x.key) is not None
    return identity(x) if read else x


def _as_tensor(x: Any) -> Any:
    return x if isinstance(x, (Tensor, str, bool)) or x is None or callable(x) else convert_to_tensor(x)


def _checked_pair(f: Callable[..., Any], pair: Any) -> tuple[Any, Callable[..., Any]]:
    if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
        raise TypeError(
            f"custom_gradient: {f.__name__} must return (result, grad) with a function grad; got {type(pair).__name__}."
        )
    return pair


def _check_takes_variables(f: Callable[..., Any], grad: Callable[..., Any], used: Sequence[Any]) -> None:
    parameters = inspect.signature(grad).parameters
    takes = "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if used and not takes:
        raise TypeError(
            f"custom_gradient: {f.__name__} uses variables ({', '.join(v.path for v in used)}), so its grad function "
            "must take `variables=` and return (gradients, gradients_of_variables)."
        )


def _record(
    name: str, grad: Callable[..., Any], inputs: list[Tensor], used: list[Any], outputs: list[Tensor]
) -> tuple[Any, ...]:
    sources = [*inputs, *used]
    shapes: tuple[Any, ...] = tuple([t.shape for t in sources])
    count = len(inputs)

    def gradients(upstream: Sequence[Tensor]) -> list[Any]:
        found = _call_grad(name, grad, upstream, count, used)
        _check_shapes(name, found, shapes)
        return found

    made = CustomOp(name, tuple([f"x{i}" for i in range(len(sources))]), gradients)
    keys = tuple([t.key for t in sources])
    if len(outputs) == 1:
        return made, outputs[0].key, keys, shapes, ()
    parts = [(t.shape, t.dtype) for t in outputs]
    return made, tuple([t.key for t in outputs]), keys, (*shapes, parts), ()


def _call_grad(
    name: str, grad: Callable[..., Any], upstream: Sequence[Tensor], count: int, used: list[Any]
) -> list[Any]:
    """The gradients of inputs and variables, as tensors or None."""
    if used:
        answer = grad(*upstream, variables=used)
        of_inputs, of_variables = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, ())
    else:
        of_inputs, of_variables = grad(*upstream), ()
    found = [*tree.flatten(of_inputs), *tree.flatten(list(of_variables))]
    if len(found) != count + len(used):
        raise ValueError(
            f"the grad function of {name} returned {len(found)} gradients for {count} inputs and {len(used)} variables."
        )
    return [None if x is None else convert_to_tensor(x) for x in found]


def _check_shapes(name: str, found: list[Any], shapes: tuple[Any, ...]) -> None:
    """Each gradient has its input's shape, or one that the input's broadcasts to (it is then summed)."""
    for i, (x, shape) in enumerate(zip(found, shapes, strict=True)):
        if x is None or x.shape == shape:
            continue
        ends = zip(reversed(x.shape), reversed(shape))
        if len(x.shape) < len(shape) or any(m not in (n, 1) for n, m in ends):
            raise ValueError(
                f"the grad function of {name} returned a gradient of shape {x.shape} for input {i}, whose shape is "
                f"{shape}. A gradient has the shape of its input."
            )
