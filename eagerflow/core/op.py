"""`@op`: make a recorded operation on tensors from a plain array function and its derivatives.

    @op(lambda g, out: g * (1 - out * out))
    def tanh(xp, x):
        return xp.tanh(x)

The decorated function works on raw arrays, with `xp` the array module (numpy or cupy). The rules
above it give its derivatives, one per array, and name what they need: `g` (the gradient arriving),
`out`, any parameter, `<array>_shape`, `xp`, anything in `saves`. Only what rules name is kept on
the tape. By default rules run on raw arrays; while an outer tape records they run on tensors, with
`xp` = `eagerflow.ops`, and are recorded themselves: that is all that higher orders need.

The wrapper that users call is generated once, at import (see `wrapper.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.tracebacks import called, in_words, is_slip, shorten
from eagerflow.core.observe import clock, current, state
from eagerflow.core.op_function import generate
from eagerflow.core.tensor import Tensor

__all__ = [
    "Op",
    "apply",
    "composite",
    "identity",
    "op",
    "register_differentiator",
    "registry",
    "same_kind",
]

# Every op by its name. The gradient table of the tests goes through it.
registry: dict[str, Op] = {}

# `eagerflow.ops` enters itself here: the namespace that rules get while they are recorded.
recorded_namespace: list[ModuleType] = []

_GRADIENTS = ("smooth", "zero", "raises")


class Op:
    """What the tape and observers know of an operation.

    Attributes:
        name: the op's name, as in `eagerflow.ops`.
        forward: the function on raw arrays, `forward(xp, *arrays, *settings)`.
        arrays: names of the parameters that are arrays.
        settings: names of the other parameters.
        gradient: `"smooth"` (has rules), `"zero"` (locally constant: never recorded, so `tape.gradient`
            answers None as TensorFlow does) or `"raises"` (recorded; asking for its gradient explains why not).
        outputs: number of outputs, or `"many"` when it depends on the input.
        saves: names of extra results of `forward` that rules use and callers don't see.
        joint: one rule gives the gradients of all arrays, as a tuple; it may ask for `needs`.
        sequence: the first parameter is a sequence of arrays (as in `concatenate`).
        call: the function that users call.
    """

    __slots__ = (
        "arrays", "call", "forward", "gradient", "joint", "name", "keeps_inputs", "names_shape", "outputs", "pulls",
        "recorded_joint", "recorded_pulls",
        "reference", "rules", "saved", "saves", "sequence", "settings", "why",
    )  # fmt: skip

    def __init__(
        self, forward: Callable[..., Any], rules: tuple[Callable[..., Any], ...], **traits: Any
    ) -> None:
        self.name: str = forward.__name__
        self.forward = forward
        self.rules = rules
        self.gradient: str = traits["gradient"]
        self.outputs: int | str = traits["outputs"]
        self.saves: tuple[str, ...] = tuple(traits["saves"])
        self.joint: bool = traits["joint"] or traits["sequence"]
        self.sequence: bool = traits["sequence"]
        self.reference: Callable[..., Any] | None = traits["reference"]
        self.why: str | None = traits["why"]
        self.call: Callable[..., Any] = forward
        parameters = [
            p for p in inspect.signature(forward).parameters.values() if p.name not in ("xp", "keep")
        ]
        arrays = traits["arrays"] or [p.name for p in parameters if p.default is p.empty]
        self.arrays: tuple[str, ...] = tuple(arrays)
        self.settings: tuple[str, ...] = tuple([p.name for p in parameters if p.name not in self.arrays])
        self.saved: tuple[str, ...] = _names_to_save(self)
        asked = {n for rule in rules for n in inspect.signature(rule).parameters}
        # All arrays are kept, first and in order: the tape reads their shapes off them instead of keeping those too.
        self.keeps_inputs = (
            self.outputs == 1 and not self.sequence and self.saved[: len(self.arrays)] == self.arrays
        )
        self.names_shape = any(f"{x}_shape" in asked for x in self.arrays)
        self.pulls = tuple([_pull(self, rule, recorded=False) for rule in rules])
        self.recorded_pulls = tuple([_pull(self, rule, recorded=True) for rule in rules])
        self.recorded_joint = self.joint or self.reference is not None
        if self.reference is not None:
            self.recorded_pulls = (_through_reference(self),)

    def __repr__(self) -> str:
        return f"Op({self.name!r})"

    def explain(self, error: Exception, inputs: Sequence[Any], settings: tuple[Any, ...]) -> Exception:
        """The same kind of error, saying which op met which arrays; costs nothing until raised."""
        given = [f"{n}={_shown(v)}" for n, v in zip(self.settings, settings) if not _is_usual(self, n, v)]
        got = ", ".join([*[signature_of(x) for x in inputs], *given])
        explained = same_kind(error)(f"{self.name}({got}): {_shorten(error)}{_hint(settings)}")
        if state.on:
            now = clock()
            for observer in current():
                observer.on_op(self, tuple(inputs), settings, None, now, now, explained)
        return explained


def _is_usual(op: Op, name: str, value: Any) -> bool:
    """Whether a setting is what it is unless one says otherwise."""
    default = inspect.signature(op.forward).parameters[name].default
    return value is default or (isinstance(value, (bool, int, float, str)) and value == default)


def _shown(setting: Any) -> str:
    return signature_of(setting) if hasattr(setting, "dtype") else f"{setting!r:.60}"


def _hint(settings: tuple[Any, ...]) -> str:
    if not any(
        isinstance(value, (tuple, list)) and any(part is None for part in value) for value in settings
    ):
        return ""
    return (
        ". A None from the shape of a symbolic tensor is a length that only a layer's call knows; in reshape, one "
        "length may be -1 instead."
    )


def same_kind(error: Exception) -> type[Exception]:
    """The error's type when a message is all it is made of, else its nearest plain ancestor."""
    for kind in type(error).__mro__:
        if kind.__name__ in ("DeviceError", "AxisError", "LinAlgError", "UnknownNameError"):
            return kind
        if kind in (
            IndexError,
            TypeError,
            ValueError,
            FloatingPointError,
            NotImplementedError,
            OverflowError,
        ):
            return kind
    return ValueError


def _shorten(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 360 else text[:357] + "..."


def op(
    *rules: Callable[..., Any],
    arrays: Sequence[str] = (),
    outputs: int | str = 1,
    saves: Sequence[str] = (),
    joint: bool = False,
    sequence: bool = False,
    reference: Callable[..., Any] | None = None,
    gradient: str = "",
    why: str | None = None,
    weak: bool = False,
    floating: bool = False,
    promotes: bool = False,
    may_round: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
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
        floating: integer inputs become `floatx()` first.
        promotes: arrays of several types may meet; float64 appears only where one of them is float64.
        may_round: the output can be an integer type, through which no gradient flows.

    A function with a parameter `keep` is told whether the tape will need what it saves.
    """
    traits = {
        "outputs": outputs, "saves": saves, "joint": joint, "sequence": sequence, "reference": reference,
        "gradient": gradient or ("smooth" if rules or reference else "zero"), "why": why, "arrays": arrays,
    }  # fmt: skip
    if traits["gradient"] not in _GRADIENTS:
        raise ValueError(f"op(gradient={gradient!r}): expected one of {_GRADIENTS}")

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        given = (_raising(forward.__name__, why or ""),) if gradient == "raises" else rules
        made = Op(forward, given, **(traits | {"joint": joint or gradient == "raises"}))
        known = registry.get(made.name)
        if (
            known is not None and known.forward.__module__ != forward.__module__
        ):  # a reloaded module may redefine
            raise ValueError(f"an op named {made.name!r} exists already")
        made.call = generate(made, weak=weak, floating=floating, promotes=promotes, may_round=may_round)
        registry[made.name] = made
        return made.call

    return decorate


def _raising(name: str, why: str) -> Callable[..., Any]:
    def rule(g: Any) -> Any:
        raise NotImplementedError(f"{name} has no gradient: {why}")

    return rule


def _names_to_save(made: Op) -> tuple[str, ...]:
    """What records of this op keep, in order: whatever its rules name."""
    named: set[str] = set()
    for rule in made.rules:
        named |= set(inspect.signature(rule).parameters)
    if made.reference is not None:
        named |= {*made.arrays, *made.settings}
    return tuple([n for n in (*made.arrays, *made.settings, "out", *made.saves) if n in named])


def _pull(made: Op, rule: Callable[..., Any], *, recorded: bool) -> Callable[..., Any]:
    """A function `(xp, g, record, needs) -> gradient(s)` which hands the rule what it names."""
    given = {"g": "g", "xp": "xp", "needs": "needs"}
    kept = made.keeps_inputs
    given |= {
        f"{x}_shape": f"record[4][{i}].shape" if kept else f"record[3][{i}]"
        for i, x in enumerate(made.arrays)
    }
    if made.sequence:
        given[f"{made.arrays[0]}_shape"] = "record[3]"
    for i, name in enumerate(made.saved):
        given[name] = _saved(made, name, f"record[4][{i}]") if recorded else f"record[4][{i}]"
    names = list(inspect.signature(rule).parameters)
    unknown = [n for n in names if n not in given]
    if unknown:
        raise ValueError(f"a rule of {made.name} asks for {unknown}; known: {sorted(given)}")
    text = f"lambda xp, g, record, needs: rule({', '.join(given[n] for n in names)})"
    return eval(text, {"rule": rule, "wrap": _wrap, "wrap_all": _wrap_all})


def _saved(made: Op, name: str, place: str) -> str:
    """The expression that turns a kept array back into a tensor with its key."""
    if name in made.settings:
        return place
    if name == "out":
        return f"wrap({place}, record[1])" if made.outputs == 1 else f"wrap_all({place}, record[1])"
    if name in made.saves:
        return f"wrap({place}, None)"
    if made.sequence:
        return f"wrap_all({place}, record[2])"
    return f"wrap({place}, record[2][{made.arrays.index(name)}])"


def _wrap(array: Any, key: int | None) -> Any:
    return Tensor(array, None, key) if hasattr(array, "dtype") else array


def _wrap_all(arrays: Sequence[Any], keys: Sequence[int | None]) -> tuple[Any, ...]:
    return tuple([_wrap(a, k) for a, k in zip(arrays, keys, strict=True)])


def _through_reference(made: Op) -> Callable[..., Any]:
    """For recorded mode: the gradients of the plain composition, themselves recorded."""
    assert made.reference is not None
    reference = made.reference

    def pull(xp: Any, g: Any, record: tuple[Any, ...], needs: tuple[bool, ...]) -> tuple[Any, ...]:
        from_record = dict(zip(made.saved, record[4], strict=True))
        inputs = [_wrap(from_record[x], record[2][i]) for i, x in enumerate(made.arrays)]
        others = {n: from_record[n] for n in made.settings}
        others |= {n: _wrap(from_record[n], None) for n in made.saves if n in from_record}
        return _differentiator[0](lambda *xs: reference(*xs, **others), inputs, g, needs)

    return pull


# `functional.py` enters itself here: (function, inputs, gradient of the output, needs) -> gradients of the inputs.
_differentiator: list[Callable[..., tuple[Any, ...]]] = []


def register_differentiator(function: Callable[..., tuple[Any, ...]]) -> None:
    """Name the function that differentiates a kernel's reference (it lives above this file)."""
    _differentiator[:] = [function]


def apply(call: Callable[..., Any], xp: Any, *arguments: Any) -> Any:
    """Use an op inside a rule, whether the rule runs on raw arrays (`xp` is numpy or cupy) or is being recorded.

    For what the array modules don't have: `apply(scatter_index, xp, g, index, shape)`.
    """
    if isinstance(arguments[0], Tensor):
        return call(*arguments)
    return call.op.forward(xp, *arguments)  # type: ignore[attr-defined]


def composite(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a public function that is composed of ops, so that symbolic tensors record it as one node.

    The functional API calls ops on what `Input` gives. A primitive op notices that by itself; a composition
    reads shapes first, so it is asked here, once symbolic tensors exist at all.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if symbolic_calls:
            for answer in symbolic_calls:
                found, result = answer(call, args, kwargs)
                if found:
                    return result
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            shorten(error)
            if is_slip(error):
                raise in_words(error, *called(function, args, kwargs)) from None
            raise

    return call


# The functional API enters itself here when the first symbolic tensor is made.
symbolic_calls: list[Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], tuple[bool, Any]]] = []


@op(lambda g: g)
def identity_of(xp, x):  # type: ignore[no-untyped-def]
    """The same values under a new key."""
    return x


identity = identity_of
