"""What `viz.find_nonfinite` finds, and the error that carries it."""

from __future__ import annotations

import copy
import dataclasses
import os
from html import escape
from typing import Any

from viz.facts import formatting
from viz.facts.json_data import finite
from viz.facts.schema import Op, Record
from viz.facts.text_table import Text
from viz.nonfinite import report
from viz.nonfinite.evidence import Evidence, Example, TensorFacts
from viz.picture.drawing import Drawing
from viz.recording import Recording

__all__ = ["Example", "Nonfinite", "NonfiniteError", "NonfiniteWarning", "TensorFacts"]


_HEADS = ("", "name", "shape", "min", "max", "mean", "std", "not finite")
_RED = "#c62828"
_CELL = "text-align:left;padding:1px 12px 1px 0"


class Nonfinite(Evidence):
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

    @property
    def message(self) -> str:
        """What happened, in one or two sentences.

        >>> import viz
        >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
        >>> print(found.message)
        log made 1 infinite of 2 elements from finite numbers, ... For example x = 0 → -inf at [1]. Fix: ...
        """
        return report.message(self)

    @property
    def text(self) -> Text:
        """All details as text.

        >>> import viz
        >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
        >>> print(str(found.text).splitlines()[0])
        log made 1 infinite of 2 elements from finite numbers.
        """
        return report.text(self)

    def __str__(self) -> str:
        return str(self.text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _html(self)

    def to_dict(self) -> dict[str, Any]:
        """All details as plain data that fits into JSON.

        >>> import viz
        >>> found = viz.find_nonfinite(lambda x: ef.ops.log(x), ef.Tensor([1.0, 0.0]))
        >>> found.to_dict()["op"]
        'log'
        """
        found = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("recording", "source", "stack")
        }
        for name in ("inputs", "outputs", "examples"):
            found[name] = [dataclasses.asdict(each) for each in found[name]]
        place = {
            "file": self.source.file if self.source else None,
            "line": self.source.line if self.source else None,
            "code": self.source.code if self.source else None,
        }
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


def _html(found: Evidence) -> str:
    """Everything that is known, in the colours of whatever is around it."""
    said = dict(report.lines(found))
    rows = [_row("input", each) for each in found.inputs] + [_row("output", each) for each in found.outputs]
    heads = "".join([f'<th style="{_CELL}">{head}</th>' for head in _HEADS])
    code = "".join([f"<div><code>{escape(line)}</code></div>" for line in said["line"]])
    examples = "".join([f"<div>example: {escape(line)}</div>" for line in said["example"]])
    return (
        f'<div><b style="color:{_RED}">NaN or infinity</b> <code>{escape(said["where"][0])}</code>'
        f"<div>{escape(report.sentence(found))}</div>{code}"
        f'<table style="margin:.4em 0;border-collapse:collapse"><tr>{heads}</tr>{"".join(rows)}</table>'
        f'{examples}<div style="opacity:.75">{escape(said["fix"][0])}</div></div>'
    )


def _row(what: str, facts: TensorFacts) -> str:
    name = formatting.clean(facts.path or facts.name, 60)
    shape = f"{formatting.shape(facts.shape)} {formatting.dtype(facts.dtype)}"
    numbers = ["" if each is None else f"{each:.4g}" for each in (facts.min, facts.max, facts.mean, facts.std)]
    flawed = report.flaws(facts) if facts.nan or facts.inf else "" if facts.measured else "not measured"
    colour = f";color:{_RED}" if facts.nan or facts.inf else ""
    cells = [what, name, shape, *numbers]
    shown = "".join([f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells])
    return f'<tr>{shown}<td style="{_CELL}{colour}">{escape(flawed)}</td></tr>'


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
    """A recording of the ops near one op alone; scopes and tensors stay as they are."""
    chosen = sorted(near(recording, op, before, after))
    number = {old: new for new, old in enumerate(chosen)}
    part = copy.copy(recording)
    part.ops = [_renumbered(recording.ops[old], number) for old in chosen]
    part.tensors = [
        dataclasses.replace(t, producer=number.get(t.producer) if t.producer is not None else None)
        for t in recording.tensors
    ]
    part.meta = {**recording.meta, "name": f"{recording.name} near {recording.ops[op].name}".strip()}
    part.steps = []
    return part


def _renumbered(op: Op, number: dict[int, int]) -> Op:
    forward = None if op.forward is None else number.get(op.forward)
    return dataclasses.replace(op, id=number[op.id], forward=forward, step=None)
