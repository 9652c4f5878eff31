"""Differentiation of functions: `grad`, `value_and_grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `check_grads`.

Each takes a function and returns derivatives with respect to its arguments (arrays, tensors, lists of
numbers, or nested structures of arrays and tensors), after the interface of JAX. They nest, and tapes
around them see through them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

import numpy

from eagerflow.base import tree
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import TensorLike
from eagerflow.core.links import above
from eagerflow.core.op import identity
from eagerflow.core.tape import Gradient, GradientTape
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["check_grads", "grad", "hessian", "jacobian", "jvp", "value_and_grad", "vjp"]

# The place of the argument that a derivative is asked of, or of several.
Argnums = int | Sequence[int]

Answer = TypeVar("Answer")

if TYPE_CHECKING:
    Key = TypeVar("Key")

    class Derivative(Protocol):
        """A function of the same arguments; the derivative has the structure of the first."""

        @overload
        def __call__(self, first: dict[Key, Any], /, *args: Any, **kwargs: Any) -> dict[Key, Any]: ...
        @overload
        def __call__(self, first: list[Any] | tuple[Any, ...], /, *args: Any, **kwargs: Any) -> Gradient: ...
        @overload
        def __call__(self, first: TensorLike, /, *args: Any, **kwargs: Any) -> Tensor: ...


@overload
def value_and_grad(
    function: Callable[[Tensor], Answer], argnums: int = 0, has_aux: bool = False
) -> Callable[..., tuple[Answer, Gradient]]: ...
@overload
def value_and_grad(
    function: Callable[..., Answer], argnums: int = 0, has_aux: bool = False
) -> Callable[..., tuple[Answer, Gradient]]: ...
@overload
def value_and_grad(
    function: Callable[..., Answer], argnums: Sequence[int], has_aux: bool = False
) -> Callable[..., tuple[Answer, tuple[Gradient, ...]]]: ...
def value_and_grad(
    function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns `(function(*args), gradient)`.

    Args:
        function: returns a tensor of one element; with `has_aux`, a pair of that and anything else.
        argnums: which positional argument to differentiate by, or a tuple of several.
        has_aux: whether `function` returns such a pair.

    Raises:
        TypeError: when the function's value isn't one real number.

    >>> value, slope = ef.value_and_grad(lambda x: (x * x).sum())([1.0, 3.0])
    >>> float(value), slope.tolist()
    (10.0, [2.0, 6.0])
    """
    _check_function("value_and_grad", function)

    @boundary
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        chosen, values = _fresh_arguments(args, argnums)
        with GradientTape() as tape:
            tape.watch(chosen)
            values, inner = _through_identity(values, chosen, argnums)
            answer = function(*values, **kwargs)
        value = _scalar(function, answer[0] if has_aux else answer)
        found = tape.gradient(value, inner, unconnected_gradients="zero")
        return answer, found[0] if isinstance(argnums, int) else tuple(found)

    return call


@overload
def grad(function: Callable[[Tensor], Any], argnums: Literal[0] = 0, has_aux: Literal[False] = False) -> Derivative: ...
@overload
def grad(function: Callable[..., Any], argnums: Literal[0] = 0, has_aux: Literal[False] = False) -> Derivative: ...
@overload
def grad(function: Callable[..., Any], argnums: int, has_aux: Literal[False] = False) -> Callable[..., Gradient]: ...
@overload
def grad(
    function: Callable[..., Any], argnums: Sequence[int], has_aux: Literal[False] = False
) -> Callable[..., tuple[Gradient, ...]]: ...
@overload
def grad(
    function: Callable[..., Any], argnums: int = 0, *, has_aux: Literal[True]
) -> Callable[..., tuple[Gradient, Any]]: ...
@overload
def grad(function: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool) -> Callable[..., Any]: ...
@overload
def grad(function: Callable[..., Any], argnums: Argnums, has_aux: bool) -> Callable[..., Any]: ...
def grad(function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of `function` (with `has_aux`: `(gradient, aux)`).

    Args:
        function: takes tensors; returns a scalar tensor, with `has_aux` a pair of that and anything else.
        argnums: which positional argument to differentiate by, or a tuple of several.
        has_aux: whether `function` returns such a pair.

    Returns:
        A function of the same arguments. It returns a tensor of the argument's shape; a tuple of them for several.

    >>> ef.grad(lambda x, y: x * x * y)(3.0, 2.0)
    Tensor(float32, 12.)
    >>> slopes = ef.grad(lambda x, y: x * x * y, argnums=(0, 1))(3.0, 2.0)
    >>> [float(slope) for slope in slopes]
    [12.0, 9.0]
    >>> second = ef.grad(ef.grad(lambda x: x * x * x))
    >>> float(second(2.0))
    12.0
    """
    _check_function("grad", function)

    @boundary
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        answer, found = value_and_grad(function, argnums, has_aux)(*args, **kwargs)
        return (found, answer[1]) if has_aux else found

    return call


@boundary
def vjp(function: Callable[..., Answer], *primals: TensorLike) -> tuple[Answer, Callable[[Any], tuple[Gradient, ...]]]:
    """Vector-Jacobian product: `(function(*primals), pullback)`, where `pullback(v)` returns v times the Jacobian.

    Args:
        function: takes tensors and returns one, or a nested structure of them.
        *primals: the arguments of the function.

    >>> out, pullback = ef.vjp(lambda x, y: x * y, 2.0, 5.0)
    >>> float(out), [float(slope) for slope in pullback(1.0)]
    (10.0, [5.0, 2.0])
    """
    argnums = range(len(primals))
    chosen, args = _fresh_arguments(primals, list(argnums))
    with GradientTape(persistent=True) as tape:
        tape.watch(chosen)
        args, inner = _through_identity(args, chosen, list(argnums))
        out = function(*args)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        found = tape.gradient(out, inner, output_gradients=cotangent, unconnected_gradients="zero")
        return tuple(found)

    return out, pullback


@boundary
def jvp(
    function: Callable[..., Answer], primals: Sequence[TensorLike], tangents: Sequence[TensorLike]
) -> tuple[Answer, Answer]:
    """Jacobian-vector product: `(function(*primals), its derivative along tangents)`.

    It is computed by two backward passes: the vector-Jacobian product is linear in its vector, and its derivative with
    respect to that vector is the derivative along a direction.

    Args:
        function: takes tensors and returns one, or a nested structure of them.
        primals: the arguments, a list or tuple.
        tangents: a direction for each argument, of its shape.

    Raises:
        ValueError: when the tangents' shapes differ from the primals'.

    >>> out, slope = ef.jvp(lambda x: x * x, [3.0], [1.0])
    >>> float(out), float(slope)
    (9.0, 6.0)
    """
    _check_tangents(primals, tangents)
    with GradientTape() as outer:
        out, pullback = vjp(function, *primals)
        weights = tree.map_structure(lambda t: Tensor(numpy.zeros(t.shape), t.dtype, device=t.device), out)
        outer.watch(weights)
        pulled = pullback(weights)
    along = [_as_tensors(t) for t in tangents]
    slope: Any = outer.gradient(list(pulled), weights, output_gradients=along, unconnected_gradients="zero")
    return out, slope


@overload
def jacobian(function: Callable[[Tensor], Any], argnums: Literal[0] = 0) -> Derivative: ...
@overload
def jacobian(function: Callable[..., Any], argnums: Literal[0] = 0) -> Derivative: ...
@overload
def jacobian(function: Callable[..., Any], argnums: int) -> Callable[..., Gradient]: ...
@overload
def jacobian(function: Callable[..., Any], argnums: Sequence[int]) -> Callable[..., tuple[Gradient, ...]]: ...
def jacobian(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the Jacobian of `function`, d out[i] / d x[j]: shape `out.shape + x.shape`.

    Args:
        function: takes tensors and returns one of any shape.
        argnums: which positional argument to differentiate by, or a tuple of several.

    >>> ef.jacobian(lambda x: x * x)([1.0, 2.0]).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    _check_function("jacobian", function)

    @boundary
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        chosen, values = _fresh_arguments(args, argnums)
        with GradientTape() as tape:
            tape.watch(chosen)
            values, inner = _through_identity(values, chosen, argnums)
            out = function(*values, **kwargs)
        found = tape.jacobian(out, inner, unconnected_gradients="zero")
        return found[0] if isinstance(argnums, int) else tuple(found)

    return call


@overload
def hessian(function: Callable[[Tensor], Any], argnums: int = 0) -> Callable[..., Tensor]: ...
@overload
def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Tensor]: ...
def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Tensor]:
    """A function that returns the second derivatives of a scalar function: shape `x.shape + x.shape`.

    Args:
        function: takes tensors and returns a scalar tensor.
        argnums: which positional argument to differentiate by.

    >>> ef.hessian(lambda x: (x * x * x).sum())([1.0, 2.0]).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacobian(grad(function, argnums), argnums)


@boundary
def check_grads(
    function: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Checks the gradients of `function` against central differences in float64.

    Every element of every argument is changed by `eps` both ways. All outputs are summed, with fixed random weights.

    Args:
        function: any function of tensors to a tensor or a nested structure of tensors.
        args: arrays, taken as float64.
        order: 1 for gradients, 2 for gradients of gradients too.
        eps: the step of the differences.
        rtol: relative tolerance.
        atol: absolute tolerance.
        seed: the seed of the random weights.

    Raises:
        AssertionError: where they differ; the message tells the argument's number and the order.

    >>> ef.check_grads(lambda x: x * x, [[1.0, 2.0]])  # says nothing: they agree
    >>> ef.check_grads(lambda x: x * ef.stop_gradient(x), [[1.0, 2.0]])
    Traceback (most recent call last):
        ...
    AssertionError: ...
    """
    arrays = [numpy.array(numpy.asarray(a), dtype="float64") for a in args]
    weights = numpy.random.default_rng(seed)
    total = _weighted(function, weights)
    _compare(total, arrays, eps, rtol, atol, "first")
    if order < 2:
        return
    argnums = list(range(len(arrays)))
    slopes = _weighted(lambda *xs: list(grad(total, argnums)(*xs)), weights)
    _compare(slopes, arrays, eps, rtol, atol, "second")


def _weighted(function: Callable[..., Any], rng: numpy.random.Generator) -> Callable[..., Any]:
    """The function's outputs, each weighted by fixed random numbers and summed to one number."""
    kept: list[Tensor] = []

    def total(*xs: Any) -> Any:
        outs = [o for o in tree.flatten(function(*xs)) if o is not None]
        if not kept:
            kept.extend(Tensor(rng.normal(size=o.shape)) for o in outs)
        parts = [(o * w).sum() for o, w in zip(outs, kept, strict=True)]
        result = parts[0]
        for part in parts[1:]:
            result = result + part
        return result

    return total


def _compare(function: Callable[..., Any], arrays: list[Any], eps: float, rtol: float, atol: float, order: str) -> None:
    found = grad(function, list(range(len(arrays))))(*arrays)
    for i, array in enumerate(arrays):
        numeric = numpy.zeros_like(array)
        for index in numpy.ndindex(array.shape):
            sides = []
            for step in (eps, -eps):
                moved = [a.copy() for a in arrays]
                moved[i][index] += step
                sides.append(float(function(*map(Tensor, moved))))
            numeric[index] = (sides[0] - sides[1]) / (2 * eps)
        message = f"{order} order gradient with respect to argument {i}"
        numpy.testing.assert_allclose(found[i].numpy(), numeric, rtol=rtol, atol=atol, err_msg=message)


def _check_function(name: str, function: Any) -> None:
    if not callable(function):
        raise TypeError(f"{name}: expected a function of tensors; got {type(function).__name__}.")


def _float_tensor(x: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype.kind in "fcV" else convert_to_tensor(tensor.numpy(), float)


def _as_tensors(x: Any) -> Any:
    return _float_tensor(x) if _is_numbers(x) else tree.map_structure(_float_tensor, x)


def _is_numbers(x: Any) -> bool:
    """A nested list of nothing but numbers is an array, not a structure."""
    return isinstance(x, list) and all(isinstance(leaf, (int, float, complex)) for leaf in tree.flatten(x))


def _positions(argnums: Argnums) -> list[int]:
    return [argnums] if isinstance(argnums, int) else list(argnums)


def _fresh_arguments(args: Sequence[Any], argnums: Argnums) -> tuple[list[Any], list[Any]]:
    """The arguments as tensors, and those to differentiate with respect to."""
    args = list(args)
    for i in _positions(argnums):
        if not -len(args) <= i < len(args):
            raise ValueError(f"argnums={argnums!r}: the function was called with {len(args)} arguments.")
        args[i] = _float_tensor(args[i]) if _is_numbers(args[i]) else tree.map_structure(_float_tensor, args[i])
    return [args[i] for i in _positions(argnums)], args


def _through_identity(args: list[Any], chosen: list[Any], argnums: Argnums) -> tuple[list[Any], list[Any]]:
    """Give the chosen arguments keys of their own, so that other uses of the same tensors don't count."""
    inner = tree.map_structure(identity, chosen)
    for i, value in zip(_positions(argnums), inner, strict=True):
        args[i] = value
    return args, inner


def _scalar(function: Callable[..., Any], value: Any) -> Tensor:
    if isinstance(value, (int, float)):  # a function that doesn't depend on its tensors
        value = Tensor(float(value))
    if not isinstance(value, Tensor) or value.size != 1:
        got = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        name = getattr(function, "__name__", "the function")
        raise TypeError(f"grad: {name} must return a tensor of one element; got {got}. Reduce it, or use jacobian.")
    if value.dtype.kind == "c":  # its real part alone would have a gradient, as on a tape, without a word
        name = getattr(function, "__name__", "the function")
        raise TypeError(
            f"grad: {name} must return a real number; got {value.dtype}. Take ops.real, ops.imag or ops.abs of it."
        )
    return value


def _check_tangents(primals: Sequence[Any], tangents: Sequence[Any]) -> None:
    left, right = ([leaf for x in xs for leaf in tree.flatten(_as_tensors(x))] for xs in (primals, tangents))
    if len(left) != len(right) or any(numpy.shape(a) != numpy.shape(b) for a, b in zip(left, right, strict=True)):
        raise ValueError(
            f"jvp: tangents need the shapes of primals, {[numpy.shape(p) for p in left]}; "
            f"got {[numpy.shape(t) for t in right]}."
        )


def _differentiate_reference(
    function: Callable[..., Any], inputs: list[Any], g: Any, needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    """The recorded gradients of a kernel's plain composition (see `op.py`)."""
    wanted = [x for x, need in zip(inputs, needs, strict=True) if need]
    with GradientTape() as tape:
        tape.watch(wanted)
        inner = [identity(x) if need else x for x, need in zip(inputs, needs, strict=True)]
        out = function(*inner)
    chosen = [x for x, need in zip(inner, needs, strict=True) if need]
    found = iter(tape.gradient(out, chosen, output_gradients=g))
    return tuple([next(found) if need else None for need in needs])


above.differentiate = _differentiate_reference
