"""What a captured step is made of: references to values, and instructions that compute or change some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy

from eagerflow.capture.places import Places
from eagerflow.capture.user_code import called
from eagerflow.core.backward import fitted
from eagerflow.core.device import Device, is_array
from eagerflow.core.in_place import reads_as_stored, stored
from eagerflow.core.op_function import promoted
from eagerflow.core.primitive import Op
from eagerflow.core.tensor import Tensor

__all__ = ["Add", "Call", "Compute", "Const", "Convert", "Group", "Instruction", "Made", "Naming", "Read"]
__all__ += ["Ref", "Rule", "Slot", "same", "summed_up"]

Naming = Callable[..., str]  # the name of a constant in the source, and what it may be called
Arrays = Any  # the values of slots, by number


class Ref:
    """Where an argument comes from."""

    __slots__ = ()

    def parts_of(self) -> Sequence[Ref]:
        """The references in it."""
        return ()

    def slots(self) -> Iterator[int]:
        """The numbers of the slots that it takes."""
        for part in self.parts_of():
            yield from part.slots()

    def constants(self) -> Iterator[Any]:
        """The values in it that were there before."""
        for part in self.parts_of():
            yield from part.constants()

    def value(self, arrays: Arrays) -> Any:
        """The argument itself."""
        raise NotImplementedError

    def text(self, named: Naming) -> str:
        """The argument in Python; `named` gives the name of a constant."""
        raise NotImplementedError


class Slot(Ref):
    """A value that the step computed, or was given."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def slots(self) -> Iterator[int]:
        yield self.number

    def value(self, arrays: Arrays) -> Any:
        return arrays[self.number]

    def text(self, named: Naming) -> str:
        return f"v{self.number}"


class Const(Ref):
    """A value that was there before, or is the same in every run."""

    __slots__ = ("constant",)

    def __init__(self, constant: Any) -> None:
        self.constant = constant

    def constants(self) -> Iterator[Any]:
        yield self.constant

    def value(self, arrays: Arrays) -> Any:
        return self.constant

    def text(self, named: Naming) -> str:
        value = self.constant
        if isinstance(value, ModuleType):  # NumPy or CuPy
            return value.__name__
        return repr(value) if value is None or value.__class__ in (bool, int) else named(value)


class Group(Ref):
    """A list, tuple, dict or slice of references."""

    __slots__ = ("keys", "kind", "parts")

    def __init__(self, kind: type, parts: Sequence[Ref], keys: tuple[Any, ...] = ()) -> None:
        self.kind, self.parts, self.keys = kind, parts, keys

    def parts_of(self) -> Sequence[Ref]:
        return self.parts

    def value(self, arrays: Arrays) -> Any:
        values = [part.value(arrays) for part in self.parts]
        if issubclass(self.kind, dict):
            return self.kind(zip(self.keys, values))
        if self.kind is slice:
            return slice(*values)
        return self.kind(values) if self.kind in (list, tuple) else self.kind._make(values)  # type: ignore[attr-defined]

    def text(self, named: Naming) -> str:
        texts = [part.text(named) for part in self.parts]
        if issubclass(self.kind, dict):
            pairs = "{" + ", ".join(f"{named(key)}: {text}" for key, text in zip(self.keys, texts)) + "}"
            return pairs if self.kind is dict else f"{named(self.kind)}({pairs})"
        if self.kind is slice:
            return f"slice({', '.join(texts)})"
        if self.kind is tuple:
            return f"({''.join(text + ', ' for text in texts)})"
        listed = f"[{', '.join(texts)}]"
        return listed if self.kind is list else f"{named(self.kind)}._make({listed})"


class Made(Ref):
    """A tensor, made of a slot, its mask, and what its activation was computed from: kind, source, axis."""

    __slots__ = ("number", "parts")

    def __init__(self, number: int, mask: Ref, logits: Ref) -> None:
        self.number, self.parts = number, [Slot(number), mask, logits]

    def parts_of(self) -> Sequence[Ref]:
        return self.parts

    def value(self, arrays: Arrays) -> Any:
        array, mask, logits = [part.value(arrays) for part in self.parts]
        made = Tensor(array, None, None)
        if mask is not None:
            made.mask = mask
        if logits is not None:
            made.logits = logits
        return made

    def text(self, named: Naming) -> str:
        texts = [part.text(named) for part in self.parts]
        while texts[-1] == "None":
            texts.pop()
        return f"tensor({', '.join(texts)})"


def same(a: Ref | Instruction, b: Ref | Instruction) -> bool:
    """Whether two references or instructions are the same Python, with the same constants."""
    (mine, own), (theirs, others) = _written(a), _written(b)
    return mine == theirs and same_value(own, others)


def _written(thing: Ref | Instruction) -> tuple[str, list[Any]]:
    """The text with a mark for each constant, and the constants; of functions that have a word for them, the word."""
    constants: list[Any] = []

    def named(constant: Any, word: str = "") -> str:
        constants.append(word or constant)
        return "?"

    return thing.text(named), constants


def same_value(a: Any, b: Any) -> bool:
    """Whether two constants are the same: the very object, or equal to the last bit."""
    if a is b:
        return True
    if a.__class__ is not b.__class__:
        return False
    if isinstance(a, numpy.generic) or is_array(a):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_value(a[key], b[key]) for key in a)
    if isinstance(a, slice):
        return same_value((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)  # -0.0 isn't 0.0, and NaN is NaN
    if isinstance(a, (int, str, bytes, numpy.dtype, Device)):
        return bool(a == b)
    return isinstance(a, Tensor) and not hasattr(a, "identity") and same_value(stored(a), stored(b))


class Instruction:
    """One step of the program.

    Attributes:
        outs: the numbers of the slots that it fills.
        line: file and line of the user's code that led to it.
        places: the user's code between it and the scope around it.
        flushed: whether subnormal numbers count as zero in it.
        note: a comment behind its line.
    """

    pure = True  # whether it may be computed again for comparison
    note = ""
    outs: list[int]
    line: tuple[str, int] | None
    places: Places
    flushed: bool

    def at(self, other: Instruction) -> Any:
        """The same instruction, from the place in the user's code of another one."""
        self.line, self.places, self.flushed = other.line, other.places, other.flushed
        return self

    @property
    def name(self) -> str:
        """What to call it in messages."""
        raise NotImplementedError

    @property
    def shown(self) -> list[int]:
        """The slots that others may see."""
        return self.outs

    def refs(self) -> Iterator[Ref]:
        """What it takes."""
        return iter(())

    def taken(self) -> set[int]:
        """The numbers of the slots that it takes."""
        return {number for ref in self.refs() for number in ref.slots()}

    def call(self) -> tuple[Callable[..., Any], str, Sequence[tuple[str, Ref]]]:
        """What is called, a word for it, and what it takes, with the names of what is handed over by name."""
        raise NotImplementedError

    def left(self) -> Any:
        """The slots of what the call gives, nested as that is; None for what nobody takes."""
        return self.outs[0]

    def text(self, named: Naming) -> str:
        """Its line of Python."""
        function, word, given = self.call()
        texts = ", ".join(f"{name}={ref.text(named)}" if name else ref.text(named) for name, ref in given)
        return f"{_targets(self.left())} = {named(function, word)}({texts})"

    def compute(self, arrays: Arrays) -> list[Any]:
        """What it gives, from the values of slots."""
        function, _, given = self.call()
        named = {name: ref.value(arrays) for name, ref in given if name}
        return list(_flat(function(*[ref.value(arrays) for name, ref in given if not name], **named), self.left()))


def _targets(left: Any) -> str:
    if left is None:
        return "_"
    return f"({''.join(_targets(part) + ', ' for part in left)})" if isinstance(left, tuple) else f"v{left}"


def _flat(found: Any, left: Any) -> Iterator[Any]:
    if isinstance(left, tuple):
        for part, of in zip(found, left):
            yield from _flat(part, of)
    elif left is not None:
        yield found


def _by_position(*refs: Ref) -> list[tuple[str, Ref]]:
    return [("", ref) for ref in refs]


@dataclass(eq=False)
class Compute(Instruction):
    """An op's function on arrays.

    Attributes:
        xp: the module of the arrays: NumPy or CuPy.
        op: the op.
        arrays: its array arguments.
        settings: its other arguments.
        tracked: whether it keeps what its rules need.
        outs: slots of its outputs, and of what it saves besides, behind those of `widened`.
        extras: how many of those are saved besides.
        several: whether the outputs come as a tuple.
        widened: slots of the arrays in the type in which the op was computed, where integers met floats; else empty.
        indices: the constants in what observers get as indices; None stands for slots of the setting `index`.
        function: what is called instead of the op's own.
    """

    xp: ModuleType
    op: Op
    arrays: list[Ref]
    settings: list[Ref]
    tracked: bool
    outs: list[int]
    extras: int
    several: bool
    widened: list[int]
    indices: Sequence[Const | None] = ()
    function: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        self.outs = [*self.widened, *self.outs]

    @property
    def name(self) -> str:
        return self.op.name

    @property
    def shown(self) -> list[int]:
        """Without what is kept for the gradient's kernel, whose memory needn't be filled to its end."""
        return self.outs[: len(self.outs) - self.extras]

    def refs(self) -> Iterator[Ref]:
        yield from self.arrays
        yield from self.settings

    def passed(self) -> list[tuple[str, Ref]]:
        """The arguments in the order of the function's parameters, each with the name that it is handed over by."""
        op, found = self.op, list[tuple[str, Ref]]()
        of = dict(zip((*op.arrays, *op.settings), (*self.arrays, *self.settings), strict=True))
        for parameter in op.parameters.values():
            if parameter.name == "keep":
                found.append(("keep", Const(self.tracked)))
            elif parameter.name != "xp":
                by_name = parameter.kind is parameter.KEYWORD_ONLY
                found.append((parameter.name if by_name else "", of[parameter.name]))
        return found

    def call(self) -> tuple[Callable[..., Any], str, Sequence[tuple[str, Ref]]]:
        function, xp = self.function or self.op.forward, Const(self.xp)
        if self.widened:
            given = Group(tuple, self.arrays), Group(tuple, self.settings)
            return promoted, "promoted", _by_position(Const(function), xp, *given)
        return function, self.op.name, [("", xp), *self.passed()]

    def left(self) -> Any:
        cut = len(self.outs) - self.extras
        if self.several and not self.widened:
            parts = tuple(self.outs[:cut])
            return (parts, *self.outs[cut:]) if self.extras else parts
        return tuple(self.outs) if len(self.outs) > 1 else self.outs[0]


class Convert(Instruction):
    """A function of one value: integers to floats, an array to another type."""

    def __init__(self, function: Callable[..., Any], source: Ref, out: int, *settings: Any) -> None:
        self.function, self.source, self.settings, self.outs = function, source, settings, [out]

    @property
    def name(self) -> str:
        return self.function.__name__.strip("_")

    def refs(self) -> Iterator[Ref]:
        yield self.source

    def call(self) -> tuple[Callable[..., Any], str, Sequence[tuple[str, Ref]]]:
        return self.function, "", _by_position(self.source, *map(Const, self.settings))


class Launch(Instruction):
    """A CUDA graph, which stands for many instructions."""

    def __init__(self, graph: Callable[..., Any], number: int, taken: Sequence[int], given: Sequence[int]) -> None:
        self.graph, self.number, self.takes, self.outs = graph, number, taken, list(given)

    def refs(self) -> Iterator[Ref]:
        yield from map(Slot, self.takes)

    def call(self) -> tuple[Callable[..., Any], str, Sequence[tuple[str, Ref]]]:
        return self.graph, f"graph_{self.number}", _by_position(*self.refs())

    def left(self) -> Any:
        return tuple(self.outs) or None


@dataclass(eq=False)
class Rule(Instruction):
    """A backward rule: from the gradient of an op's output to those of its arrays.

    Attributes:
        xp: the module of the arrays: NumPy or CuPy.
        op: the op.
        g: the gradient that arrives, or a tuple of them.
        saved: what the op kept.
        shapes: the shapes of its arrays.
        needs: for joint rules, which gradients are wanted.
        found: the slots of gradients, None where there is none.
        forward: what ran on the way there.
        fits: for each gradient the shape to which it may have to be summed, over axes that broadcasting stretched.
    """

    xp: ModuleType
    op: Op
    g: Ref
    saved: list[Ref]
    shapes: Any
    needs: tuple[bool, ...]
    found: list[int | None]
    forward: Compute
    fits: Sequence[Any]

    def __post_init__(self) -> None:
        self.outs = [n for n in self.found if n is not None]
        pulls, fits = self.op.pulls, self.fits
        if not self.op.joint:
            pulls, fits = zip(*[each for *each, n in zip(pulls, fits, self.found) if n is not None])
        alone = len(pulls) == 1 and all(shape is None for shape in fits)
        self.is_listed = self.op.joint or not alone
        self.function = pulls[0] if alone else partial(_all_of, pulls, fits)

    @property
    def name(self) -> str:
        return f"the gradient of {self.op.name}"

    def refs(self) -> Iterator[Ref]:
        yield self.g
        yield from self.saved

    def call(self) -> tuple[Callable[..., Any], str, Sequence[tuple[str, Ref]]]:
        nothing, word = Const(None), f"{self.op.name}_gradient"
        record = Group(tuple, [nothing, nothing, nothing, Const(self.shapes), Group(tuple, self.saved)])
        needs = Const(self.needs) if self.op.joint else nothing
        return self.function, word, _by_position(Const(self.xp), self.g, record, needs)

    def left(self) -> Any:
        if self.op.joint:
            return tuple(self.found)
        return tuple(self.outs) if self.is_listed else self.outs[0]


def _all_of(
    pulls: Sequence[Callable[..., Any]], fits: Sequence[Any], xp: ModuleType, g: Any, record: Any, needs: Any
) -> list[Any]:
    """What rules give, in the shapes of what it is the gradient of."""
    found = [pull(xp, g, record, None) for pull in pulls] if needs is None else pulls[0](xp, g, record, needs)
    return [gx if shape is None else fitted(gx, shape) for gx, shape in zip(found, fits)]


class Add(Instruction):
    """The sum of two gradients; in the memory of the first, where that is ours."""

    def __init__(
        self, xp: ModuleType, add: Callable[..., Any], first: Ref, second: Ref, out: int, in_place: bool
    ) -> None:
        self.xp, self.add, self.first, self.second, self.in_place, self.outs = xp, add, first, second, in_place, [out]

    @property
    def name(self) -> str:
        return "the sum of gradients"

    def refs(self) -> Iterator[Ref]:
        yield self.first
        yield self.second

    def text(self, named: Naming) -> str:
        first, second, out = self.first.text(named), self.second.text(named), f"v{self.outs[0]}"
        if self.in_place:
            return f"{first} += {second}; {out} = {first}"
        return f"{out} = {named(self.add)}({self.xp.__name__}, {first}, {second})"

    def compute(self, arrays: Arrays) -> list[Any]:
        return [summed_up(self.xp, self.add, self.first.value(arrays), self.second.value(arrays), self.in_place)]


def summed_up(xp: ModuleType, add: Callable[..., Any], first: Any, second: Any, in_place: bool) -> Any:
    """The sum of two gradients as a new array, which lies as the first does where the sum is to be in its memory."""
    if not in_place or not is_array(first):
        return add(xp, first, second)
    total = first.copy(order="K")
    total += second
    return total


class Read(Instruction):
    """The values of a variable, as they are now."""

    pure = False

    def __init__(self, variable: Any, out: int) -> None:
        self.variable, self.outs = variable, [out]

    @property
    def name(self) -> str:
        return f"reading {self.variable.path}"

    def text(self, named: Naming) -> str:
        name = named(self.variable)  # were it read as `stored`, another thread might be writing to it
        return f"v{self.outs[0]} = " + (f"{name}.data" if reads_as_stored(self.variable) else f"settled({name})")


class Call(Instruction):
    """A call of Python that is made again: an optimizer's step, a draw, an assignment.

    Args:
        function: what is called.
        args: a group of its arguments.
        kwargs: a group of those by name.
        outs: slots of the tensors and arrays in what it gives, in the order of `leaves`.
        leaves: takes the arrays out of what it gives.
    """

    pure = False

    def __init__(
        self, function: Callable[..., Any], args: Group, kwargs: Group, outs: list[int], leaves: Callable[[Any], Any]
    ) -> None:
        self.function, self.args, self.kwargs, self.leaves, self.outs = function, args, kwargs, leaves, outs

    @property
    def name(self) -> str:
        return called(self.function)

    def refs(self) -> Iterator[Ref]:
        yield self.args
        yield self.kwargs

    def text(self, named: Naming) -> str:
        given = [part.text(named) for part in self.args.parts]
        given += [f"{key}={part.text(named)}" for key, part in zip(self.kwargs.keys, self.kwargs.parts)]
        call = f"{named(self.function)}({', '.join(given)})"
        return f"{_targets(tuple(self.outs))} = {named(self.leaves)}({call})" if self.outs else call
