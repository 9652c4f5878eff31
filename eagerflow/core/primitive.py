"""`Op`: what the tape and observers know of an operation: its function on arrays, its rules, what they keep."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, ArrayFunction, Condition, Kernel, Needs, Numpy, Rule
from eagerflow.core.device import kernels_take
from eagerflow.core.links import above
from eagerflow.core.log import Record
from eagerflow.core.observe import clock, current, state
from eagerflow.core.tensor import Tensor

__all__ = ["Op", "pull_of", "registry", "same_kind"]

# A rule that is handed what it names: `(xp, g, record, needs)` to the gradient of one array, or of all.
Pull: TypeAlias = Callable[[Numpy, Any, Record, Needs], Any]

# Every op by its name. The gradient table of the tests goes through it.
registry: dict[str, Op] = {}


class Op:
    """What the tape and observers know of an operation.

    Attributes:
        name: the op's name, as in `eagerflow.ops`; by it the op stands in `registry`.
        forward: the function on raw arrays, `forward(xp, *arrays, *settings)`: the mathematics, or a kernel where one
            pays.
        mathematics: the same as the op's file has it, for any array module.
        lowerings: the kernels that are registered on this op (see `lowering.py`).
        parameters: those of `mathematics`, by name.
        arrays: names of the parameters that are arrays.
        settings: names of the other parameters.
        gradient: `"smooth"` (has rules), `"zero"` (locally constant: never recorded, so `tape.gradient`
            answers None as TensorFlow does) or `"raises"` (recorded; asking for its gradient explains why not).
        outputs: number of outputs, or `"many"` when it depends on the input.
        saves: names of extra results of `forward` that rules use and callers don't see.
        holomorphic: rules are those of real numbers; of complex ones, the derivative is conjugated.
        fused: for an op that stands for several others, the arrays whose first axis is the batch; else empty.
        joint: one rule gives the gradients of all arrays, as a tuple; it may ask for `needs`.
        sequence: the first parameter is a sequence of arrays (as in `concatenate`).
        call: the function that users call.
        writes: how that was written (see `op_function.py`).
    """

    __slots__ = tuple(
        """
        _recorded_pulls arrays call forward fused gradient holomorphic joint keeps_inputs lowerings mathematics name
        names_shape outputs parameters pulls recorded_joint reference rules saved saves sequence settings why writes
        """.split()
    )

    def __init__(self, forward: ArrayFunction, rules: tuple[Rule, ...], **traits: Any) -> None:
        self.name: str = traits["name"] or forward.__name__
        self.forward = self.mathematics = forward
        self.lowerings: list[Any] = []
        self.rules = rules
        self.gradient: str = traits["gradient"]
        self.outputs: int | str = traits["outputs"]
        self.saves: tuple[str, ...] = tuple(traits["saves"])
        self.joint: bool = traits["joint"] or traits["sequence"]
        self.sequence: bool = traits["sequence"]
        self.reference: Callable[..., Any] | None = traits["reference"]
        self.why: str | None = traits["why"]
        self.holomorphic: bool = traits["holomorphic"]
        self.fused: tuple[str, ...] = traits["fused"]
        self.call: Callable[..., Any] = forward
        self.writes: dict[str, Any] = {}
        self.parameters = inspect.signature(forward).parameters
        parameters = [p for p in self.parameters.values() if p.name not in ("xp", "keep")]
        arrays = traits["arrays"] or [p.name for p in parameters if p.default is p.empty]
        self.arrays: tuple[str, ...] = tuple(arrays)
        self.settings: tuple[str, ...] = tuple([p.name for p in parameters if p.name not in self.arrays])
        self.saved: tuple[str, ...] = _names_to_save(self)
        asked = {n for rule in rules for n in _names(rule)}
        # All arrays are kept, first and in order: the tape reads their shapes off them instead of keeping those too.
        self.keeps_inputs = self.outputs == 1 and not self.sequence and self.saved[: len(self.arrays)] == self.arrays
        self.names_shape = any(f"{x}_shape" in asked for x in self.arrays)
        self.pulls = tuple([pull_of(self, rule) for rule in rules])
        self._recorded_pulls: tuple[Pull, ...] | None = None
        self.recorded_joint = self.joint or self.reference is not None

    unfolds = False  # True for what stands for the records of a function that is computed again

    @property
    def recorded_pulls(self) -> tuple[Pull, ...]:
        """The rules on tensors, by which gradients are recorded themselves; made when they are first asked for."""
        if self._recorded_pulls is None:
            if self.reference is not None:
                self._recorded_pulls = (_through_reference(self),)
            else:
                self._recorded_pulls = tuple([pull_of(self, rule, recorded=True) for rule in self.rules])
        return self._recorded_pulls

    @property
    def means(self) -> str:
        """What the op does, for observers: its name; other frameworks' ops have the name of ours that does the same."""
        return self.name

    def __repr__(self) -> str:
        return f"Op({self.name!r})"

    def explain(self, error: Exception, inputs: Sequence[Any], settings: tuple[Any, ...]) -> Exception:
        """The same kind of error, saying which op met which arrays; costs nothing until raised."""
        given = [f"{n}={_shown(v)}" for n, v in zip(self.settings, settings) if not _is_usual(self, n, v)]
        got = ", ".join([*[signature_of(x) for x in inputs], *given])
        hint = _hint(settings)
        said = f"{_in_our_words(_shorten(error), inputs, settings)}{hint}"
        if hint and "NoneType" in said:  # in a graph, where the inputs are stand-ins with lengths of their own
            got, said = ", ".join(given), hint.removeprefix(". ")
        if self.sequence and any(hasattr(v, "dtype") and getattr(v, "shape", ()) for v in settings):
            said = f"all tensors go into one list: {self.name}([a, b])"
        explained = same_kind(error)(f"{self.name}({got}): {said}")
        with contextlib.suppress(AttributeError):
            explained.said = said  # type: ignore[attr-defined]  # for functions that ran this op, which name themselves
        if state.on:
            now = clock()
            for observer in current():
                observer.on_op(self, tuple(inputs), settings, None, now, now, explained)
        return explained


_OUTSIDE = re.compile(r"(axis -?\d+ is out of bounds) for array of dimension (\d+)")


def _is_usual(op: Op, name: str, value: Any) -> bool:
    """Whether a setting is what it is unless one says otherwise."""
    default = op.parameters[name].default
    return value is default or (isinstance(value, (bool, int, float, str)) and value == default)


def _shown(setting: Any) -> str:
    return signature_of(setting) if hasattr(setting, "dtype") else f"{setting!r:.60}"


def _fit_with_an_axis_more(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Would `x[:, None]`, for one of two tensors, make them fit?"""
    wider = [((*shape[:1], 1, *shape[1:]), other) for shape, other in (shapes[:2], shapes[1::-1]) if shape]
    return any(all(1 in (n, m) or n == m for n, m in zip(a[::-1], b[::-1])) for a, b in wider)


def _in_our_words(said: str, inputs: Sequence[Any], settings: tuple[Any, ...]) -> str:
    """What NumPy says of shapes that don't fit, with what to do; all else stays."""
    parts = inputs[0] if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)) else inputs
    shapes = [tuple(part.shape) for part in parts if hasattr(part, "shape")]
    listed = " and ".join(map(str, shapes[:4]))
    if said.startswith("operands could not be broadcast") and len(shapes) > 1:
        cure = " x[:, None] inserts an axis of length 1." if _fit_with_an_axis_more(shapes) else ""
        return f"shapes {listed} don't broadcast: counted from the last axis, lengths must be equal or 1.{cure}"
    if said.startswith("cannot reshape array"):
        whole = next((setting for setting in settings if isinstance(setting, (tuple, list))), None)
        if whole is not None:  # NumPy leaves a -1 in front out
            said = re.sub(r"into shape \(.*\)", lambda _: f"into shape {tuple(whole)}", said)
        said = said.replace("newaxis", "-1")
        return f"{said}: both need as many elements; one length may be -1 and is then computed"
    if said == "all input arrays must have the same shape":
        return f"all tensors need the same shape; got {listed}."
    if said.startswith("all the input array") and shapes:
        axes = {len(shape) for shape in shapes}
        if len(axes) > 1:
            return f"all tensors need the same number of axes; got {listed}. x[None] adds one in front."
        return f"all tensors need the same lengths but for the axis that they are joined along; got {listed}."
    if said == "axes don't match array" and shapes:
        axes_of = range(len(shapes[0]))
        return f"each of the tensor's {len(axes_of)} axes has to be named once, as in {tuple(reversed(axes_of))}."
    outside = _OUTSIDE.fullmatch(said)
    if outside is not None:
        count = int(outside[2])
        range_ = f"use {-count} to {count - 1}" if count else "a number has no axes"
        return f"{outside[1]} for a tensor with {count} {'axis' if count == 1 else 'axes'}: {range_}."
    return said


def _hint(settings: tuple[Any, ...]) -> str:
    if not any(isinstance(value, (tuple, list)) and any(part is None for part in value) for value in settings):
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
        if kind in (IndexError, TypeError, ValueError, FloatingPointError, NotImplementedError, OverflowError):
            return kind
    return ValueError


def _shorten(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 360 else text[:357] + "..."


@functools.lru_cache(maxsize=16)
def _names(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _names_to_save(made: Op) -> tuple[str, ...]:
    """What records of this op keep, in order: whatever its rules name, and what it saves for kernels of rules."""
    named: set[str] = set(made.saves)
    for rule in made.rules:
        named |= set(_names(rule))
    if made.reference is not None:
        named |= {*made.arrays, *made.settings}
    return tuple([n for n in (*made.arrays, *made.settings, "out", *made.saves) if n in named])


def pull_of(
    made: Op,
    rule: Rule,
    *,
    recorded: bool = False,
    kernel: Kernel | None = None,
    when: Condition | None = None,
    before: Pull | None = None,
    device: str = "cpu",
) -> Pull:
    """A function `(xp, g, record, needs) -> gradient(s)` which hands the rule what it names.

    Args:
        made: the op.
        rule: one of its rules.
        recorded: hand over tensors instead of raw arrays.
        kernel: instead of the rule on NumPy's arrays; where it answers None, the pull `before` it is asked.
        when: whether the kernel pays, asked with the kernel's arguments.
        before: what there was before this kernel.
        device: the kind of device whose arrays the kernel takes.
    """
    given = {"g": "g", "xp": "xp", "needs": "needs"}
    kept = made.keeps_inputs
    given |= {f"{x}_shape": f"record[4][{i}].shape" if kept else f"record[3][{i}]" for i, x in enumerate(made.arrays)}
    if made.sequence:
        given[f"{made.arrays[0]}_shape"] = "record[3]"
    for i, name in enumerate(made.saved):
        given[name] = _saved(made, name, f"record[4][{i}]") if recorded else f"record[4][{i}]"

    def handed(function: Callable[..., Any], g: str = "g") -> str:
        given["g"] = g
        names = _names(function)
        unknown = [n for n in names if n not in given]
        if unknown:
            raise ValueError(f"a rule of {made.name} asks for {unknown}; known: {sorted(given)}")
        return ", ".join(given[n] for n in names)

    if kernel is None and made.holomorphic:  # g times the conjugate of a is the conjugate of g's conjugate times a
        text = f"conjugated(rule({handed(rule, 'conjugated(g)')}))"
    elif kernel is None:
        text = f"rule({handed(rule)})"
    else:
        found = f"kernel({handed(kernel)})"
        if when is not None:
            found = f"({found} if when({handed(kernel)}) else None)"
        plain = "before(xp, g, record, needs)"
        taken = "numpy" if device == "cpu" else 'kernels_take["gpu"]'
        text = f"{plain} if xp is not {taken} or (found := {found}) is None else found"
    scope: dict[str, Any] = {"rule": rule, "kernel": kernel, "when": when, "before": before, "numpy": numpy}
    scope["kernels_take"] = kernels_take
    scope |= {"wrap": _wrap, "wrap_all": _wrap_all, "conjugated": _conjugated}
    written = compile(f"lambda xp, g, record, needs: {text}", f"<eagerflow rule of {made.name}>", "eval")
    pull: Pull = eval(written, scope)
    return pull


def _conjugated(x: Array) -> Array:
    return x.conjugate() if x.dtype.kind == "c" else x


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


def _wrap(array: Array, key: int | None) -> Any:
    return Tensor(array, None, key) if hasattr(array, "dtype") else array


def _wrap_all(arrays: Sequence[Array], keys: Sequence[int | None]) -> tuple[Any, ...]:
    return tuple([_wrap(a, k) for a, k in zip(arrays, keys, strict=True)])


def _through_reference(made: Op) -> Pull:
    """For recorded mode: the gradients of the plain composition, themselves recorded."""
    assert made.reference is not None
    reference = made.reference

    def pull(xp: Numpy, g: Array, record: Record, needs: Needs) -> tuple[Array, ...]:
        from_record = dict(zip(made.saved, record[4], strict=True))
        inputs = [_wrap(from_record[x], record[2][i]) for i, x in enumerate(made.arrays)]
        others = {n: from_record[n] for n in made.settings}
        others |= {n: _wrap(from_record[n], None) for n in made.saves if n in from_record}
        return above.differentiate(lambda *xs: reference(*xs, **others), inputs, g, needs)

    return pull
