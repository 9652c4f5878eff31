"""What a captured step is made of: references to values, and instructions that compute or change some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy

from eagerflow.capture.hearing.named import called
from eagerflow.capture.places import Places
from eagerflow.core.device import Device, is_array
from eagerflow.core.in_place import reads_as_stored, stored
from eagerflow.core.op_function import promoted
from eagerflow.core.primitive import Op
from eagerflow.core.tensor import Tensor

__all__ = ["Add", "Call", "Compute", "Const", "Convert", "Group", "Instruction", "Known", "Made", "Read", "Ref", "Rule"]
__all__ += ["Naming", "Slot", "Unbroadcast", "array_of", "same_value"]

Naming = Callable[..., str]  # the name of a constant in the source, and what it may be called
Arrays = list[Any]  # the values of slots, by number


class Ref:
    """Where an argument comes from."""

    __slots__ = ()

    def slots(self) -> Iterator[int]:
        """The numbers of the slots that it takes."""
        return iter(())

    def constants(self) -> Iterator[Any]:
        """The values in it that were there before."""
        return iter(())

    def value(self, arrays: Arrays) -> Any:
        """The argument itself."""
        raise NotImplementedError

    def text(self, named: Naming) -> str:
        """The argument in Python; `named` gives the name of a constant."""
        raise NotImplementedError

    def same(self, other: Any) -> bool:
        """Whether another one means the same."""
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

    def same(self, other: Any) -> bool:
        return other.__class__ is Slot and other.number == self.number


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
        return repr(value) if value is None or value.__class__ in (bool, int) else named(value)

    def same(self, other: Any) -> bool:
        return other.__class__ is Const and same_value(self.constant, other.constant)


class Made(Ref):
    """A tensor, made of a slot for a function that wants one; `key` names the key that a tape around knows it by."""

    __slots__ = ("key", "logits", "mask", "number")

    def __init__(
        self, number: int, mask: Ref | None, logits: tuple[str, Ref, int] | None, key: str | None = None
    ) -> None:
        self.number, self.mask, self.logits, self.key = number, mask, logits, key

    def slots(self) -> Iterator[int]:
        yield self.number
        if self.mask is not None:
            yield from self.mask.slots()
        if self.logits is not None:
            yield from self.logits[1].slots()

    def value(self, arrays: Arrays) -> Any:
        made = Tensor(arrays[self.number], None, None)
        if self.mask is not None:
            made.mask = self.mask.value(arrays)
        if self.logits is not None:
            kind, source, axis = self.logits
            made.logits = (kind, source.value(arrays), axis)
        return made

    def text(self, named: Naming) -> str:
        given = [f"v{self.number}"]
        if self.mask is not None or self.logits is not None:
            given.append("None" if self.mask is None else self.mask.text(named))
        if self.logits is not None:
            kind, source, axis = self.logits
            given.append(f"({kind!r}, {source.text(named)}, {axis!r})")
        if self.key is not None:
            given.append(f"key={self.key}")
        return f"tensor({', '.join(given)})"

    def same(self, other: Any) -> bool:
        if not isinstance(other, Made) or (other.number, other.key) != (self.number, self.key):
            return False
        if (self.logits is None) != (other.logits is None) or (self.mask is None) != (other.mask is None):
            return False
        if self.mask is not None and not self.mask.same(other.mask):
            return False
        mine, theirs = self.logits, other.logits
        if mine is None or theirs is None:
            return mine is theirs
        return mine[0] == theirs[0] and mine[1].same(theirs[1]) and mine[2] == theirs[2]


class Group(Ref):
    """A list, tuple, dict or slice of references."""

    __slots__ = ("keys", "kind", "parts")

    def __init__(self, kind: type, parts: Sequence[Ref], keys: tuple[Any, ...] = ()) -> None:
        self.kind, self.parts, self.keys = kind, parts, keys

    def slots(self) -> Iterator[int]:
        for part in self.parts:
            yield from part.slots()

    def constants(self) -> Iterator[Any]:
        for part in self.parts:
            yield from part.constants()

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
        if self.kind not in (list, tuple, slice):
            return f"{named(self.kind)}._make([{', '.join(texts)}])"
        if self.kind is slice:
            return f"slice({', '.join(texts)})"
        return f"[{', '.join(texts)}]" if self.kind is list else f"({''.join(text + ', ' for text in texts)})"

    def same(self, other: Any) -> bool:
        return (
            other.__class__ is Group
            and (other.kind, other.keys, len(other.parts)) == (self.kind, self.keys, len(self.parts))
            and all(a.same(b) for a, b in zip(self.parts, other.parts))
        )


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
    if isinstance(a, (int, str, bytes, numpy.dtype, Device, type(None), type(Ellipsis))):
        return bool(a == b)
    if isinstance(a, Tensor):
        return same_value(stored(a), stored(b)) and not hasattr(a, "identity")
    return False


class Instruction:
    """One step of the program.

    Attributes:
        outs: the numbers of the slots that it fills.
        line: file and line of the user's code that led to it.
        places: the user's code between it and the scope around it.
        flushed: whether subnormal numbers count as zero in it.
    """

    __slots__ = ("flushed", "line", "outs", "places")
    pure = True  # whether it may be computed again for comparison

    outs: list[int]
    line: tuple[str, int] | None
    places: Places
    flushed: bool

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
        raise NotImplementedError

    def taken(self) -> set[int]:
        """The numbers of the slots that it takes."""
        return {number for ref in self.refs() for number in ref.slots()}

    def text(self, named: Naming) -> str:
        """Its line of Python."""
        raise NotImplementedError

    def compute(self, arrays: Arrays) -> list[Any]:
        """What it gives, from the values of slots."""
        raise NotImplementedError

    def same(self, other: Any) -> bool:
        """Whether another one is the same step."""
        if other.__class__ is not self.__class__ or other.outs != self.outs or not self._alike(other):
            return False
        return all(a.same(b) for a, b in zip(self.refs(), other.refs(), strict=True))

    def _alike(self, other: Any) -> bool:
        """The same, references apart."""
        return True


class Compute(Instruction):
    """An op's function on arrays.

    Args:
        xp: the module of the arrays: NumPy or CuPy.
        op: the op.
        arrays: its array arguments.
        settings: its other arguments.
        tracked: whether it keeps what its rules need.
        outs: slots of its outputs, and of what it saves besides.
        extras: how many of those are saved besides.
        several: whether the outputs come as a tuple.
        widened: slots of the arrays in the type in which the op was computed, where integers met floats; else empty.

    Attributes:
        taped: the record that it leaves on a tape around the step, if it does.
        settled: what is called instead of the op's function, where shapes and types say that.
        called: what errors call it, where that isn't the op.
        indices: of what observers are told as indices, the constants; None stands for slots of the setting `index`.
    """

    __slots__ = tuple("arrays called extras indices op settled several settings taped tracked widened xp".split())

    def __init__(
        self,
        xp: ModuleType,
        op: Op,
        arrays: list[Ref],
        settings: list[Ref],
        tracked: bool,
        outs: list[int],
        extras: int,
        several: bool,
        widened: list[int],
    ) -> None:
        self.xp, self.op, self.arrays, self.settings, self.tracked = xp, op, arrays, settings, tracked
        self.extras, self.several, self.widened = extras, several, widened
        self.outs = [*widened, *outs]
        self.taped: Any = None
        self.settled: Callable[..., Any] | None = None
        self.called: str | None = None
        self.indices: Sequence[Const | None] = ()

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

    def _alike(self, other: Any) -> bool:
        if (self.taped is None) != (other.taped is None) or (
            self.taped is not None and not self.taped.same(other.taped)
        ):
            return False
        return (other.xp, other.op) == (self.xp, self.op) and (other.tracked, other.extras, other.several) == (
            self.tracked,
            self.extras,
            self.several,
        )

    def passed(self) -> Iterator[tuple[str, Ref]]:
        """The arguments in the order of the function's parameters, each with the name that it is handed over by."""
        op = self.op
        of = dict(zip((*op.arrays, *op.settings), (*self.arrays, *self.settings), strict=True))
        for parameter in op.parameters.values():
            if parameter.name == "xp":
                continue
            ref = Const(self.tracked) if parameter.name == "keep" else of[parameter.name]
            keyword = parameter.kind is parameter.KEYWORD_ONLY or parameter.name == "keep"
            yield (parameter.name if keyword else ""), ref

    def text(self, named: Naming) -> str:
        function = named(self._function(), self.op.name)
        passed = [ref.text(named) for ref in (*self.arrays, *self.settings)]
        if self.widened:
            count = len(self.arrays)
            groups = f"({''.join(p + ', ' for p in passed[:count])}), ({''.join(p + ', ' for p in passed[count:])})"
            return f"{self._left()} = {named(promoted)}({function}, {self.xp.__name__}, {groups})"
        given = ", ".join(f"{name}={ref.text(named)}" if name else ref.text(named) for name, ref in self.passed())
        return f"{self._left()} = {function}({self.xp.__name__}, {given})"

    def _left(self) -> str:
        names = [f"v{n}" for n in self.outs]
        if self.several:
            cut = len(names) - self.extras
            parts = f"({''.join(n + ', ' for n in names[:cut])})"
            return ", ".join([parts, *names[cut:]]) if self.extras else parts
        return ", ".join(names)

    def _function(self) -> Callable[..., Any]:
        return self.op.forward if self.settled is None else self.settled

    def compute(self, arrays: Arrays) -> list[Any]:
        function = self._function()
        if self.widened:
            given = tuple([ref.value(arrays) for ref in self.arrays])
            return list(promoted(function, self.xp, given, tuple([ref.value(arrays) for ref in self.settings])))
        positional = [ref.value(arrays) for name, ref in self.passed() if not name]
        found = function(self.xp, *positional, **{name: ref.value(arrays) for name, ref in self.passed() if name})
        if self.several:
            return [*(found[0] if self.extras else found), *(found[1:] if self.extras else ())]
        return list(found) if self.extras else [found]


class Convert(Instruction):
    """A function of one value: integers to floats, an array to another type."""

    __slots__ = ("function", "settings", "source")

    def __init__(self, function: Callable[..., Any], source: Ref, out: int, *settings: Any) -> None:
        self.function, self.source, self.settings, self.outs = function, source, settings, [out]

    @property
    def name(self) -> str:
        return self.function.__name__.strip("_")

    def refs(self) -> Iterator[Ref]:
        yield self.source

    def _alike(self, other: Any) -> bool:
        return other.function is self.function and same_value(other.settings, self.settings)

    def text(self, named: Naming) -> str:
        given = "".join(f", {named(s)}" for s in self.settings)
        return f"v{self.outs[0]} = {named(self.function)}({self.source.text(named)}{given})"

    def compute(self, arrays: Arrays) -> list[Any]:
        return [self.function(self.source.value(arrays), *self.settings)]


class Rule(Instruction):
    """A backward rule: from the gradient of an op's output to those of its arrays.

    Args:
        xp: the module of the arrays: NumPy or CuPy.
        op: the op.
        g: the gradient that arrives, or a tuple of them.
        saved: what the op kept.
        shapes: the shapes of its arrays.
        needs: for joint rules, which gradients are wanted.
        found: the slots of gradients, None where there is none.
        forward: what ran on the way there.

    Attributes:
        settled: what is called instead of a joint rule, where shapes and types say that.
        likes: shapes and types of what the op kept, None for what is no array; empty where nobody says.
    """

    __slots__ = ("forward", "found", "g", "likes", "needs", "op", "saved", "settled", "shapes", "xp")

    def __init__(
        self,
        xp: ModuleType,
        op: Op,
        g: Ref,
        saved: list[Ref],
        shapes: Any,
        needs: tuple[bool, ...],
        found: list[int | None],
        forward: Compute,
    ) -> None:
        self.xp, self.op, self.g, self.saved, self.shapes = xp, op, g, saved, shapes
        self.needs, self.found, self.forward = needs, found, forward
        self.settled: Callable[..., Any] | None = None
        self.likes: list[tuple[tuple[int, ...], numpy.dtype[Any]] | None] = []
        self.outs = [n for n in found if n is not None]

    @property
    def name(self) -> str:
        return f"the gradient of {self.op.name}"

    def refs(self) -> Iterator[Ref]:
        yield self.g
        yield from self.saved

    def _alike(self, other: Any) -> bool:
        mine, theirs = (self.needs, self.found, self.shapes), (other.needs, other.found, other.shapes)
        return (other.xp, other.op) == (self.xp, self.op) and bool(mine == theirs)

    def text(self, named: Naming) -> str:
        kept = "".join(f"{ref.text(named)}, " for ref in self.saved)
        record = f"(None, None, None, {named(self.shapes)}, ({kept}))"
        g, xp = self.g.text(named), self.xp.__name__
        if self.op.joint:
            left = ", ".join("_" if n is None else f"v{n}" for n in self.found)
            comma = "," if len(self.found) == 1 else ""
            return f"{left}{comma} = {self._pull(named, 0)}({xp}, {g}, {record}, {self.needs!r})"
        if len(self.outs) == 1:
            which = next(i for i, n in enumerate(self.found) if n is not None)
            return f"v{self.outs[0]} = {self._pull(named, which)}({xp}, {g}, {record}, None)"
        lines = [f"record = {record}"]
        for which, n in enumerate(self.found):
            if n is not None:
                lines.append(f"v{n} = {self._pull(named, which)}({xp}, {g}, record, None)")
        return "; ".join([*lines, "record = None"])

    def _pull(self, named: Naming, which: int) -> str:
        return named(self._rule(which), f"{self.op.name}_gradient")

    def _rule(self, which: int) -> Callable[..., Any]:
        return self.op.pulls[which] if self.settled is None else self.settled

    def compute(self, arrays: Arrays) -> list[Any]:
        record = (None, None, None, self.shapes, tuple([ref.value(arrays) for ref in self.saved]))
        g = self.g.value(arrays)
        if self.op.joint:
            found = self._rule(0)(self.xp, g, record, self.needs)
            return [gx for gx, n in zip(found, self.found) if n is not None]
        wanted = zip(self.op.pulls, self.found)
        return [pull(self.xp, g, record, None) for pull, n in wanted if n is not None]  # type: ignore[arg-type]


class Unbroadcast(Convert):
    """A gradient, summed over the axes that broadcasting stretched."""

    __slots__ = ()


class Add(Instruction):
    """The sum of two gradients; in the memory of the first, where that is ours."""

    __slots__ = ("add", "first", "in_place", "second", "xp")

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


class Known(Instruction):
    """What an instruction gives in every replay.

    Args:
        instead: that instruction.
        out: one of its slots.
        value: what is there.
    """

    __slots__ = ("instead", "value")

    def __init__(self, instead: Instruction, out: int, value: Any) -> None:
        self.instead, self.value, self.outs = instead, value, [out]
        self.line, self.places, self.flushed = instead.line, instead.places, instead.flushed

    @property
    def name(self) -> str:
        return self.instead.name

    def refs(self) -> Iterator[Ref]:
        return iter(())

    def _is_copied(self) -> bool:
        """Whether each replay needs a copy: a rule may work in its memory."""
        return isinstance(self.value, numpy.ndarray) and self.value.flags.writeable

    def text(self, named: Naming) -> str:
        return f"v{self.outs[0]} = {named(self.value, 'known')}{'.copy()' if self._is_copied() else ''}"

    def given(self) -> Any:
        """The value for one replay."""
        return self.value.copy() if self._is_copied() else self.value


def array_of(variable: Any, named: Naming) -> str:
    """The array of a variable in Python; were it asked for as `stored`, another thread might be writing to it."""
    name = named(variable)
    return f"{name}.data" if reads_as_stored(variable) else f"settled({name})"


class Read(Instruction):
    """The values of a variable, as they are now."""

    __slots__ = ("variable",)
    pure = False

    def __init__(self, variable: Any, out: int) -> None:
        self.variable, self.outs = variable, [out]

    @property
    def name(self) -> str:
        return f"reading {self.variable.path}"

    def refs(self) -> Iterator[Ref]:
        return iter(())

    def _alike(self, other: Any) -> bool:
        return other.variable is self.variable

    def text(self, named: Naming) -> str:
        return f"v{self.outs[0]} = {array_of(self.variable, named)}"


class Call(Instruction):
    """A call of Python that is made again: an optimizer's step, a draw, an assignment.

    Args:
        function: what is called.
        args: a group of its arguments.
        kwargs: a group of those by name.
        outs: slots of the tensors and arrays in what it gives, in the order of `leaves`.
        leaves: takes the arrays out of what it gives.
    """

    __slots__ = ("args", "function", "kwargs", "leaves")
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

    def _alike(self, other: Any) -> bool:
        return other.function is self.function

    def text(self, named: Naming) -> str:
        given = [part.text(named) for part in self.args.parts]
        given += [f"{key}={part.text(named)}" for key, part in zip(self.kwargs.keys, self.kwargs.parts)]
        call = f"{named(self.function)}({', '.join(given)})"
        if not self.outs:
            return call
        left = ", ".join(f"v{n}" for n in self.outs)
        return f"{left}{',' if len(self.outs) == 1 else ''} = {named(self.leaves)}({call})"
