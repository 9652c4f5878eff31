"""What `viz.find_nonfinite` finds, and the error that carries it."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Any

from viz.facts import formatting
from viz.facts.digest.excerpt import part_of
from viz.facts.json_data import finite
from viz.facts.schema import Frame, Record
from viz.facts.text_table import Columns, Text
from viz.nonfinite.examples import Example
from viz.picture.drawing import Drawing
from viz.recording import Recording

__all__ = ["Example", "Nonfinite", "NonfiniteError", "NonfiniteWarning", "TensorFacts"]


_HEADS = ("", "name", "shape", "min", "max", "mean", "std", "not finite")


@dataclasses.dataclass(slots=True)
class TensorFacts:
    """One tensor that the op read or made.

    Attributes:
        name: the parameter it was given for, `"output"`, or `"g"` for an arriving gradient.
        tensor: its id in the recording.
        role, path: what it is, and the path of a variable.
        shape, dtype: the lengths of its axes and its type.
        min, max, mean, std: over its finite elements; None where they weren't measured.
        nan, inf: how many elements are NaN or infinite.
        measured: whether its elements were looked at.
    """

    name: str
    tensor: int
    role: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    nan: int = 0
    inf: int = 0
    measured: bool = True


@dataclasses.dataclass(repr=False)
class Nonfinite:
    """Where NaN or infinity began: the op that made it from finite numbers, or the data or weight with it.

    Attributes:
        kind: `"op"` (an op made NaN or infinity), `"data"` or `"weight"` (they were there before).
        op, phase, op_id: the op's name, phase and id in `recording`. For backward ops, the forward op's name.
        part: of a fused op, the part of it that made them, where that is known; else "".
        layer: the path of the layer; for backward ops that of the forward op.
        source, stack: your line, and the lines that called it, innermost first.
        step: the number of the training step, or None.
        culprit: for data and weights, their name.
        where, rows: for data of `fit`, which rows of the whole array aren't finite, in words, and their numbers (at
            most 10).
        inputs, outputs: what the op read and made.
        examples: some elements that aren't finite, with what they were computed from, where values are known.
        fix: what usually helps.
        recording: the recording in which it was found.

    >>> import eagerflow as ef
    >>> import viz
    >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
    >>> found.kind, found.op, found.outputs[0].inf, found.examples[0].inputs
    ('op', 'log', 1, {'x': 0.0})
    """

    kind: str
    op: str
    phase: str
    op_id: int
    layer: str
    source: Frame | None
    stack: tuple[Frame, ...]
    step: int | None
    culprit: str
    inputs: list[TensorFacts]
    outputs: list[TensorFacts]
    examples: list[Example]
    fix: str
    part: str = ""
    where: str = ""
    rows: tuple[int, ...] = ()
    recording: Recording = dataclasses.field(compare=False, kw_only=True)

    @property
    def message(self) -> str:
        """What happened, in one or two sentences of at most 500 characters.

        >>> import viz
        >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
        >>> print(found.message)
        log made 1 infinite of 2 elements from finite numbers, ... For example x = 0 → -inf at [1]. Fix: ...
        """
        layer = f" in {formatting.clean(self.layer, 80)!r}" if self.layer else ""
        line = f", {formatting.clean(formatting.place(self.source), 120)}" if self.source is not None else ""
        what = f"{_happened(self)}{layer}{_step(self)}{line}."
        if self.examples:
            what += f" For example {_example(self.examples[0], formatting.clean(self.culprit, 40))}."
        fix = f" Fix: {self.fix}."
        return what[:498] + "…" if len(what) > 499 else what + fix if len(what + fix) <= 500 else what

    @property
    def text(self) -> Text:
        """All details as text.

        >>> import viz
        >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
        >>> print(str(found.text).splitlines()[0])
        log made 1 infinite of 2 elements from finite numbers.
        """
        tensors = [("input", each) for each in self.inputs] + [("output", each) for each in self.outputs]
        told = [f"  {what:8} {_tensor(each)}" for what, each in tensors]
        table = Columns.of_list(told, _HEADS, [_cells(what, each) for what, each in tensors])
        return Text.of([f"{_happened(self)}.", *_place(self), *([table] if told else []), *_cure(self)])

    def __str__(self) -> str:
        return str(self.text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.text._repr_html_()

    def to_dict(self) -> dict[str, Any]:
        """All details as plain data that fits into JSON.

        >>> import viz
        >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
        >>> found.to_dict()["op"]
        'log'
        """
        names = [f.name for f in dataclasses.fields(self) if f.name not in ("recording", "source", "stack")]
        found = {name: getattr(self, name) for name in names}
        for name in ("inputs", "outputs", "examples"):
            found[name] = [dataclasses.asdict(each) for each in found[name]]
        place = {name: getattr(self.source, name, None) for name in ("file", "line", "code")}
        plain: dict[str, Any] = finite({"message": self.message, **place, **found})
        return plain

    def draw(
        self, path: str | os.PathLike[str] | None = None, before: int = 4, after: int = 3, **options: Any
    ) -> Drawing:
        """Draws the op and those near it, coloured by which results aren't finite.

        Args:
            path: the path of a file to write, which ends in `.svg`, `.png`, `.pdf` or `.dot`. None: no file.
            before: how many ops before it are shown.
            after: how many ops after it are shown.
            **options: further arguments of `Recording.draw`.

        Raises:
            ValueError: for what `Recording.draw` refuses.

        >>> import viz
        >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
        >>> found.draw("infinity.svg")
        <Drawing '<lambda> near log': 2 boxes, 1 arrows; save(path) writes svg, png, pdf or dot>
        """
        near = neighbourhood(self.recording, self.op_id, before, after)
        return near.draw(path, **{"color_by": "nonfinite", **options})


class NonfiniteError(FloatingPointError):
    """Raised by `viz.trace(on_nonfinite="raise")` when NaN or infinity appears; `found` says where.

    Attributes:
        found: the `Nonfinite`. Its recording contains the training step up to that op.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> import viz
    >>> try:
    ...     with np.errstate(divide="ignore"), viz.trace(on_nonfinite="raise"):
    ...         y = ef.ops.log(ef.Tensor([1.0, 0.0]))
    ... except viz.NonfiniteError as error:
    ...     print(error.found.op, error.found.examples[0].inputs)
    log {'x': 0.0}
    """

    def __init__(self, found: Nonfinite) -> None:
        super().__init__(found.message)
        self.found = found

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (str(self),)


def _unpickled(message: str) -> FloatingPointError:
    """What a `NonfiniteError` becomes in another process: its message alone."""
    return FloatingPointError(message)


class NonfiniteWarning(RuntimeWarning):
    """The warning of `viz.trace(on_nonfinite="warn")` when NaN or infinity appears.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> import viz
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as warned:
    ...     warnings.simplefilter("always")
    ...     with np.errstate(divide="ignore"), viz.trace(on_nonfinite="warn"):
    ...         y = ef.ops.log(ef.Tensor([1.0, 0.0]))
    >>> [warning.category.__name__ for warning in warned]
    ['NonfiniteWarning']
    """


def _cells(what: str, facts: TensorFacts) -> list[str]:
    numbers = ["" if each is None else f"{each:.4g}" for each in (facts.min, facts.max, facts.mean, facts.std)]
    flawed = flaws(facts) if facts.nan or facts.inf else "" if facts.measured else "not measured"
    return [what, *_named(facts), *numbers, flawed]


def _named(facts: TensorFacts) -> tuple[str, str]:
    shape = f"{formatting.shape(facts.shape)} {formatting.dtype(facts.dtype)}"
    return formatting.clean(facts.path or facts.name, 60), shape


def near(record: Record, op: int, before: int, after: int) -> set[int]:
    """The ids of `op`, of those up to `before` steps back along what it read, and `after` on from what it made.

    Of a backward op the forward op is there too.
    """
    readers: dict[int, list[int]] = {}
    for each in record.ops:
        for tensor in each.inputs:
            readers.setdefault(tensor, []).append(each.id)
    chosen, edge = {op}, {op}
    for _ in range(before):
        edge = {p for i in edge for p in record.parents(record.ops[i])} - chosen
        chosen |= edge
    edge = {op}
    for _ in range(after):
        made = {tensor for i in edge for tensor in record.ops[i].outputs}
        edge = {reader for tensor in made for reader in readers.get(tensor, ())} - chosen
        chosen |= edge
    forward = {record.ops[i].forward for i in chosen}
    return chosen | {i for i in forward if i is not None}


def neighbourhood(recording: Recording, op: int, before: int, after: int) -> Recording:
    """A recording of the ops near one op alone."""
    chosen = sorted(near(recording, op, before, after))
    part = Recording._of(part_of(recording, [dataclasses.replace(recording.ops[i], step=None) for i in chosen]))
    part.meta["name"] = f"{recording.name} near {recording.ops[op].name}".strip()
    part.steps = []
    return part


def _happened(found: Nonfinite) -> str:
    op = formatting.clean(found.op, 40)
    if found.part:
        op = f"{formatting.clean(found.part, 40)}, a part of {op},"
    if found.kind == "op":
        made = ", ".join([flaws(t) for t in found.outputs if t.nan or t.inf]) or "NaN or infinity"
        what = f"the gradient of {op}" if found.phase == "backward" else op
        known = [t for t in found.inputs if t.measured]
        if known and not any(t.nan or t.inf for t in known):
            return f"{what} made {made} from finite numbers"
        return f"{what} made {made}"
    culprit = next((t for t in found.inputs if t.nan or t.inf), None)
    held = flaws(culprit) if culprit is not None else "NaN or infinity"
    noun = "the weight " if found.kind == "weight" else "the data: "
    where = f" ({formatting.clean(found.where, 120)})" if found.where else ""
    return f"{noun}{formatting.clean(found.culprit, 60)} held {held}{where} when it came to {op}"


def flaws(facts: TensorFacts) -> str:
    """How many elements aren't finite, of how many."""
    parts = [f"{n:,} {noun}" for n, noun in ((facts.nan, "NaN"), (facts.inf, "infinite")) if n]
    return f"{' and '.join(parts)} of {formatting.count(math.prod(facts.shape), 'element')}"


def _example(example: Example, culprit: str) -> str:
    inputs = list(example.inputs.items())[:4]
    given = ", ".join([f"{formatting.clean(name, 30)} = {value:.6g}" for name, value in inputs]) or culprit
    at = f" at {list(example.index)}" if example.index else ""
    return f"{f'{given} → ' if given else ''}{example.value}{at}"


def _place(found: Nonfinite) -> list[str]:
    """Where it is, and the lines of code."""
    where = ", ".join([formatting.clean(found.layer) or "no layer", found.phase]) + _step(found)
    code = [
        formatting.clean(formatting.place(frame), 120)
        + (f"   {formatting.clean(frame.code, 500)}" if frame.code else "")
        for frame in found.stack[:4]
    ]
    return [f"  where    {where}", *[f"  {'' if i else 'line':8} {each}" for i, each in enumerate(code)]]


def _cure(found: Nonfinite) -> list[str]:
    """Examples, and what helps."""
    # The one element that a mean makes, of which nothing but that is known, stands above already.
    told = [each for each in found.examples if each.inputs or each.index or found.culprit]
    examples = [_example(each, formatting.clean(found.culprit, 40)) for each in told]
    if not found.examples:
        examples = ["values weren't kept; viz.trace(values='') keeps them all"]
    return [*[f"  {'' if i else 'example':8} {each}" for i, each in enumerate(examples)], f"  fix      {found.fix}"]


def _step(found: Nonfinite) -> str:
    return "" if found.step is None else f", step {found.step}"


def _tensor(facts: TensorFacts) -> str:
    """`x  8×3 f32  min -1.2  max 3.4  mean 0.01`."""
    shown = "  ".join(_named(facts))
    if not facts.measured:
        return shown
    numbers = (("min", facts.min), ("max", facts.max), ("mean", facts.mean), ("std", facts.std))
    shown += "".join([f"  {noun} {number:.4g}" for noun, number in numbers if number is not None])
    return shown + (f"  ({flaws(facts)})" if facts.nan or facts.inf else "")
