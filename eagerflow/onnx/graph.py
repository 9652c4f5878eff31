"""The graph that is written: nodes, constants, and values with their lengths at several sizes of the inputs.

Images are kept with the channels where the last node left them: a value may have a name with the channels last, one
with the channels first, or both, and a transpose is added only when somebody asks for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

__all__ = ["Graph", "Lengths", "Node", "Value"]

# A length at each of the sizes that were run.
Lengths = tuple[int, ...]


class Node(NamedTuple):
    """One node: its kind, names of inputs ("" for a missing one) and outputs, attributes, and its own name."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    name: str


class Value:
    """A tensor that depends on the inputs.

    Attributes:
        shape: for each axis its lengths.
        dtype: NumPy's type.
        last: its name with the channels last, as the program has it; "" where no node made that.
        first: its name with the channels moved to axis 1; "" where no node made that.
        is_first: whether it was made with the channels first, so that nodes behind it should have them there, too.
    """

    def __init__(self, shape: Sequence[Lengths], dtype: Any, last: str = "", first: str = "") -> None:
        self.shape, self.dtype = tuple(shape), numpy.dtype(dtype)
        self.last, self.first = last, first
        self.is_first = bool(first) and not last

    @property
    def rank(self) -> int:
        return len(self.shape)

    def moved(self, axis: int) -> int:
        """Where an axis of the program stands with the channels first."""
        axis %= self.rank
        return 0 if axis == 0 else 1 if axis == self.rank - 1 else axis + 1

    def known(self, axis: int) -> int | None:
        """The length of an axis, None where it changes."""
        found = self.shape[axis]
        return found[0] if len(set(found)) == 1 else None


class Graph:
    """Collects nodes.

    Attributes:
        nodes: in the order of their execution.
        constants: arrays by name.
        inputs, outputs: names, with the values they stand for.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[Node] = []
        self.constants: dict[str, Any] = {}
        self.inputs: dict[str, Value] = {}
        self.outputs: dict[str, Value] = {}
        self.path = ""  # of the layer that nodes are named by
        self._names: dict[str, int] = {}
        self._same: dict[Any, str] = {}
        self._weights: dict[tuple[int, str], tuple[str, Any]] = {}  # by identity, which lasts while they are kept here
        self._sources: dict[Lengths, tuple[str, int]] = {}  # where a length can be read off, and how

    # ------------------------------------------------------------------ names, nodes, constants

    def name(self, wanted: str) -> str:
        """A name that nothing else has."""
        count = self._names[wanted] = self._names.get(wanted, 0) + 1
        return wanted if count == 1 else self.name(f"{wanted}_{count}")

    def node(self, kind: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; the name of its output, or a list of several."""
        name = self.name(f"{self.path}/{kind}" if self.path else kind)
        made = [self.name(f"{name}:{i}" if outputs > 1 else f"{name}:0") for i in range(outputs)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(Node(kind, list(inputs), made, given, name))
        return made[0] if outputs == 1 else made

    def constant(self, array: Any, name: str = "") -> str:
        """The name of an array; small equal ones share one."""
        array = numpy.asarray(array)
        key = None if name or array.nbytes > 1024 else (array.dtype.str, array.shape, array.tobytes())
        if key is not None and key in self._same:
            return self._same[key]
        made = self.name(name or "constant")
        self.constants[made] = array
        if key is not None:
            self._same[key] = made
        return made

    def weight(self, source: Any, name: str, use: str = "", arranged: Callable[[Any], Any] | None = None) -> str:
        """The name of a weight, or of what is arranged of it for a use; each is there once, however often used."""
        key = id(source), use
        if key not in self._weights:
            wanted = name if arranged is None else f"{name}:onnx"
            self._weights[key] = self.constant(source if arranged is None else arranged(source), wanted), source
        return self._weights[key][0]

    def integers(self, numbers: Sequence[int]) -> str:
        """A list of 64-bit integers, such as axes."""
        return self.constant(numpy.array(list(numbers), dtype=numpy.int64))

    # ------------------------------------------------------------------ layouts

    def last(self, value: Value) -> str:
        """The name of a value with the channels last."""
        if not value.last:
            value.last = self._moved(value, value.first, [0, *range(2, value.rank), 1], value.shape)
        return value.last

    def first(self, value: Value) -> str:
        """The name of a value with the channels on axis 1."""
        if not value.first:
            rank = value.rank
            order = [0, rank - 1, *range(1, rank - 1)]
            value.first = self._moved(value, value.last, order, [value.shape[i] for i in order])
        return value.first

    def _moved(self, value: Value, name: str, order: list[int], shape: Sequence[Lengths]) -> str:
        inner = [value.known(i) for i in range(1, value.rank - 1)]
        channels = value.known(value.rank - 1)
        if channels is not None and all(length == 1 for length in inner):  # nothing moves in memory
            lengths = [0, *[(set(length) == {1} and 1) or channels for length in shape[1:]]]
            return str(self.node("Reshape", [name, self.integers(lengths)]))
        return str(self.node("Transpose", [name], perm=order))

    # ------------------------------------------------------------------ lengths

    def remember(self, value: Value) -> None:
        """Lengths of this value that no other had can be read off it from now on."""
        for axis, lengths in enumerate(value.shape):
            if len(set(lengths)) > 1 and lengths not in self._sources:
                if value.last:
                    self._sources[lengths] = value.last, axis
                elif value.first:
                    self._sources[lengths] = value.first, 0 if axis == 0 else 1 if axis == value.rank - 1 else axis + 1

    def length(self, lengths: Lengths) -> str | None:
        """The name of a list of one integer: a length that changes; None where it can't be found."""
        if len(set(lengths)) == 1:
            return self.integers(lengths[:1])
        if lengths in self._sources:
            name, axis = self._sources[lengths]
            return str(self.node("Shape", [name], start=axis, end=axis + 1))
        for by in (self._from, self._half):
            for known in list(self._sources):
                found = by(known, lengths)
                if found is not None:
                    return found
        return self._product(lengths)

    def _from(self, known: Lengths, wanted: Lengths) -> str | None:
        """`wanted` as `a * known + b`, which must hold at all sizes."""
        pairs = sorted(set(zip(known, wanted)))
        if len(pairs) < 2 or len({x for x, _ in pairs}) < len(pairs):
            return None
        (x0, y0), (x1, y1) = pairs[:2]
        a, rest = divmod(y1 - y0, x1 - x0)
        b = y0 - a * x0
        if rest or any(y != a * x + b for x, y in pairs):
            return None
        name = self.length(known)
        assert name is not None
        if a != 1:
            name = str(self.node("Mul", [name, self.integers([a])]))
        return str(self.node("Add", [name, self.integers([b])])) if b else name

    def _half(self, known: Lengths, wanted: Lengths) -> str | None:
        """`wanted` as `a * ((known + c) // 2) + b`; open lengths are an odd and an even one, so only one `c` fits."""
        pairs = sorted(set(zip(known, wanted)))
        if len(pairs) != 2 or (pairs[1][0] - pairs[0][0]) % 2 == 0 or pairs[1][0] - pairs[0][0] < 5:
            return None
        for a, c in ((1, 0), (1, 1), (-1, 0), (-1, 1), (2, 0), (2, 1)):
            halves = [(x + c) // 2 for x, _ in pairs]
            b = pairs[0][1] - a * halves[0]
            if pairs[1][1] != a * halves[1] + b:
                continue
            name = self.length(known)
            assert name is not None
            for kind, number, needed in (("Add", 1, c), ("Div", 2, True), ("Mul", a, a != 1), ("Add", b, b)):
                name = str(self.node(kind, [name, self.integers([number])])) if needed else name
            return name
        return None

    def _product(self, wanted: Lengths) -> str | None:
        sources = list(self._sources)
        for i, one in enumerate(sources):
            for other in sources[i:]:
                products = [a * b for a, b in zip(one, other)]
                if all(p and w % p == 0 for p, w in zip(products, wanted)):
                    factors = {w // p for p, w in zip(products, wanted)}
                    if len(factors) == 1:
                        names = [self.length(one), self.length(other)]
                        found = str(self.node("Mul", [name for name in names if name is not None]))
                        factor = factors.pop()
                        return found if factor == 1 else str(self.node("Mul", [found, self.integers([factor])]))
        return None

    def shape(self, lengths: Sequence[Lengths]) -> str | None:
        """The name of a list of integers: a shape, some of whose lengths change; None where one can't be found."""
        if all(len(set(each)) == 1 for each in lengths):
            return self.integers([each[0] for each in lengths])
        parts = [self.length(each) for each in lengths]
        return None if None in parts else str(self.node("Concat", [p for p in parts if p is not None], axis=0))

    # ------------------------------------------------------------------ at the end

    def prune(self) -> None:
        """Leave out nodes and constants that no output needs."""
        needed = {value.last for value in self.outputs.values()} | set(self.outputs)
        kept = []
        for node in reversed(self.nodes):
            if not needed.isdisjoint(node.outputs):
                kept.append(node)
                needed.update(node.inputs)
        self.nodes = kept[::-1]
        self.constants = {name: array for name, array in self.constants.items() if name in needed}
