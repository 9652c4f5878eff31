"""Generates the function that users call for an op, as `dataclasses` generates `__init__`.

Generated when the op is first called, with the op's real signature and without `*args` on the hot path, and
entered into `linecache` so that tracebacks show it.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, NoReturn

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.text.hints import hint_for
from eagerflow.base.typing import Array, ArrayFunction, Condition, Kernel, Numpy
from eagerflow.core.device import namespace_of, namespaces
from eagerflow.core.dtypes import as_dtype, is_differentiable
from eagerflow.core.log import log, new_key
from eagerflow.core.observe import clock, current, state
from eagerflow.core.primitive import Op
from eagerflow.core.tensor import WEAK, Deferred, Tensor, coerce, coerce_array

__all__ = ["as_float", "as_real", "choose_in_wrapper", "generate", "kernel_test", "number_beside", "own"]
__all__ += ["promoted", "promotes", "unwrap_all"]

_TEMPLATE = """\
def {name}{signature}:
{refuse}    _started = _clock() if _state.ops else 0
    try:
{unwrap}
        _records = _log.get()
        _tracked = _records is not None and ({any_key})
{compute}
    except _Deferred as detour:
        return detour.resolve(_op.call, ({parameters},))
    except _failures as error:
        raise _op.explain(error, {inputs}, ({settings})) from None
{finish}
    if _started:
        _ended = _clock()
        for _observer in _current():
            _observer.on_op(_op, {inputs_tuple}, ({settings}), _out, _started, _ended)
    return _out
"""

# Where there is an axis, PyTorch's `dim=` is answered. (17 ns; other ops leave it to Python, which is faster.)
_OTHERS = inspect.Parameter("_others", inspect.Parameter.VAR_KEYWORD)
_REFUSE = """\
    if _others:
        raise _wrong_argument(_op, _others)
"""

_ONE_ARRAY = """\
        if isinstance({x}, _Tensor):
            {x}_ = {x}.data
            {x}_key = {x}.key
        else:
            {x}_ = {coerce}({x})
            {x}_key = None
"""

_WEAK_ARRAY = """\
        if isinstance({x}, _Tensor):
            {x}_ = {x}.data
            {x}_key = {x}.key
        elif {x}.__class__ in _WEAK:
            {x}_ = {x} if {pair_float32} else _number_beside({pair}, {x})
            {x}_key = None
        else:
            {x}_ = {coerce}({x})
            {x}_key = None
"""

_SEQUENCE = """\
        {x}_, {x}_keys = _unwrap_all({x})
        xp = _namespace_of(*{x}_)
"""

_FLOATING = """\
        if {x}_.dtype is not _float32:
            {x}_ = {as_float}({x}_)
"""

_FLOATING_OPTIONAL = """\
        if {x}_ is not None:
            {x}_ = {as_float}({x}_)
"""

_PROMOTE = """\
    if _data.dtype is _float64:
        {raw}, _data = _narrow(_forward, xp, _data, ({raw},), ({settings}))
"""

_COMPUTE = """\
        {results} = _forward(xp, {arguments})
"""

# With a kernel, the choice stands in the wrapper itself: small ops are called so often that a function more counts.
_CHOOSE = """\
        _found = _kernel({arguments}) if {test} else None
        {results} = _plain(xp, {arguments}) if _found is None else _found
"""

_FINISH_ONE = """\
    if _tracked{and_float}:
        _key = _new_key()
        _out = _new(_Tensor)
        _out.data = _data
        _out.key = _key
        _out.mask = None
        _records.append((_op, _key, {keys}, {shapes}, ({saved})))
    else:
        _out = _new(_Tensor)
        _out.data = _data
        _out.key = _out.mask = None"""

_FINISH_UNTRACKED = """\
    _out = _new(_Tensor)
    _out.data = _data
    _out.key = _out.mask = None"""

_FINISH_SEVERAL = """\
    if _tracked:
        _key = tuple([_new_key() if _is_differentiable(part.dtype) else None for part in _data])
        _out = tuple([_Tensor(part, None, k) for part, k in zip(_data, _key)])
        _records.append((_op, _key, {keys}, ({shapes_items}[(part.shape, part.dtype) for part in _data]), ({saved})))
    else:
        _out = tuple([_Tensor(part, None, None) for part in _data])"""

_FINISH_SEVERAL_UNTRACKED = """\
    _out = tuple([_Tensor(part, None, None) for part in _data])"""

_FAILURES = (ValueError, TypeError, LookupError, AttributeError, NotImplementedError, ArithmeticError, AssertionError)
_FLOAT32 = numpy.dtype("float32")
_FLOAT64 = numpy.dtype("float64")


def generate(op: Op, *, weak: bool, floating: bool | str, promotes: bool, may_round: bool) -> Callable[..., Any]:
    """The wrapper of `op`: unwraps tensors, calls the array function, records, announces."""
    op.writes = {"weak": weak, "floating": floating, "promotes": promotes, "may_round": may_round}
    # Underscores keep these names apart from those of parameters.
    scope: dict[str, Any] = {
        "_op": op,
        "_forward": op.forward,
        "_numpy": numpy,
        "_ndarray": numpy.ndarray,
        "_Tensor": Tensor,
        "_WEAK": WEAK,
        "_state": state,
        "_clock": clock,
        "_current": current,
        "_log": log,
        "_new_key": new_key,
        "_new": object.__new__,
        "_Deferred": Deferred,
        "_coerce": coerce,
        "_coerce_array": coerce_array,
        "_coerce_given": _coerce_given,
        "_coerce_array_given": _coerce_array_given,
        "_namespace_of": namespace_of,
        "_number_beside": number_beside,
        "_settle": _settle,
        "_as_float": as_float,
        "_as_real": as_real,
        "_narrow": _narrow,
        "_unwrap_all": unwrap_all,
        "_float32": _FLOAT32,
        "_float64": _FLOAT64,
        "_is_differentiable": is_differentiable,
        "_failures": _FAILURES,
        "_FIXED": _FIXED,
        "_own": own,
        "_wrong_argument": _wrong_argument,
        "_write": _write,
    }
    wrapper: Callable[..., Any] = FunctionType(_first_call.__code__, scope, op.name)
    wrapper.__qualname__ = op.name
    wrapper.__doc__ = op.forward.__doc__
    wrapper.__module__ = op.forward.__module__
    wrapper.__signature__ = _public_signature(op)  # type: ignore[attr-defined]
    wrapper.op = op  # type: ignore[attr-defined]
    return wrapper


def _first_call(*args: Any, **kwargs: Any) -> Any:
    """The code of each wrapper until it is called: most programs use few of the ops, and compiling takes time."""
    _write(_op)  # type: ignore[name-defined] # noqa: F821  # names of the wrapper's scope
    return _op.call(*args, **kwargs)  # type: ignore[name-defined] # noqa: F821


def _write(op: Op) -> None:
    source, defaults = _source(op, **op.writes)
    file = f"<eagerflow op {op.name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    wrapper: Any = op.call
    written: dict[str, Any] = {}
    exec(compile(source, file, "exec"), wrapper.__globals__ | defaults, written)
    function = written[op.name]
    wrapper.__defaults__, wrapper.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    wrapper.__code__ = function.__code__


def choose_in_wrapper(op: Op, kernel: Kernel, when: Condition | None, least: int, plain: ArrayFunction) -> None:
    """Rewrite the op's wrapper, so that it asks a kernel before it calls the function.

    Args:
        op: the op.
        kernel: the function that may answer, or give None.
        when: whether it pays, asked with the same arguments; None: always.
        least: numbers in the first array, below which it isn't asked.
        plain: the array function that answers otherwise.
    """
    op.writes["test"] = kernel_test(when, least, f"{op.arrays[0]}_", _arguments(op))
    op.call.__globals__.update(_kernel=kernel, _when=when, _plain=plain)
    _write(op)


def kernel_test(when: Condition | None, least: int, first: str, arguments: str, device: str = "cpu") -> str:
    """The expression for whether to ask a kernel, with these names for the first array and the arguments."""
    if device == "gpu":
        test = 'xp is _kernels_take["gpu"]' + (f" and {first}.size >= {least}" if least else "")
    else:
        test = f"{first}.__class__ is _ndarray and {first}.size >= {least}" if least else "xp is _numpy"
    return test if when is None else f"{test} and _when({arguments})"


def _parameters(op: Op) -> list[inspect.Parameter]:
    return [p for p in op.parameters.values() if p.name not in ("xp", "keep")]


def _public_signature(op: Op) -> inspect.Signature:
    """As users call it: with tensors, or what becomes one, where the array function takes arrays."""
    shown = [_for_users(p) if p.name in op.arrays else p for p in _parameters(op)]
    told = "return" in op.mathematics.__annotations__
    found = "Tensor" if op.outputs == 1 else "tuple[Tensor, ...]"
    return inspect.Signature(shown, return_annotation=found if told else inspect.Signature.empty)


def _for_users(p: inspect.Parameter) -> inspect.Parameter:
    written = isinstance(p.annotation, str)
    return p.replace(annotation=p.annotation.replace("Array", "TensorLike")) if written else p


def _source(
    op: Op, *, weak: bool, floating: bool | str, promotes: bool, may_round: bool, test: str | None = None
) -> tuple[str, dict[str, Any]]:
    parameters = _parameters(op)
    defaults = {f"default_{p.name}": p.default for p in parameters if p.default is not p.empty}
    shown = [p.replace(annotation=p.empty, default=_Name(p)) for p in parameters]
    settings = "".join(f"{n}, " for n in op.settings)
    raw = ", ".join(f"{x}_" for x in op.arrays)
    finish = _finish(op, may_round)
    if promotes:
        finish = _PROMOTE.format(raw=raw, settings=settings) + finish
    keys = " or ".join(f"{x}_key" for x in op.arrays) if not op.sequence else f"any({op.arrays[0]}_keys)"
    text = _TEMPLATE.format(
        name=op.name,
        signature=inspect.Signature([*shown, _OTHERS] if "axis" in op.settings else shown),
        refuse=_REFUSE if "axis" in op.settings else "",
        unwrap=_unwrap(op, weak, floating).rstrip("\n"),
        any_key=keys or "False",
        compute=(_COMPUTE if test is None else _CHOOSE)
        .format(results=", ".join(["_data", *op.saves]), arguments=_arguments(op), test=test)
        .rstrip("\n"),
        parameters=", ".join(p.name for p in parameters),
        inputs=f"[{', '.join(op.arrays)}]",
        inputs_tuple=f"({', '.join(op.arrays)},)",
        settings=settings,
        finish=finish,
    )
    return text, defaults


def _wrong_argument(op: Op, others: dict[str, Any]) -> TypeError:
    """The error for an argument that an op doesn't have, in Python's words, with a hint."""
    name, value = next(iter(others.items()))
    hint = hint_for("argument", op.name, name, [p.name for p in _parameters(op)], value)
    return TypeError(f"{op.name}() got an unexpected keyword argument {name!r}.{hint}")


class _Name:
    """Prints as the name under which the generated source finds a default value."""

    def __new__(cls, parameter: inspect.Parameter) -> Any:
        return super().__new__(cls) if parameter.default is not parameter.empty else parameter.empty

    def __init__(self, parameter: inspect.Parameter) -> None:
        self.name = parameter.name

    def __repr__(self) -> str:
        return f"default_{self.name}"


def _arguments(op: Op) -> str:
    """The arguments of the array function, in its own order."""
    names = [n for n in op.parameters if n != "xp"]
    passed = {x: f"{x}_" for x in op.arrays} | {n: n for n in op.settings} | {"keep": "bool(_tracked)"}
    keyword_only = {p.name for p in _parameters(op) if p.kind is p.KEYWORD_ONLY} | {"keep"}
    return ", ".join(f"{n}={passed[n]}" if n in keyword_only else passed[n] for n in names)


def _unwrap(op: Op, weak: bool, floating: bool | str) -> str:
    if op.sequence:
        return _SEQUENCE.format(x=op.arrays[0])
    template = _WEAK_ARRAY if weak else _ONE_ARRAY
    coerces = "_coerce" if weak else "_coerce_array"
    optional = {x for x in op.arrays if _may_be_none(op.parameters[x])}
    text = "".join(
        template.format(x=x, coerce=coerces if x in optional else f"{coerces}_given", **_pair(op, i))
        for i, x in enumerate(op.arrays)
    )
    if floating and not weak:
        as_float = "_as_real" if floating == "real" else "_as_float"
        for x in op.arrays:
            text += (_FLOATING_OPTIONAL if x in optional else _FLOATING).format(x=x, as_float=as_float)
    return text + _namespace(op, weak, floating)


def _pair(op: Op, i: int) -> dict[str, str]:
    """The other array of a binary op with a number, and the quick test that it is float32."""
    if i:
        other = f"{op.arrays[0]}_"
        return {"pair": other, "pair_float32": f"{other}.__class__ is _ndarray and {other}.dtype is _float32"}
    other = op.arrays[1] if len(op.arrays) > 1 else "None"
    test = f"{other}.__class__ is _Tensor and {other}.data.dtype is _float32"
    return {"pair": other, "pair_float32": test}


def number_beside(other: Any, number: Any) -> Any:
    """A Python number as NumPy should see it: with bfloat16, which it would widen, as a bfloat16."""
    dtype = other.data.dtype if isinstance(other, Tensor) else getattr(other, "dtype", None)
    if dtype is None or dtype.kind != "V" or number.__class__ is complex:
        return number
    return numpy.asarray(number, dtype)


def _namespace(op: Op, weak: bool, floating: bool | str) -> str:
    """Find `xp`, at the cost of a type test when all arrays are NumPy's."""
    raw = ", ".join(f"{x}_" for x in op.arrays)
    if not weak:
        test = " and ".join(f"type({x}_) is _ndarray" for x in op.arrays) or "True"
        return f"        xp = _numpy if {test} else _namespace_of({raw})\n"
    first, *others = op.arrays
    test = f"type({first}_) is _ndarray" + "".join(
        f" and (type({x}_) is _ndarray or {x}_.__class__ in _WEAK)" for x in others
    )
    settled = f"        if {test}:\n            xp = _numpy\n        else:\n            xp, {raw} = _settle({raw})\n"
    return settled + ("".join(f"        {x}_ = _as_float({x}_)\n" for x in op.arrays) if floating else "")


def _finish(op: Op, may_round: bool) -> str:
    """Wrap the result, and record it when it is tracked."""
    if op.gradient == "zero":
        return _FINISH_UNTRACKED if op.outputs == 1 else _FINISH_SEVERAL_UNTRACKED
    kept = [_kept(op, name) for name in op.saved]
    saved = "".join(f"{n}, " for n in kept)
    shapes = [f"{x}_.shape if {x}_key else None" for x in op.arrays]
    if len(op.arrays) == 1 and not op.names_shape:  # nothing to broadcast, and no rule that asks
        shapes = ["None"]
    if op.keeps_inputs:  # their shapes are known when they are needed
        shapes = []
    keys = f"({', '.join(f'{x}_key' for x in op.arrays)},)"
    if op.sequence:
        x = op.arrays[0]
        keys = f"{x}_keys"
        shapes = [f"*[part.shape for part in {x}_]"]
    joined = "".join(f"{s}, " for s in shapes)
    if op.outputs != 1:
        return _FINISH_SEVERAL.format(keys=keys, shapes_items=joined, saved=saved)
    and_float = " and _is_differentiable(_data.dtype)" if may_round else ""
    return _FINISH_ONE.format(and_float=and_float, keys=keys, shapes=f"({joined})", saved=saved)


def _kept(op: Op, name: str) -> str:
    """The expression for what a record keeps under a name."""
    if name in op.arrays:
        return f"{name}_"
    if name in op.settings:
        return f"{name} if {name}.__class__ in _FIXED else _own({name})"
    return "_data" if name == "out" else name


_FIXED = frozenset({int, float, bool, str, type(None), slice})


def own(setting: Any) -> Any:
    """A setting that its giver can't change any more: lists and arrays are copied, also inside of tuples."""
    kind = setting.__class__
    if kind is tuple:
        for part in setting:
            if part.__class__ not in _FIXED:
                return tuple([own(part) for part in setting])
    elif kind is list:
        return [own(part) for part in setting]
    elif kind in namespaces:
        return setting.copy()
    return setting


def _settle(*arrays: Array) -> tuple[Any, ...]:
    """Namespace and arrays when not all of them are NumPy arrays; of numbers alone, arrays are made."""
    if all(array.__class__ in WEAK for array in arrays):
        arrays = tuple([coerce_array(array) for array in arrays])
    return (namespace_of(*arrays), *arrays)


def _may_be_none(parameter: inspect.Parameter) -> bool:
    """Whether an array may be missing: by its default, or by its annotation."""
    return parameter.default is None or "None" in str(parameter.annotation)


def _coerce_given(x: Any) -> Any:
    return _refuse_none() if x is None else coerce(x)


def _coerce_array_given(x: Any) -> Any:
    return _refuse_none() if x is None else coerce_array(x)


def _refuse_none() -> NoReturn:
    raise TypeError(
        "None is no tensor. tape.gradient gives None for a weight that the loss doesn't use (zeros with "
        'unconnected_gradients="zero"), a function lacks its return, or this is a length from the shape of a symbolic '
        "tensor, which only a layer's call knows."
    )


def as_float(array: Array) -> Array:
    """Integers and bools as `floatx()`; everything else as it is."""
    if array is None or array.__class__ in WEAK:
        return array
    return array.astype(as_dtype(floatx())) if array.dtype.kind in "iub" else array


def as_real(array: Array) -> Array:
    """As `as_float`; complex numbers raise: comparisons and rules of real numbers would be silently wrong."""
    if array.dtype.kind == "c":
        raise TypeError("only real numbers have this function here; take .real, .imag or abs() of complex ones.")
    return as_float(array)


def promotes(op: Any, arrays: Iterable[Any]) -> bool:
    """Whether an op may compute in another type first, and again in that of the floats: for integers with floats."""
    if not op.writes["promotes"] or op.sequence:
        return False
    kinds = [array.dtype for array in arrays if hasattr(array, "dtype")]
    return any(kind.kind in "iub" for kind in kinds) and not any(kind == _FLOAT64 for kind in kinds)


def promoted(
    forward: ArrayFunction, xp: Numpy, arrays: tuple[Array, ...], settings: tuple[Any, ...]
) -> tuple[Array, ...]:
    """The arrays as an op that promotes them sees them in the end, and its result: what its wrapper does."""
    data = forward(xp, *arrays, *settings)
    return _narrow(forward, xp, data, arrays, settings) if data.dtype is _FLOAT64 else (*arrays, data)


def _narrow(
    forward: ArrayFunction, xp: Numpy, data: Array, arrays: tuple[Array, ...], settings: tuple[Any, ...]
) -> tuple[Array, ...]:
    """Compute again without float64 when none of the inputs was float64 (int32 + float32, say)."""
    kinds = [array.dtype for array in arrays if hasattr(array, "dtype")]
    if any(kind is _FLOAT64 or kind == _FLOAT64 for kind in kinds):
        return (*arrays, data)
    floats = [kind for kind in kinds if kind.kind not in "iub"]
    wanted = max(floats, key=lambda kind: kind.itemsize) if floats else as_dtype(floatx())
    arrays = tuple([a.astype(wanted) if hasattr(a, "dtype") and a.dtype.kind in "iub" else a for a in arrays])
    return (*arrays, forward(xp, *arrays, *settings))


def unwrap_all(values: Any) -> tuple[list[Any], tuple[int | None, ...]]:
    """Arrays and keys of a sequence of tensors."""
    if isinstance(values, (Tensor, numpy.ndarray)):
        values = list(values)
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"expected a list or tuple of tensors; got {type(values).__name__}")
    if not values:
        raise ValueError("expected at least one tensor; got an empty sequence")
    arrays = [v.data if isinstance(v, Tensor) else coerce_array(v) for v in values]
    return arrays, tuple([v.key if isinstance(v, Tensor) else None for v in values])
