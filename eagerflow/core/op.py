"""`@op`: make a recorded operation on tensors from a plain array function and its derivatives.

    @op(lambda g, out: g * (1 - out * out))
    def tanh(xp, x):
        return xp.tanh(x)

The decorated function works on raw arrays, with `xp` the array module (numpy or cupy). The rules
above it give its derivatives, one per array, and name what they need: `g` (the gradient arriving),
`out`, any parameter, `<array>_shape`, `xp`, anything in `saves`. Only what rules name is kept on
the tape. By default rules run on raw arrays; while an outer tape records they run on tensors, with
`xp` = `eagerflow.ops`, and are recorded themselves: that is all that higher orders need.

The wrapper that users call is generated when it is first called (see `op_function.py`).
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from functools import wraps
from types import CodeType
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, overload

from eagerflow.base.tracebacks import named_after, reworded, shorten, wrappers
from eagerflow.base.typing import Array, Numpy, Rule
from eagerflow.core.links import above
from eagerflow.core.lowering import await_kernels
from eagerflow.core.op_function import generate
from eagerflow.core.primitive import Op, registry
from eagerflow.core.tensor import Tensor

__all__ = ["apply", "composite", "composites", "identity", "op"]

P = ParamSpec("P")
R = TypeVar("R")
_GRADIENTS = ("smooth", "zero", "raises")
composites: set[CodeType] = set()  # what runs around functions that are composed of ops


def _op(
    *rules: Rule,
    arrays: Sequence[str] = (),
    outputs: int | str = 1,
    saves: Sequence[str] = (),
    joint: bool = False,
    sequence: bool = False,
    reference: Callable[..., Any] | None = None,
    gradient: str = "",
    why: str | None = None,
    weak: bool = False,
    floating: bool | str = False,
    promotes: bool = False,
    may_round: bool = False,
    holomorphic: bool = False,
    fused: Sequence[str] = (),
    name: str = "",
) -> Callable[[Callable[Concatenate[Numpy, P], Any]], Callable[P, Any]]:
    """Make a recorded op from an array function `f(xp, *arrays, *settings)`.

    Args:
        *rules: one derivative per array, in order (with `joint` or `sequence`: one for all, which returns
            a tuple with one gradient per array, None where `needs[i]` is False).
        arrays: names of the array parameters; default: those without a default value. Arrays with a
            default None are optional.
        outputs: how many tensors the op returns; `"many"` when the inputs decide.
        saves: names of extra values that the function returns behind its output, as `(out, *extras)`;
            kept for the rules, not shown to callers.
        joint: the single rule gives all gradients at once.
        sequence: the first parameter is a sequence of arrays.
        reference: a composition of other ops with the same result, taking the same parameters. Hand-written
            kernels give it: higher orders differentiate it instead of the kernel's rule.
        gradient: `"smooth"`, `"zero"` or `"raises"`; default: smooth with rules, zero without.
        why: for `"raises"`, the reason.
        weak: Python numbers are passed on as they are (NumPy then keeps the array's type).
        floating: integer inputs become `floatx()` first; `"real"`: and complex numbers raise a TypeError.
        promotes: arrays of several types may meet; float64 appears only where one of them is float64.
        may_round: the output can be an integer type, through which no gradient flows.
        holomorphic: it has a complex derivative, which rules multiply by as if all numbers were real. Of complex
            numbers the gradient is that of descent, `g` times the derivative's conjugate: see `complex_numbers.py`.
        fused: for an op that stands for several which a user would write, its `reference`: the arrays whose first axis
            is the batch. Tracers show it as one op that opens into those.
        name: what users call it, where the function has another name: that of a public function that runs this op and
            does a little more. Recordings, tables and errors call it so.

    A parameter `keep` says whether the tape will need what the function saves.
    """
    traits = {
        "outputs": outputs,
        "saves": saves,
        "joint": joint,
        "sequence": sequence,
        "reference": reference,
        "gradient": gradient or ("smooth" if rules or reference else "zero"),
        "why": why,
        "arrays": arrays,
        "holomorphic": holomorphic,
        "fused": tuple(fused),
        "name": name,
    }
    if traits["gradient"] not in _GRADIENTS:
        raise ValueError(f"op(gradient={gradient!r}): expected one of {_GRADIENTS}")

    def decorate(forward: Callable[Concatenate[Numpy, P], Any]) -> Callable[P, Any]:
        given = (_raising(name or forward.__name__, why or ""),) if gradient == "raises" else rules
        made = Op(forward, given, **(traits | {"joint": joint or gradient == "raises"}))
        known = registry.get(made.name)
        if known is not None and known.mathematics.__module__ != forward.__module__:  # a reloaded module may redefine
            raise ValueError(f"an op named {made.name!r} exists already")
        made.call = generate(made, weak=weak, floating=floating, promotes=promotes, may_round=may_round)
        registry[made.name] = made
        await_kernels(made)
        return made.call

    return decorate


# Readers of the code take the branch that they understand. Type checkers know `ParamSpec`, and take a condition of this
# name for true. Jedi, by which many editors show signatures, knows no `ParamSpec`, but follows arguments through a
# wrapper; it takes the name for what it is here, and that of `typing` for true. Python takes the last branch.
TYPE_CHECKING = False

if TYPE_CHECKING:

    @overload
    def op(
        *rules: Rule,
        arrays: Sequence[str] = (),
        outputs: Literal[1] = 1,
        saves: Sequence[str] = (),
        joint: bool = False,
        sequence: bool = False,
        reference: Callable[..., Any] | None = None,
        gradient: str = "",
        why: str | None = None,
        weak: bool = False,
        floating: bool | str = False,
        promotes: bool = False,
        may_round: bool = False,
        holomorphic: bool = False,
        fused: Sequence[str] = (),
        name: str = "",
    ) -> Callable[[Callable[Concatenate[Numpy, P], Any]], Callable[P, Tensor]]: ...

    @overload
    def op(
        *rules: Rule,
        arrays: Sequence[str] = (),
        outputs: Literal["many", 2, 3, 4, 5, 6, 7, 8],
        saves: Sequence[str] = (),
        joint: bool = False,
        sequence: bool = False,
        reference: Callable[..., Any] | None = None,
        gradient: str = "",
        why: str | None = None,
        weak: bool = False,
        floating: bool | str = False,
        promotes: bool = False,
        may_round: bool = False,
        holomorphic: bool = False,
        fused: Sequence[str] = (),
        name: str = "",
    ) -> Callable[[Callable[Concatenate[Numpy, P], Any]], Callable[P, tuple[Tensor, ...]]]: ...

    def op(*rules: Rule, **traits: Any) -> Any:  # noqa: D103 - described above
        return _op(*rules, **traits)

elif typing.TYPE_CHECKING:

    def op(*rules, outputs=None, **traits):  # noqa: D103
        def decorate(forward):
            @wraps(forward)
            def call(*args, **kwargs) -> Tensor:
                return forward(None, *args, keep=None, **kwargs)

            @wraps(forward)
            def several(*args, **kwargs) -> tuple[Tensor, ...]:
                return forward(None, *args, keep=None, **kwargs)

            if outputs:
                return several
            return call

        return decorate

else:
    op = _op
    op.__name__ = op.__qualname__ = "op"


def _raising(name: str, why: str) -> Rule:
    def rule(g: Array) -> Array:
        raise NotImplementedError(f"{name} has no gradient: {why}")

    return rule


def apply(call: Callable[..., Any], xp: Numpy, *arguments: Any) -> Any:
    """Use an op inside a rule, whether the rule runs on raw arrays (`xp` is numpy or cupy) or is being recorded.

    For what the array modules don't have: `apply(scatter_index, xp, g, index, shape)`.
    """
    if isinstance(arguments[0], Tensor):
        return call(*arguments)
    return call.op.forward(xp, *arguments)  # type: ignore[attr-defined]


def composite(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a public function that is composed of ops, so that symbolic tensors record it as one node.

    The functional API calls ops on what `Input` gives. A primitive op notices that by itself; a composition
    reads shapes first, so it is asked here, once symbolic tensors exist at all.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if above.symbolic_call is not None:
            found, result = above.symbolic_call(call, args, kwargs)
            if found:
                return result
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            shorten(error)
            named_after(error, function, args, kwargs)
            better = reworded(error, function, args, kwargs)
            if better is not None:
                raise better from None
            raise

    wrappers.add(call.__code__)  # type: ignore[attr-defined]
    composites.add(call.__code__)  # type: ignore[attr-defined]
    return call


@op(lambda g: g)
def identity_of(xp: Numpy, x: Array) -> Array:
    """The same values under a new key."""
    return x


identity = identity_of
