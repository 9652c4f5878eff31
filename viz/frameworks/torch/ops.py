"""Hears every function of torch that a thread calls, and announces those that are ops."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from time import perf_counter_ns as clock
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from eagerflow.core.observe import current, state
from viz.facts.json_data import to_plain
from viz.frameworks import contract
from viz.frameworks.torch.objects import Weight, node_of
from viz.frameworks.torch.words import (
    CALLED,
    COUNTERS,
    DRAWS,
    FILLS,
    LOSSES,
    MEANS,
    MOVES,
    OPENED,
    READS,
    SKIPPED,
    VIEWS,
    WRITES,
)

__all__ = ["Op", "OpMode", "tensors_in"]

_PLAIN = frozenset([int, float, bool, str, type(None)])
_CASTS = frozenset("to type float double half bfloat16 int long bool short type_as cpu cuda".split())
_IN_PLACE_OPERATORS = frozenset(
    f"__{name}__" for name in "iadd isub imul itruediv idiv ipow iand ior ixor imod ifloordiv setitem".split()
)
_REVERSED = frozenset(["__rsub__", "__rdiv__", "__rtruediv__", "__rpow__", "__rmatmul__", "rsub"])
_TENSORS = (torch.Tensor, torch.nn.Parameter)

_sequence = torch.autograd._get_sequence_nr
_in_transform = torch._C._are_functorch_transforms_active  # of `torch.func`, which wraps tensors


class Op(contract.Op):
    """A function of torch with a certain signature."""

    __slots__ = ()

    def __init__(self, name: str, arrays: tuple[str, ...], settings: tuple[str, ...]) -> None:
        self.name, self.arrays, self.settings = name, arrays, settings
        self.means, self.fused = MEANS.get(name, name), ()
        self.moves = name in MOVES or (name == "take_index" and len(arrays) == 1)  # by numbers and slices

    def __repr__(self) -> str:
        return f"<op {self.name}>"


class _Plan:
    """How one kind of call is announced.

    Attributes:
        op: what is announced.
        tensors, settings: where the arguments are, by position or keyword.
        changed: where what changes in place is: a position or keyword; None where nothing is.
        written: names of what changes besides, where `training` is set.
        is_loss: whether it compares answers with targets.
    """

    __slots__ = ("changed", "is_cast", "is_loss", "op", "settings", "tensors", "written")

    op: Op
    tensors: tuple[Any, ...]
    settings: tuple[Any, ...]
    changed: Any
    written: tuple[str, ...]
    is_loss: bool
    is_cast: bool


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
            return self._op if kept in VIEWS else self._get_data if kept == "data" else None
        if name == "__set__" and getattr(owner, "__name__", "") == "data":
            return self._set_data
        if getattr(func, "__module__", "") == "torch.nn.init":
            return self._initialize
        if name in SKIPPED or "record_function" in str(func):
            return None
        for names, kind in ((READS, self._read), (FILLS, self._fill), (DRAWS, self._draw), (OPENED, self._opened)):
            if name in names:
                return kind
        return self._op

    # ------------------------------------------------------------------ ops

    def _op(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if not current():
            return func(*args, **kwargs)
        front = self._front
        try:
            plan, given, inputs, settings = self._planned(func, args, kwargs)
        except Exception as error:  # noqa: BLE001  (see `_Front.safely`)
            front.broken(error)
            return func(*args, **kwargs)
        loss = front.scopes.of_loss(plan.op, inputs, settings) if plan.is_loss and front.scopes.wants_loss else None
        if loss is not None:
            front.begin(loss)
            front.scopes.opened(loss)
        first, started = _sequence(), clock()
        try:
            out = func(*args, **kwargs)
        except BaseException as error:
            front.tell("on_op", plan.op, inputs, settings, None, started, clock(), front.told(error))
            if loss is not None:
                front.scopes.close(loss, None, error)
            raise
        ended = clock()
        if plan.changed is not None:
            target = kwargs[plan.changed] if plan.changed.__class__ is str else args[plan.changed]
            front.safely(self._changed, plan, given, inputs, settings, target, started, ended, first)
        elif out.__class__ is torch.Tensor:
            for x in given:
                if x is out:
                    return out
            try:
                self._announce(plan, given, inputs, settings, (out,), started, ended, first)
            except Exception as error:  # noqa: BLE001
                front.broken(error)
        elif out is not None and (made := [x for _, x in tensors_in(out) if not any([x is each for each in given])]):
            front.safely(self._announce, plan, given, inputs, settings, made, started, ended, first)
        if loss is not None:
            front.scopes.close(loss, [x for _, x in tensors_in(out)], None)
        return out

    def one_op(self, run: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], weights: Sequence[Any] = ()) -> Any:
        """Announce a function that is no function of torch's as one op, which reads these weights besides."""
        plan = _Plan()
        pairs = [*tensors_in(args, "x"), *tensors_in(kwargs), *[(f"weight[{i}]", x) for i, x in enumerate(weights)]]
        plan.op = self.op_named(run.__name__, tuple([name for name, _ in pairs]), ())
        plan.written, plan.is_cast = (), False
        given = [x for _, x in pairs]
        inputs = tuple([self._objects.proxy(x) for x in given])
        first, started = _sequence(), clock()
        try:
            out = run(*args, **kwargs)
        except BaseException as error:
            self._front.tell("on_op", plan.op, inputs, (), None, started, clock(), self._front.told(error))
            raise
        made = [x for _, x in tensors_in(out) if not any([x is each for each in given])]
        if made:
            self._front.safely(self._announce, plan, given, inputs, (), made, started, clock(), first)
        return out

    def _announce(
        self,
        plan: _Plan,
        given: Sequence[torch.Tensor],
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        made: Sequence[torch.Tensor],
        started: int,
        ended: int,
        first: int,
    ) -> None:
        front, objects = self._front, self._objects
        op = plan.op
        if plan.is_cast and given and made:
            op = self._cast(plan, given[0], made[0])
        outputs = [objects.made(x) for x in made]
        if front.backward.depth:
            front.backward.heard(outputs, ended)
        result = outputs[0] if len(outputs) == 1 else tuple(outputs)
        for each in front.listeners():
            if each not in front.resting:
                try:
                    each.on_op(op, inputs, settings, result, started, ended, None)
                except Exception as error:  # noqa: BLE001
                    front.failed(each, error)
        if _sequence() != first:
            front.backward.watch(op, made, first)
        for name in plan.written:
            at = op.arrays.index(name) if name in op.arrays else -1
            if at >= 0 and "training" in op.settings and settings[op.settings.index("training")]:
                weight = inputs[at]
                if isinstance(weight, Weight):
                    front.tell("on_updates", "assign", [(weight, (), ended, ended)])

    def _cast(self, plan: _Plan, given: torch.Tensor, made: torch.Tensor) -> Op:
        name = "cast" if made.device == given.device else "to_device"
        return self.op_named(name, plan.op.arrays, plan.op.settings)

    def _changed(
        self,
        plan: _Plan,
        given: Sequence[torch.Tensor],
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        target: Any,
        started: int,
        ended: int,
        first: int,
    ) -> None:
        """Something was changed in place: a weight of a loop by hand, or what becomes another tensor to observers."""
        front, objects = self._front, self._objects
        made: list[torch.Tensor] = []
        for x in [x for _, x in tensors_in(target)]:
            whole = x._base if x._is_view() and not x.is_inference() else None
            for each in (x,) if whole is None else (x, whole):
                weight = next((w for w, y in zip(inputs, given) if y is each), None)
                weight = objects.known(each) if weight is None else weight
                is_new = weight is not None and not isinstance(weight, Weight)
                if is_new and each.requires_grad and node_of(each) is None:
                    weight = objects.weight(each)
                if isinstance(weight, Weight):
                    if weight.name not in COUNTERS:
                        others = tuple([w for w in inputs if w is not weight])
                        front.tell("on_updates", plan.op.name, [(weight, others, started, ended)])
                elif each is x or weight is not None:
                    made.append(each)
        if made:
            self._announce(plan, given, inputs, settings, made, started, ended, first)

    # ------------------------------------------------------------------ signatures

    def _planned(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[_Plan, Sequence[torch.Tensor], tuple[Any, ...], tuple[Any, ...]]:
        """The plan of a call, the tensors that it is given, what stands for them, and the other arguments."""
        key = (func, *map(type, args), *kwargs, *map(type, kwargs.values())) if kwargs else (func, *map(type, args))
        plan = self._plans.get(key)
        proxy = self._objects.proxy
        if plan is None:
            found = self._arguments(func, args, kwargs)
            plan = self._plan(func, args, kwargs, found)
            nested = any(isinstance(value, (list, tuple, dict)) for _, _, value in found)
            if not nested and plan.changed != "inplace":
                self._plans[key] = plan
            elif nested:  # each call may hold other tensors
                pairs = [(n, x) for name, _, value in found for n, x in tensors_in(value, name)]
                rest = [(name, value) for name, _, value in found if next(tensors_in(value), None) is None]
                plan.op = self.op_named(plan.op.name, tuple([n for n, _ in pairs]), tuple([n for n, _ in rest]))
                given = [x for _, x in pairs]
                return plan, given, tuple(map(proxy, given)), tuple([_plain(value) for _, value in rest])
        if kwargs:
            given = [args[at] if at.__class__ is int else kwargs[at] for at in plan.tensors]
            rest = [args[at] if at.__class__ is int else kwargs[at] for at in plan.settings]
        else:
            given = [args[at] for at in plan.tensors]
            rest = [args[at] for at in plan.settings]
        settings = tuple([x if x.__class__ in _PLAIN else _plain(x) for x in rest])
        return plan, given, tuple([proxy(x) for x in given]), settings

    def _arguments(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> list[tuple[str, int | str, Any]]:
        """Each argument with the name of its parameter, and where it is."""
        names = _parameters(func, len(args))
        found: list[tuple[str, int | str, Any]] = [
            (names[i] if i < len(names) else f"x{i + 1}", i, x) for i, x in enumerate(args)
        ]
        found += [(key, key, value) for key, value in kwargs.items()]
        if getattr(func, "__name__", "") in _REVERSED and len(args) == 2:
            found[:2] = [("x1", *found[1][1:]), ("x2", *found[0][1:])]
        return found

    def _plan(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], found: Sequence[tuple[str, int | str, Any]]
    ) -> _Plan:
        name = getattr(func, "__name__", type(func).__name__)
        name = getattr(func.__self__, "__name__", name) if name == "__get__" else name.partition(".")[0]
        plain = name.strip("_")
        plan = _Plan()
        plan.tensors = tuple([at for _, at, x in found if isinstance(x, torch.Tensor)])
        plan.settings = tuple([at for _, at, x in found if not isinstance(x, torch.Tensor)])
        plan.op = self.op_named(
            CALLED.get(plain, plain).removeprefix("foreach_"),
            tuple([key for key, _, x in found if isinstance(x, torch.Tensor)]),
            tuple([key for key, _, x in found if not isinstance(x, torch.Tensor)]),
        )
        given = {key: (at, value) for key, at, value in found}
        plan.changed = None
        if name in _IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__")):
            plan.changed = 0 if args else next(iter(kwargs), None)
        elif "out" in kwargs and kwargs["out"] is not None:
            plan.changed = "out"
        elif given.get("inplace", (None, False))[1] is True:
            plan.changed = 0 if args else next(iter(kwargs))
        plan.written = WRITES.get(plan.op.name, ())
        plan.is_loss, plan.is_cast = plan.op.name in LOSSES, name in _CASTS
        return plan

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
        if args and (known := self._objects.known(args[0])) is not None:
            for each in self._front.listeners():
                if each not in self._front.resting:
                    each.on_read(known, READS[func.__name__])
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
            self._front.tell("on_draw", DRAWS[func.__name__], data, {}, started, clock())
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
    plain = CALLED.get(name.strip("_"), name.strip("_"))
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
