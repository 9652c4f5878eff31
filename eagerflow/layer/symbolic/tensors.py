"""What `Input` gives: tensors that have a shape and a type but no values, and remember how they came to be.

Nothing is interpreted symbolically. To learn the shape of a result, a layer or op is run for real on
small arrays, at two sizes: lengths that differ are the unknown ones (None). The calls themselves are
the graph (`Node`), which a model repeats on real inputs.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy

from eagerflow.base import notebook, tree
from eagerflow.base.errors import CapturedError, NoLengthError, NoValueError, signature_of
from eagerflow.base.machine.budget import LoadLimitError, room_for, step
from eagerflow.base.origin import creation_site
from eagerflow.base.tracebacks import shorten
from eagerflow.base.typing import DType
from eagerflow.core.in_place import undone
from eagerflow.core.links import above
from eagerflow.core.log import suspended
from eagerflow.core.observe import unobserved
from eagerflow.core.random import frozen
from eagerflow.core.tensor import Deferred, Tensor
from eagerflow.layer.building import unbuilt_on_failure
from eagerflow.layer.call_context import current_call, probing
from eagerflow.layer.symbolic.floats import on_floats
from eagerflow.layer.symbolic.probe_sizes import filled, settlings, sizes_for
from eagerflow.layer.symbolic.samples import BY_VALUE, Spec, orders, other_values, varied
from eagerflow.layer.symbolic.wording import described_node, hint_of, op_name, say_symbolically
from eagerflow.layer.unique_names import snake_case, unique_name
from eagerflow.ops.control_flow import cond, while_loop

__all__ = ["Node", "Origin", "Serial", "Spec", "SymbolicTensor", "infer", "is_symbolic", "record", "serial_now"]

_counts = itertools.count()
_epochs = itertools.count()

Serial = tuple[int, int]
Origin = tuple[Serial, int]


class _Reached(Deferred, TypeError):
    """Something asked a symbolic tensor for its values. Ops then record themselves; anything else fails."""

    def resolve(self, op: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        return record(op, arguments, {})


class _Unexplained(ValueError):
    """The results at two sizes have no common shape with unknown lengths."""


class _AtOneSize(ValueError):
    """A call works at one size and not at another."""


class SymbolicTensor(Tensor):
    """A tensor of the functional API: a shape (None where unknown) and a type, but no values.

    Args:
        shape: the shape, with None for unknown lengths.
        dtype: a type name.
        sparse: accepted for compatibility with Keras; only False is possible.
        ragged: accepted for compatibility with Keras; only False is possible.
        record_history: accepted for Keras' signature.
        name: shown in messages.

    >>> ef.KerasTensor((None, 4), name="x")
    <SymbolicTensor 'x' shape=(None, 4) dtype=float32>
    """

    __slots__ = ("index", "name", "node", "spec")

    def __init__(
        self,
        shape: Any,
        dtype: DType = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ) -> None:
        if sparse or ragged:
            raise ValueError("KerasTensor(sparse=True / ragged=True): there are no sparse or ragged tensors here.")
        self.spec = Spec((shape,) if isinstance(shape, int) else shape, dtype)
        self.name = name or unique_name("keras_tensor")
        self.node: Node | None = None
        self.index = 0
        self.key = None
        above.symbolic_call = _answer

    @property
    def data(self) -> Any:
        """Raises an error, since symbolic tensors have no values; ops catch it and add a call to the graph."""
        raise _Reached(_explain(self, "has no values"))

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.spec.shape

    @property
    def dtype(self) -> numpy.dtype:
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        return len(self.spec.shape)

    @property
    def size(self) -> int | None:  # type: ignore[override]
        return None if None in self.shape else math.prod(self.shape)

    @property
    def device(self) -> Any:
        return _refuse(self, ".device")

    def same_as(self, other: Any) -> bool:
        """Whether two symbolic tensors are the same output of the same call.

        Args:
            other: another symbolic tensor.

        >>> x = ef.Input((3,))
        >>> x.same_as(x), x.same_as(ef.Input((3,)))
        (True, False)
        """
        return self is other or (self.node is not None and self.origin == other.origin)

    @property
    def origin(self) -> Origin:
        """An identifier: the number of the call that made the tensor, and its position among the call's outputs."""
        return ((-1, id(self)), 0) if self.node is None else (self.node.serial, self.index)

    def __bool__(self) -> bool:
        """For `x == y`: whether both are the same one, as `x in [a, b]` and comparisons of lists ask."""
        node = self.node
        asked = "" if node is None else op_name(node.operation)
        if node is None or asked not in ("equal", "not_equal") or len(node.inputs) != 2:
            _refuse(self, "bool()")
        x, y = node.inputs
        return x.same_as(y) == (asked == "equal")

    @property
    def _keras_history(self) -> tuple[Any, int, int]:
        assert self.node is not None
        return self.node.operation, self.node.position, self.index

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name!r} shape={self.shape} dtype={self.dtype}>"

    def __reduce__(self) -> Any:
        return _restore, (self.shape, self.dtype.name, self.name, self.node, self.index)

    if not TYPE_CHECKING:  # to type checkers a mistake; NoReturn would end the program there

        def __setitem__(self, index: Any, value: Any) -> NoReturn:
            raise TypeError("tensors don't change in place. Use ops.slice_update or ops.scatter_update.")

    def __format__(self, spec: str) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        return notebook.pre(repr(self))


def _explain(x: SymbolicTensor, what: str) -> str:
    return (
        f"{x!r} {what}: it stands for data that come later, when the model is called. Use ops or layers on it; "
        "for Python code that needs values, write a Layer (its call gets real tensors) or a subclass of Model."
    )


def _refuse(x: SymbolicTensor, asked: str, kind: type[NoValueError] = NoValueError) -> NoReturn:
    raise kind(_explain(x, f"can't answer {asked}"))


def _refusing(asked: str, kind: type[NoValueError] = NoValueError) -> Callable[..., NoReturn]:
    def method(self: SymbolicTensor, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse(self, asked, kind)

    return method


for _method, _asked in {
    "numpy": ".numpy()",
    "item": ".item()",
    "tolist": ".tolist()",
    "__float__": "float()",
    "__int__": "int()",
    "__index__": "an index",
    "__complex__": "complex()",
    "__iter__": "iteration",
    "__array__": "a NumPy array",
    "to": ".to()",
}.items():
    setattr(SymbolicTensor, _method, _refusing(_asked))


# Not even looked up: several outputs are a list, and programs ask by `hasattr` which it is.
SymbolicTensor.__len__ = property(_refusing("len()", NoLengthError))  # type: ignore[assignment,method-assign]


def _restore(shape: Any, dtype: DType, name: str, node: Node | None, index: int) -> SymbolicTensor:
    made = SymbolicTensor(shape, dtype, name=name)
    made.node, made.index = node, index
    return made


def is_symbolic(structure: Any) -> bool:
    """Whether a tensor of the functional API is among the leaves."""
    if not isinstance(structure, (list, tuple, dict)):
        return isinstance(structure, SymbolicTensor)
    for x in structure.values() if isinstance(structure, dict) else structure:  # a loop: faster than any(...)
        if x.__class__ is not Tensor and is_symbolic(x):
            return True
    return False


class _Epoch:
    """Keeps calls in order across copies: those copied (or unpickled) together share a new one."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = next(_epochs)

    def __reduce__(self) -> Any:
        return _next_epoch, ()


_current = [_Epoch()]


def _next_epoch() -> _Epoch:
    copied = _Epoch()
    _current[:] = [_Epoch()]  # later calls come after those copied
    return copied


def serial_now() -> Serial:
    """A number between those of the calls before and after."""
    return _current[0].number, next(_counts)


class Node:
    """One call of a layer or op on symbolic tensors.

    It refers to its inputs (in `args` and `kwargs`), never to its outputs: these refer to it, and hold it.

    Attributes:
        operation: the layer, or the function of `eagerflow.ops`.
        args: the arguments by position, symbolic tensors among them.
        kwargs: the arguments by name.
        inputs: the symbolic tensors among the arguments.
        outputs: what the call returned: a structure of `Spec`, and values that are the same at any size.
        position: which call of the same layer this is, from 0.
        name: the layer's name, or a numbered one for ops.
        created_at: file and line of the user's code that made the call.
        settled: the lengths of unknown axes without which the call doesn't work, by tensor and axis.
        masked: whether the call doesn't work without the masks that its inputs will have.
    """

    __slots__ = tuple(
        """
        __weakref__ _specs args count created_at epoch inputs kwargs masked name operation outputs position settled
        """.split()
    )

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.inputs = _symbolic_among(args, kwargs)
        self.epoch, self.count = _current[0], next(_counts)
        self.position = 0
        self.settled: dict[tuple[Origin, int], int] = {}
        self.masked = False
        self.created_at = creation_site()
        self.outputs: Any = None
        self._specs: dict[tuple[int, int], list[Any]] = {}
        if hasattr(operation, "_ef_state"):
            self.name: str = operation.name
            self._enter()
        else:
            self.name = unique_name(snake_case(op_name(operation)))

    def _enter(self) -> None:
        """Let the layer know of this call, by a weak reference: no cycle keeps a dropped model alive."""
        calls = self.operation._ef_state.calls
        self.position = len(calls)
        key = id(self)
        calls[key] = weakref.ref(self, lambda _: calls.pop(key, None))

    @property
    def serial(self) -> Serial:
        """A number that grows with time: a node's inputs always have smaller ones."""
        return self.epoch.number, self.count

    def tensors(self) -> Any:
        """The outputs as symbolic tensors, in the structure that the call returned."""
        numbers = itertools.count()
        return tree.map_structure(lambda leaf: self._tensor(leaf, next(numbers)), self.outputs)

    def _tensor(self, leaf: Any, index: int) -> Any:
        if not isinstance(leaf, Spec):
            return leaf
        return _restore(leaf.shape, leaf.dtype, self.name if not index else f"{self.name}_{index}", self, index)

    def specs_at(self, size: tuple[int, int]) -> list[Any]:
        """The leaves of the outputs at one of the sizes tried."""
        if size not in self._specs:
            for node in _ancestors_without(self, size):
                node._specs[size] = tree.flatten(_at(node, size))
        return self._specs[size]

    def __getstate__(self) -> Any:
        return None, {n: getattr(self, n) for n in self.__slots__ if n not in ("__weakref__", "_specs", "inputs")}

    def __setstate__(self, state: Any) -> None:
        for name, value in state[1].items():
            setattr(self, name, value)
        self._specs, self.inputs = {}, _symbolic_among(self.args, self.kwargs)
        if hasattr(self.operation, "_ef_state"):
            self._enter()


def _symbolic_among(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[SymbolicTensor]:
    leaves = [*tree.flatten(args), *tree.flatten(kwargs)] if kwargs else tree.flatten(args)
    return [x for x in leaves if isinstance(x, SymbolicTensor)]


def _ancestors_without(node: Node, size: tuple[int, int]) -> list[Node]:
    """The node and those before it whose shapes aren't known at `size`, inputs first."""
    found: dict[Serial, Node] = {}
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.serial not in found and size not in here._specs:
            found[here.serial] = here
            waiting += [x.node for x in here.inputs if x.node is not None]
    return [found[serial] for serial in sorted(found)]


def _concrete(x: Any, size: tuple[int, int]) -> Any:
    """A symbolic tensor as a `Spec` with all lengths known; anything else as it is."""
    if not isinstance(x, SymbolicTensor):
        return x
    if x.node is not None and (x.node.args or x.node.kwargs):
        return x.node.specs_at(size)[x.index]
    return Spec(filled(x.shape, size), x.dtype)


def _settled(x: Any, size: tuple[int, int], settled: dict[tuple[Origin, int], int]) -> Any:
    """The same, with the lengths that this call alone allows for unknown axes."""
    spec = _concrete(x, size)
    if not settled or not isinstance(x, SymbolicTensor):
        return spec
    return Spec(tuple([settled.get((x.origin, i), n) for i, n in enumerate(spec.shape)]), spec.dtype)


def _rank_of_mask(x: Any) -> int:
    """How many axes the mask has that a symbolic tensor will carry; 0 for no mask."""
    mask = getattr(x, "_keras_mask", None) if isinstance(x, SymbolicTensor) else None
    return 0 if mask is None else len(mask.shape)


def mask_ranks(node: Node) -> Any:
    """For a call that doesn't work without masks the ranks of those of its arguments, else None."""
    return tree.map_structure(_rank_of_mask, (node.args, node.kwargs)) if node.masked else None


def with_masks(arguments: Any, ranks: Any) -> Any:
    """Arguments whose `Spec`s have masks of these ranks."""
    return tree.map_structure(
        lambda x, n: Spec(x.shape, x.dtype, x.shape[:n]) if n and isinstance(x, Spec) else x, arguments, ranks
    )


def _needs_masks(node: Node) -> bool:
    """Whether a layer that takes a mask failed without the one that its inputs will have."""
    signature = getattr(getattr(node.operation, "_ef_state", None), "signature", None)
    if node.masked or signature is None or not signature.masks:
        return False
    return any(_rank_of_mask(x) for x in node.inputs)


def _at(node: Node, size: tuple[int, int]) -> Any:
    if not node.args and not node.kwargs:  # an Input
        return tree.map_structure(lambda leaf: Spec(filled(leaf.shape, size), leaf.dtype), node.outputs)
    args, kwargs = tree.map_structure(lambda x: _settled(x, size, node.settled), (node.args, node.kwargs))
    if node.masked:
        args, kwargs = with_masks((args, kwargs), mask_ranks(node))
    return infer(node.operation, args, kwargs, size)


def record(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Note the call of a layer or op on symbolic tensors, and return what it gives, symbolically.

    Raises:
        ValueError: when the results at different sizes have no common shape with unknown lengths.
    """
    args, kwargs = tree.map_structure(lambda x: x, (args, kwargs))  # the user may change lists later
    node = Node(operation, args, kwargs)
    try:
        node.outputs = _probe(node)
    except (ValueError, TypeError) as error:
        layer = _running_on_values(node)
        if layer is None:
            shorten(error)
            raise
        raise captured(layer, node.inputs[0]) from error
    return node.tensors()


def _running_on_values(node: Node) -> Any:
    """The layer that is being called on real values and mixes them with a symbolic tensor, if there is one."""
    context = current_call.get()
    mixed = any(type(x) is Tensor for x in tree.flatten(node.args))
    return context.running[-1] if context is not None and context.running and mixed else None


def _probe(node: Node) -> Any:
    """The outputs, found at the smallest pair of sizes at which the call works."""
    failure: Exception | None = None
    for small, large, settled in itertools.chain(sizes_for(node), settlings(node)):
        node.settled = settled
        try:
            with unbuilt_on_failure():
                first = _at(node, small)
                return _merged(node, first, small, large)
        except (_Unexplained, LoadLimitError):
            raise
        except Exception as error:  # noqa: BLE001 - the layer's own error, raised below unless another size works
            node._specs.clear()
            if failure is None and _needs_masks(node):
                node.masked = True
                return _probe(node)
            failure = failure or error
    assert failure is not None
    small = next(iter(sizes_for(node)))[0]
    say_symbolically(failure, [(_concrete(x, small), x) for x in node.inputs])
    if not isinstance(failure, _AtOneSize):
        failure.add_note(
            f"This happened while finding the output shape of {described_node(node)}.{hint_of(node, failure, small[0])}"
        )
    raise failure


def _merged(node: Node, first: Any, small: tuple[int, int], large: tuple[int, int]) -> Any:
    node._specs[small] = tree.flatten(first)
    if op_name(node.operation) in BY_VALUE:
        try:
            with other_values():
                return _agreed(node, first, _at(node, large), large)
        except (ValueError, IndexError):
            node._specs.pop(large, None)  # other values don't fit: the usual ones tell
    if all(None not in x.shape for x in node.inputs):
        node._specs[large] = node._specs[small]
        return first
    try:
        second = _at(node, large)
    except Exception as error:
        raise _AtOneSize(
            f"{described_node(node)} works for inputs {_inputs(node, small)} but not for {_inputs(node, large)}, "
            f"so it can't take an unknown length: {error}"[:500]
        ) from error
    return _agreed(node, first, second, large)


def _agreed(node: Node, first: Any, second: Any, large: tuple[int, int]) -> Any:
    """What describes the results at both sizes."""
    node._specs[large] = tree.flatten(second)
    if first.__class__ is Spec and second.__class__ is Spec:
        return _merge(node, first, second)
    if _shape_of_structure(first) != _shape_of_structure(second):
        raise _Unexplained(
            f"{described_node(node)} returns a different number of results for inputs of different sizes."
        )
    return tree.map_structure(lambda a, b: _merge(node, a, b), first, second)


def _shape_of_structure(structure: Any) -> Any:
    return repr(tree.map_structure(lambda leaf: 0, structure))


def _merge(node: Node, a: Any, b: Any) -> Any:
    if isinstance(a, Spec) and isinstance(b, Spec) and len(a.shape) == len(b.shape) and a.dtype == b.dtype:
        return Spec(tuple([n if n == m else None for n, m in zip(a.shape, b.shape)]), a.dtype)
    if isinstance(a, Spec) or isinstance(b, Spec):
        raise _Unexplained(
            f"{described_node(node)} gives {a} for a small input and {b} for a larger one: no one shape describes both."
        )
    if isinstance(a, int) and isinstance(b, int) and a != b:
        return None  # a length, as in ops.shape(x)
    return a


def _inputs(node: Node, size: tuple[int, int]) -> str:
    return ", ".join(str(list(_concrete(x, size).shape)) for x in node.inputs)


# How a call's result is found for inputs whose shapes are all known


def infer(operation: Any, args: Any, kwargs: Any, size: tuple[int, int] = (2, 32)) -> Any:
    """The structure of `Spec` that `operation` returns for arguments with `Spec` in place of tensors."""
    step(2)
    own = getattr(operation, "_infer", None)
    if own is not None:
        return own(args, kwargs, size)
    if (
        operation is while_loop
    ):  # how often it goes round is nobody's business here, and its variables keep their shapes
        return args[2] if len(args) > 2 else kwargs["loop_vars"]
    if operation is cond:
        return _either(*_branches(*args, **kwargs))
    # A primitive op draws no random numbers; anything else may.
    call = functools.partial(run, operation, frozen_random=not hasattr(operation, "op"))
    return on_floats(call, op_name(operation), args, kwargs, Spec)


def run(operation: Any, args: Any, kwargs: Any, frozen_random: bool = True) -> Any:
    """The same by running `operation` on arrays of these shapes, without leaving a trace."""
    room_for(operation, args, kwargs)
    result: Any = None
    for give in orders():  # matrices of ones can't be inverted
        values, named = tree.map_structure(give, (args, kwargs))
        try:
            with quiet(frozen_random):
                result = operation(*values, **named)
            break
        except numpy.linalg.LinAlgError:
            if give is varied:
                raise
    return tree.map_structure(lambda leaf: _described(operation, leaf), result)


def _branches(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> list[Any]:
    return [run(branch, (), {}) for branch in (true_fn, false_fn)]


def _either(first: Any, second: Any) -> Any:
    """What both branches of a `cond` give, for which nobody knows yet which one it will be."""
    if repr(first) != repr(second):
        raise ValueError(
            f"ops.cond of a symbolic tensor: both branches must give the same shapes and types; got {first!r} and "
            f"{second!r}."
        )
    return first


def captured(operation: Any, x: SymbolicTensor) -> CapturedError:
    """The error for a call on values which nevertheless returned a symbolic tensor."""
    name = getattr(operation, "name", op_name(operation))
    return CapturedError(
        f"{type(operation).__name__} {name!r} uses a symbolic tensor that is not among its arguments ({x!r}). "
        "Pass it when the layer is called: layer([x, y])."
    )


def _described(operation: Any, leaf: Any) -> Any:
    if isinstance(leaf, SymbolicTensor):
        raise captured(operation, leaf)
    if isinstance(leaf, Tensor):
        return Spec(leaf.shape, leaf.dtype)
    if leaf is None or isinstance(leaf, (bool, int, float, str)):
        return leaf
    if isinstance(leaf, (numpy.ndarray, numpy.generic)):
        return Spec(leaf.shape, leaf.dtype)
    raise TypeError(f"{op_name(operation)} returned {signature_of(leaf)}; expected tensors.")


@contextlib.contextmanager
def quiet(frozen_random: bool = True) -> Iterator[None]:
    """What runs inside leaves no trace: not in variables, random states, losses, tapes, or with observers."""
    with contextlib.ExitStack() as stack:
        for manager in (undone(), unobserved(), suspended(), probing(), numpy.errstate(all="ignore")):
            stack.enter_context(manager)
        if frozen_random:
            stack.enter_context(frozen())
        yield


def _answer(call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    """For composite ops: on symbolic tensors, the call is recorded as one."""
    if is_symbolic(args) or is_symbolic(kwargs):
        return True, record(call, args, kwargs)
    return False, None
