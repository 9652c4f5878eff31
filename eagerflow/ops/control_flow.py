"""Control flow by Keras' names, as plain eager functions: Python decides, the tape records what ran."""

from __future__ import annotations

import builtins
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from eagerflow.base import tree
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Tensors
from eagerflow.core import derivatives as functional
from eagerflow.core.custom_gradient import custom_gradient, stop_gradient
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.join import stack

__all__ = ["associative_scan", "cond", "custom_gradient", "fori_loop", "jvp", "map", "scan", "stop_gradient", "switch"]
__all__ += ["vectorize", "vectorized_map", "while_loop"]

_Result = TypeVar("_Result")
_Other = TypeVar("_Other")
_Value = TypeVar("_Value")


def _check_callable(function: str, argument: str, value: Any) -> None:
    if not callable(value):
        raise TypeError(f"{function}: {argument}: expected a function; got {type(value).__name__}.")


@composite
def cond(pred: Any, true_fn: Callable[[], _Result], false_fn: Callable[[], _Other]) -> _Result | _Other:
    """`true_fn()` when `pred` is true, else `false_fn()`.

    Args:
        pred: a bool, or a tensor of one element.
        true_fn: a function without arguments.
        false_fn: a function without arguments.

    Raises:
        TypeError: when one of them isn't a function.

    >>> x = ef.Tensor(3.0)
    >>> float(ef.ops.cond(x > 0, lambda: x * 2, lambda: -x))
    6.0
    """
    _check_callable("cond", "true_fn", true_fn)
    _check_callable("cond", "false_fn", false_fn)
    return true_fn() if bool(pred) else false_fn()


@composite
def switch(index: Any, branches: Sequence[Callable[..., _Result]], *operands: Any) -> _Result:
    """Calls one of several functions: `branches[index](*operands)`.

    Args:
        index: an integer; if it is out of range, the first or last function is called.
        branches: a list of functions of the operands.
        *operands: the arguments of the function.

    Raises:
        ValueError: without branches.

    >>> float(ef.ops.switch(1, [lambda x: x + 1, lambda x: x * 2], ef.Tensor(5.0)))
    10.0
    """
    if not branches:
        raise ValueError("switch: branches: expected at least one function; got none.")
    return branches[builtins.min(builtins.max(int(index), 0), len(branches) - 1)](*operands)


@composite
def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Tensors, maximum_iterations: int | None = None
) -> Tensors:
    """Calls `body` on the loop variables again and again, as long as `cond` is true.

    Args:
        cond: a function of the loop variables that returns a bool.
        body: a function of the loop variables that returns the new ones.
        loop_vars: the loop variables to begin with: a tuple or list of them, or a single one.
        maximum_iterations: the largest number of rounds; default: no limit.

    Returns:
        The last loop variables, in the structure of `loop_vars`.

    Raises:
        ValueError: when `body` returns another structure.

    >>> x = ef.ops.while_loop(lambda x: x < 10, lambda x: (x * 2,), [ef.Tensor(3.0)])
    >>> [float(value) for value in x]
    [12.0]
    """
    several = isinstance(loop_vars, (tuple, list))
    current = tuple(loop_vars) if several else (loop_vars,)
    rounds = itertools.count() if maximum_iterations is None else range(int(maximum_iterations))
    for _ in rounds:
        if not bool(cond(*current)):
            break
        found = body(*current)
        current = tuple(found) if isinstance(found, (tuple, list)) else (found,)
        if len(current) != (len(loop_vars) if several else 1):
            raise ValueError(
                f"while_loop: body: expected {len(loop_vars) if several else 1} loop variables; got {len(current)}."
            )
    return (type(loop_vars)(current) if isinstance(loop_vars, list) else current) if several else current[0]


@composite
def fori_loop(lower: Any, upper: Any, body_fun: Callable[[int, _Value], _Value], init_val: _Value) -> _Value:
    """A loop with an index: `val = body_fun(i, val)` for i from `lower` up to, not including, `upper`.

    Args:
        lower: the first index.
        upper: the index at which it ends.
        body_fun: takes the index and the value so far, and returns the next value.
        init_val: the value to begin with: a tensor, number or nested structure.

    Returns:
        The last value.

    >>> float(ef.ops.fori_loop(0, 3, lambda i, x: x * 2, ef.Tensor(1.0)))
    8.0
    """
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def _leaves(function: str, argument: str, structure: Any, axis: int = 0) -> tuple[list[Tensor], int]:
    """The tensors of a structure, and their common length along `axis`."""
    leaves = [convert_to_tensor(leaf) for leaf in tree.flatten(structure)]
    lengths = {leaf.shape[axis] if -leaf.ndim <= axis < leaf.ndim else -1 for leaf in leaves}
    if len(lengths) != 1 or -1 in lengths:
        raise ValueError(
            f"{function}: {argument}: expected tensors of one length along axis {axis}; got shapes "
            f"{[leaf.shape for leaf in leaves]}."
        )
    return leaves, lengths.pop()


def _stacked(results: list[Any]) -> Any:
    return tree.map_structure(lambda *parts: stack(builtins.list(parts)), *results)


@composite
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """A loop over the first axis of `xs` that carries a value along: `carry, y = f(carry, x)`.

    Args:
        f: takes the carry and one slice of `xs`, and returns the new carry and an output.
        init: the first carry, a tensor or any structure of tensors.
        xs: a tensor or a structure of tensors; None for `length` rounds in which `x` is None.
        length: the number of rounds; default: the length of the first axis of `xs`.
        reverse: whether to go from the end to the beginning.
        unroll: accepted for Keras' signature; changes nothing.

    Returns:
        The last carry, and the outputs of all rounds, stacked along a new first axis (None where they are None).

    Raises:
        TypeError: when `f` isn't a function.
        ValueError: without `xs` and `length`, and for a wrong `unroll`.

    >>> total, sums = ef.ops.scan(lambda carry, x: (carry + x, carry + x), 0.0, [1.0, 2.0, 3.0])
    >>> float(total), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    _check_callable("scan", "f", f)
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"scan: unroll={unroll!r}: expected a positive integer or a bool.")
    if xs is None and length is None:
        raise ValueError("scan: expected xs, or length; got neither.")
    xs = convert_to_tensor(xs) if _is_list_of_numbers(xs) else xs
    leaves, count = ([], int(length or 0)) if xs is None else _leaves("scan", "xs", xs)
    if length is not None and xs is not None and int(length) > count:
        raise ValueError(f"scan: length={length}: xs has only {count} slices.")
    count = count if length is None else int(length)
    carry = tree.map_structure(convert_to_tensor, init)
    results: list[Any] = []
    for i in reversed(range(count)) if reverse else range(count):
        x = None if xs is None else tree.pack_sequence_as(xs, [leaf[i] for leaf in leaves])
        answer = f(carry, x)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise TypeError(f"scan: f must return a pair (carry, y); got {type(answer).__name__}.")
        carry, y = answer
        results.append(tree.map_structure(convert_to_tensor, y) if y is not None else None)
    if reverse:
        results.reverse()
    return carry, _stacked(results) if results and results[0] is not None else None


def _is_list_of_numbers(xs: Any) -> bool:
    return isinstance(xs, list) and builtins.all(isinstance(x, (int, float)) for x in tree.flatten(xs))


@composite
def map(f: Callable[[Any], Any], xs: Tensors) -> Tensors:
    """Applies `f` to each slice of `xs` along its first axis, and stacks the results.

    Args:
        f: takes one slice (a nested structure of them, if `xs` is one).
        xs: a tensor, or a nested structure of tensors whose first axes have the same length.

    Raises:
        ValueError: when there is no slice, since the shape of the result is unknown then.

    >>> ef.ops.map(lambda row: row.sum(), [[1.0, 2.0], [3.0, 4.0]]).tolist()
    [3.0, 7.0]
    """
    _check_callable("map", "f", f)
    found = scan(lambda _, x: ((), f(x)), (), xs)[1]
    if found is None and not builtins.any(len(x) for x in tree.flatten(xs)):
        raise ValueError("map: xs has no slices; the shape of the result can't be known.")
    return found


@composite
def vectorized_map(function: Callable[[Any], Any], elements: Tensors) -> Tensors:
    """Applies a function to each slice of `elements` along the first axis, and stacks the results; the same as `map`.

    Args:
        function: takes one slice (a nested structure of them, if `elements` is one).
        elements: a tensor, or a nested structure of tensors whose first axes have the same length.

    >>> ef.ops.vectorized_map(lambda row: row * row, [[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 4.0], [9.0, 16.0]]
    """
    return map(function, elements)


@composite
def associative_scan(f: Callable[[Any, Any], Any], elems: Tensors, reverse: bool = False, axis: int = 0) -> Tensors:
    """Combines elements along `axis` cumulatively: `e[0]`, `f(e[0], e[1])`, `f(f(e[0], e[1]), e[2])` and so on.

    Args:
        f: an associative function of two structures like `elems`, which works elementwise along `axis`.
        elems: a tensor or a structure of tensors of the same length along `axis`.
        reverse: whether to begin at the end.
        axis: the axis to scan along.

    Returns:
        A structure of tensors with the shapes of `elems`.

    Raises:
        TypeError: when `f` isn't a function.
        ValueError: when lengths along `axis` differ.

    >>> ef.ops.associative_scan(lambda a, b: a + b, [1.0, 2.0, 3.0]).tolist()
    [1.0, 3.0, 6.0]
    """
    _check_callable("associative_scan", "f", f)
    elems = convert_to_tensor(elems) if _is_list_of_numbers(elems) else elems
    leaves, count = _leaves("associative_scan", "elems", elems, axis)
    order = range(count - 1, -1, -1) if reverse else range(count)
    prefixes: list[Any] = []
    for i in order:
        part = tree.pack_sequence_as(elems, [_slice(leaf, i, axis) for leaf in leaves])
        prefixes.append(f(prefixes[-1], part) if prefixes else part)
    if reverse:
        prefixes.reverse()
    if not prefixes:
        return tree.pack_sequence_as(elems, leaves)
    return tree.map_structure(lambda *parts: _joined(parts, axis), *prefixes)


def _slice(x: Tensor, i: int, axis: int) -> Tensor:
    return x[(*(slice(None),) * (axis % x.ndim), slice(i, i + 1))]


def _joined(parts: Sequence[Any], axis: int) -> Tensor:
    tensors = [convert_to_tensor(p) for p in parts]
    at = axis % tensors[0].ndim
    return stack([t.reshape((*t.shape[:at], *t.shape[at + 1 :])) for t in tensors], axis=at)


@boundary
def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Tensors]:
    """Makes a function that applies `pyfunc` to each element (or slice) of its arguments, which are broadcast.

    Args:
        pyfunc: a function of tensors.
        excluded: positions or names of arguments to pass on unchanged.
        signature: the axes that `pyfunc` itself takes and returns, such as `"(n),(n)->()"`; default: single elements.

    Raises:
        TypeError: when `pyfunc` isn't a function.
        ValueError: for a signature that can't be read, or arguments that don't broadcast.

    >>> times = ef.ops.vectorize(lambda a, b: a * b, signature="(n),()->(n)")
    >>> times(ef.Variable([[1.0, 2.0], [3.0, 4.0]]), [10.0, 100.0]).tolist()
    [[10.0, 20.0], [300.0, 400.0]]
    """
    _check_callable("vectorize", "pyfunc", pyfunc)
    left_out = set(excluded or ())
    ranks = None if signature is None else _core_ranks(signature)

    def call(*args: Any, **kwargs: Any) -> Any:
        places = [i for i in range(len(args)) if i not in left_out]
        given = [convert_to_tensor(args[i]) for i in places]
        core = [0] * len(given) if ranks is None else ranks
        if len(core) != len(given):
            raise ValueError(f"vectorize: signature {signature!r} has {len(core)} arguments; got {len(given)}.")
        return _over_leading_axes(pyfunc, args, kwargs, places, given, core)

    return call


def _core_ranks(signature: str) -> list[int]:
    """How many axes each argument of the signature has."""
    found = re.fullmatch(r"\s*(\([^()]*\)(?:\s*,\s*\([^()]*\))*)\s*->.+", signature)
    if found is None:
        raise ValueError(f"vectorize: signature={signature!r}: expected a form such as '(m,n),(n)->(m)'.")
    return [len([d for d in part.split(",") if d.strip()]) for part in re.findall(r"\(([^()]*)\)", found[1])]


def _over_leading_axes(
    pyfunc: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    places: list[int],
    given: list[Tensor],
    core: list[int],
) -> Any:
    leads = [t.shape[: t.ndim - r] for t, r in zip(given, core, strict=True)]
    shape = _broadcast(leads)
    results = []
    for index in itertools.product(*[range(n) for n in shape]):
        filled = list(args)
        for place, tensor, lead in zip(places, given, leads, strict=True):
            own = index[len(index) - len(lead) :]
            filled[place] = tensor[tuple([0 if n == 1 else i for i, n in zip(own, lead, strict=True)])]
        results.append(pyfunc(*filled, **kwargs))
    if not results:
        raise ValueError(f"vectorize: the arguments have no elements to apply the function to: axes {shape}.")
    joined = _stacked([tree.map_structure(convert_to_tensor, r) for r in results])
    return tree.map_structure(lambda t: t.reshape((*shape, *t.shape[1:])), joined)


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    rank = builtins.max([len(s) for s in shapes], default=0)
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    result = []
    for lengths in zip(*padded, strict=True):
        chosen = set(lengths) - {1} or {1}
        if len(chosen) > 1:
            raise ValueError(f"vectorize: arguments don't broadcast: leading axes {list(shapes)}.")
        result.append(chosen.pop())
    return tuple(result)


def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """Jacobian-vector product: the value of a function, and its derivative along a direction.

    Args:
        fun: a function of tensors.
        primals: a list with the value of each argument.
        tangents: the direction, a list with one tensor per argument, of its shape.
        has_aux: whether `fun` returns a pair, of which only the first part is differentiated.

    Returns:
        `(value, derivative)`, and the second part of the pair with `has_aux`.

    Raises:
        ValueError: when the tangents' shapes differ from the primals'.

    >>> value, slope = ef.ops.linalg.jvp(lambda x: x * x, [3.0], [1.0])
    >>> float(value), float(slope)
    (9.0, 6.0)
    """
    if not has_aux:
        return functional.jvp(fun, primals, tangents)
    auxiliary: list[Any] = []

    def first(*args: Any) -> Any:
        value, aux = fun(*args)
        auxiliary[:] = [aux]
        return value

    value, slope = functional.jvp(first, primals, tangents)
    return value, slope, auxiliary[0]
