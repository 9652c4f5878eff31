"""Hears every function of torch that a thread calls, and announces those that are ops."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from time import perf_counter_ns as clock
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from eagerflow.core.observe import state
from viz.facts.json_data import to_plain
from viz.frameworks import contract
from viz.frameworks.torch import words
from viz.frameworks.torch.objects import Weight, node_of

__all__ = ["Op", "OpMode", "tensors_in"]

_PLAIN = frozenset([int, float, bool, str, type(None)])
_CASTS = frozenset("to type float double half bfloat16 int long bool short type_as cpu cuda".split())
_IN_PLACE_OPERATORS = frozenset(
    f"__{name}__" for name in "iadd isub imul itruediv idiv ipow iand ior ixor imod ifloordiv setitem".split()
)
_REVERSED = frozenset(["__rsub__", "__rdiv__", "__rtruediv__", "__rpow__", "__rmatmul__", "rsub"])

_sequence = torch.autograd._get_sequence_nr
_in_transform = torch._C._are_functorch_transforms_active  # of `torch.func`, which wraps tensors


class Op(contract.Op):
    """A function of torch with a certain signature."""

    __slots__ = ()

    def __init__(self, name: str, arrays: tuple[str, ...], settings: tuple[str, ...]) -> None:
        self.name, self.arrays, self.settings = name, arrays, settings
        self.means, self.fused = words.MEANS.get(name, name), ()
        self.moves = name in words.MOVES or (name == "take_index" and len(arrays) == 1)  # by numbers and slices

    def __repr__(self) -> str:
        return f"<op {self.name}>"


@dataclasses.dataclass(slots=True)
class _Plan:
    """How one kind of call is announced; a place of an argument is a position or a keyword."""

    op: Op
    found: Sequence[tuple[str, Any]]  # each argument: the name of its parameter, and its place
    tensors: tuple[Any, ...]  # places of the tensors
    settings: tuple[Any, ...]  # and of the others
    nested: tuple[Any, ...]  # of lists and the like, which may hold tensors
    changed: Any  # the place of what changes in place; None where nothing does
    flag: Any  # the place of what says whether it does; None where it always does
    written: tuple[int, ...]  # the inputs that change besides, where `training` is set
    is_loss: bool  # does it compare answers with targets?
    is_cast: bool  # does it give another type, or another device?


def tensors_in(nested: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors in nested tuples, lists and dicts, with names such as `hx[0]`."""
    if isinstance(nested, torch.Tensor):
        yield name, nested
    elif isinstance(nested, (tuple, list)):
        for i, each in enumerate(nested):
            yield from tensors_in(each, f"{name}[{i}]" if name else "")
    elif isinstance(nested, dict):
        for key, each in nested.items():
            yield from tensors_in(each, str(key))


class OpMode(TorchFunctionMode):
    """Announces the ops of the thread in which it is pushed.

    Args:
        front: what knows tensors, modules and backward passes.
    """

    def __init__(self, front: Any) -> None:
        super().__init__()
        self._front, self._objects = front, front.objects
        self._kinds: dict[Any, Callable[..., Any] | None] = {}
        self._plans: dict[Any, _Plan] = {}
        self._ops: dict[tuple[Any, ...], Op] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            handle = self._kinds[func]
        except KeyError:
            handle = self._kinds[func] = self._kind_of(func)
        except TypeError:  # what can't be hashed
            handle = None
        if handle is None or self._front.muted or not state.ops or _in_transform():
            return func(*args, **kwargs) if kwargs else func(*args)
        return handle(func, args, kwargs or {})

    def _kind_of(self, func: Any) -> Callable[..., Any] | None:
        """What announces the calls of a function; None for one that is no op."""
        name, owner = getattr(func, "__name__", ""), getattr(func, "__self__", None)
        if name == "__get__":
            kept = getattr(owner, "__name__", "")
            return self._op if kept in words.VIEWS else self._get_data if kept == "data" else None
        if name == "__set__" and getattr(owner, "__name__", "") == "data":
            return self._set_data
        if getattr(func, "__module__", "") == "torch.nn.init":
            return self._initialize
        if name in words.SKIPPED or "record_function" in str(func):
            return None
        tables = words.READS, words.FILLS, words.DRAWS, words.OPENED
        kinds = self._read, self._fill, self._draw, self._opened
        return next((kind for table, kind in zip(tables, kinds) if name in table), self._op)

    # ------------------------------------------------------------------ ops

    def _op(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        front = self._front
        if not front.listeners():
            return func(*args, **kwargs)
        try:
            plan, given, inputs, settings = self._planned(func, args, kwargs)
        except Exception as error:  # noqa: BLE001  (see `_Front.safely`)
            front.broken(error)
            return func(*args, **kwargs)
        op = plan.op
        loss = front.scopes.begin_loss(op, inputs, settings) if plan.is_loss else None
        first, started = _sequence(), clock()
        try:
            out = func(*args, **kwargs)
        except BaseException as error:
            front.tell("on_op", op, inputs, settings, None, started, clock(), front.told(error))
            if loss is not None:
                front.scopes.close(loss, None, error)
            raise
        ended, last = clock(), _sequence()
        try:
            made = _new(out, given)
            if plan.is_cast and made:
                name = "cast" if made[0].device == given[0].device else "to_device"
                op = self.op_named(name, op.arrays, op.settings)
            if plan.changed is not None and (plan.flag is None or _argument(args, kwargs, plan.flag) is True):
                made = self._changed(op, given, inputs, _argument(args, kwargs, plan.changed), (started, ended))
            if made:
                self._announce(op, inputs, settings, made, started, ended, range(first, last))
            if plan.written and settings[op.settings.index("training")]:
                weights = [inputs[at] for at in plan.written if isinstance(inputs[at], Weight)]
                front.tell("on_updates", "assign", [(weight, (), ended, ended) for weight in weights])
        except Exception as error:  # noqa: BLE001
            front.broken(error)
        if loss is not None:
            front.scopes.close(loss, out, None)
        return out

    def one_op(self, run: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], weights: Sequence[Any] = ()) -> Any:
        """Announce a function that is no function of torch's as one op, which reads these weights besides."""
        pairs = [*tensors_in(args, "x"), *tensors_in(kwargs), *[(f"weight[{i}]", x) for i, x in enumerate(weights)]]
        op = self.op_named(run.__name__, tuple([name for name, _ in pairs]), ())
        inputs = tuple([self._objects.proxy(x) for _, x in pairs])
        first, started = _sequence(), clock()
        try:
            out = run(*args, **kwargs)
        except BaseException as error:
            self._front.tell("on_op", op, inputs, (), None, started, clock(), self._front.told(error))
            raise
        made = _new(out, [x for _, x in pairs])
        if made:
            self._front.safely(self._announce, op, inputs, (), made, started, clock(), range(first, _sequence()))
        return out

    def _announce(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        made: Sequence[torch.Tensor],
        started: int,
        ended: int,
        numbers: range,
    ) -> None:
        """An op ran, and made nodes with these numbers."""
        front, outputs = self._front, tuple(map(self._objects.made, made))
        if front.backward.depth:
            front.backward.heard(outputs, ended)
        result = outputs[0] if len(outputs) == 1 else outputs
        front.tell("on_op", op, inputs, settings, result, started, ended, None)
        if numbers:
            front.backward.watch(op, made, numbers)

    def _changed(
        self, op: Op, given: Sequence[torch.Tensor], inputs: tuple[Any, ...], target: Any, times: tuple[int, int]
    ) -> list[torch.Tensor]:
        """Announce the weights that were changed in place; gives what became another tensor to observers."""
        objects, made = self._objects, list[torch.Tensor]()
        for x in [x for _, x in tensors_in(target)]:
            whole = x._base if x._is_view() and not x.is_inference() else None
            for each in (x,) if whole is None else (x, whole):
                weight = next((w for w, y in zip(inputs, given) if y is each), None)
                weight = objects.known(each) if weight is None else weight
                is_new = weight is not None and not isinstance(weight, Weight)
                if is_new and each.requires_grad and node_of(each) is None:
                    weight = objects.weight(each)
                if isinstance(weight, Weight):
                    if weight.name not in words.COUNTERS:
                        others = tuple([w for w in inputs if w is not weight])
                        self._front.tell("on_updates", op.name, [(weight, others, *times)])
                elif each is x or weight is not None:
                    made.append(each)
        return made

    # ------------------------------------------------------------------ signatures

    def _planned(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[_Plan, Sequence[torch.Tensor], tuple[Any, ...], tuple[Any, ...]]:
        """The plan of a call, the tensors that it is given, what stands for them, and the other arguments."""
        key = (func, *map(type, args), *kwargs, *map(type, kwargs.values())) if kwargs else (func, *map(type, args))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(func, args, kwargs)
        for at in plan.nested:
            if next(tensors_in(_argument(args, kwargs, at)), None) is not None:
                return self._nested(plan, args, kwargs)
        given, inputs, known, proxy = [], [], self._objects.met, self._objects.proxy
        for at in plan.tensors:
            x = args[at] if at.__class__ is int else kwargs[at]
            met = known.get(id(x))
            given.append(x)
            inputs.append(met.proxy if met is not None and met() is x and met.proxy.key is not None else proxy(x))
        if not plan.settings:
            return plan, given, tuple(inputs), ()
        rest = [args[at] if at.__class__ is int else kwargs[at] for at in plan.settings]
        return plan, given, tuple(inputs), tuple([x if x.__class__ in _PLAIN else _plain(x) for x in rest])

    def _nested(
        self, plan: _Plan, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[_Plan, Sequence[torch.Tensor], tuple[Any, ...], tuple[Any, ...]]:
        """The same for a call in which lists or the like hold tensors: each may hold others."""
        found = [(name, _argument(args, kwargs, at)) for name, at in plan.found]
        pairs = [each for name, value in found for each in tensors_in(value, name)]
        rest = [(name, value) for name, value in found if next(tensors_in(value), None) is None]
        op = self.op_named(plan.op.name, tuple([n for n, _ in pairs]), tuple([n for n, _ in rest]))
        given = [x for _, x in pairs]
        return (
            dataclasses.replace(plan, op=op, written=()),
            given,
            tuple(map(self._objects.proxy, given)),
            tuple([_plain(value) for _, value in rest]),
        )

    def _plan(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Plan:
        name = getattr(func, "__name__", type(func).__name__)
        name = getattr(func.__self__, "__name__", name) if name == "__get__" else name.partition(".")[0]
        plain = name.strip("_")
        names = _parameters(func, len(args))
        found: list[tuple[str, Any]] = [(names[i] if i < len(names) else f"x{i + 1}", i) for i in range(len(args))]
        found += [(key, key) for key in kwargs]
        if getattr(func, "__name__", "") in _REVERSED and len(args) == 2:
            found[:2] = [("x1", 1), ("x2", 0)]
        value = {at: _argument(args, kwargs, at) for _, at in found}
        tensors = [(key, at) for key, at in found if isinstance(value[at], torch.Tensor)]
        rest = [(key, at) for key, at in found if not isinstance(value[at], torch.Tensor)]
        arrays, settings = tuple([key for key, _ in tensors]), tuple([key for key, _ in rest])
        op = self.op_named(words.CALLED.get(plain, plain).removeprefix("foreach_"), arrays, settings)
        changed, flag = None, next((at for key, at in found if key == "inplace"), None)
        first = 0 if args else next(iter(kwargs), None)
        if name in _IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__")):
            changed, flag = first, None
        elif kwargs.get("out") is not None:
            changed, flag = "out", None
        elif flag is not None:
            changed = first
        written = words.WRITES.get(op.name, ()) if "training" in settings else ()
        return _Plan(
            op=op,
            found=found,
            tensors=tuple([at for _, at in tensors]),
            settings=tuple([at for _, at in rest]),
            nested=tuple([at for _, at in rest if isinstance(value[at], (tuple, list, dict))]),
            changed=changed,
            flag=flag,
            written=tuple([arrays.index(each) for each in written if each in arrays]),
            is_loss=op.name in words.LOSSES,
            is_cast=name in _CASTS and bool(tensors),
        )

    def op_named(self, name: str, arrays: tuple[str, ...], settings: tuple[str, ...]) -> Op:
        """The op with this signature, of which there is one."""
        key = name, arrays, settings
        found = self._ops.get(key)
        if found is None:
            found = self._ops[key] = Op(name, arrays, settings)
        return found

    # ------------------------------------------------------------------ other functions

    def _read(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Python takes the values: three frames up, for observers, is the code that asked."""
        known = self._objects.known(args[0]) if args else None
        for each in self._front.listeners() if known is not None else ():
            each.on_read(known, words.READS[func.__name__])
        return func(*args, **kwargs)

    def _fill(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        made = func(*args, **kwargs)
        if isinstance(made, torch.Tensor) and not made.requires_grad:
            name = func.__name__.removeprefix("new_")
            given = tuple([x for x in args if x.__class__ in (int, float)]) if name in ("arange", "full") else ()
            self._front.tell("on_fill", self._objects.made(made).data, name, given)
        return made

    def _draw(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        started = clock()
        made = func(*args, **kwargs)
        if isinstance(made, torch.Tensor) and not made.requires_grad:
            data = self._objects.made(made).data
            self._front.tell("on_draw", words.DRAWS[func.__name__], data, {}, started, clock())
        return made

    def _initialize(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """A weight gets its first values."""
        self._front.tell_routine("first_values", args[0] if args else kwargs.get("tensor"), {})
        return func(*args, **kwargs)

    def _get_data(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """`x.data`: of what ops made, it is `detach`; of a weight, its memory."""
        with torch._C.DisableTorchFunction():
            is_made = args[0].requires_grad and not args[0].is_leaf
        return self._op(func, args, kwargs) if is_made else func(*args, **kwargs)

    def _set_data(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """`w.data = x`: it has other values, in other memory."""
        known, given = self._objects.known(args[0]), self._objects.known(args[1])
        started = clock()
        result = func(*args, **kwargs)
        if isinstance(known, Weight):
            others = () if given is None or given is known else (given,)
            self._front.tell("on_updates", "assign", [(known, others, started, clock())])
        return result

    def _opened(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run Python of torch's own so that the functions which it calls are heard."""
        with self:
            return _unchecked(func)(*args, **kwargs)


def _new(out: Any, given: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    """The tensors in what a function returned that it wasn't given."""
    if out.__class__ is torch.Tensor:
        for x in given:
            if x is out:
                return ()
        return (out,)
    return () if out is None else [x for _, x in tensors_in(out) if not any([x is each for each in given])]


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], at: int | str) -> Any:
    return args[at] if isinstance(at, int) else kwargs[at]


@cache
def _unchecked(func: Any) -> Any:
    """A function of torch's own, in Python, without its question whether somebody overrides it."""
    no = {name: lambda *given: False for name in func.__globals__ if name.startswith("has_torch_function")}
    inner = types.FunctionType(
        func.__code__, {**func.__globals__, **no}, func.__name__, func.__defaults__, func.__closure__
    )
    inner.__kwdefaults__ = func.__kwdefaults__
    return inner


@cache
def _parameters(func: Any, count: int) -> tuple[str, ...]:
    """The names of a function's parameters: from Python's signature, or else from torch's schemas."""
    name = getattr(func, "__name__", "")
    plain = words.CALLED.get(name.strip("_"), name.strip("_"))
    if plain in ("add", "subtract", "multiply", "divide", "power", "matmul") or plain.endswith(("equal", "less")):
        return ("x1", "x2")
    if plain == "take_index":
        return ("x", "index")
    try:
        found = tuple(inspect.signature(func).parameters)
    except (ValueError, TypeError):  # of a function in C
        found = ("args", "kwargs")
    if found != ("args", "kwargs"):
        return found
    schemas = torch._C._jit_get_schemas_for_operator(f"aten::{name.strip('_')}")
    known = [tuple([each.name.replace("self", "input") for each in schema.arguments]) for schema in schemas]
    return next((names for names in known if len(names) >= count), known[0] if known else ())


def _plain(value: Any) -> Any:
    """A setting as plain data."""
    if isinstance(value, (torch.dtype, torch.device, slice)):
        return str(value).removeprefix("torch.")
    if value is Ellipsis:
        return "..."
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return to_plain(value)
