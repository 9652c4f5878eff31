"""What `viz.find_nonfinite` finds, and the error that carries it."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from viz.facts.json_data import finite
from viz.facts.text_table import Text
from viz.nonfinite import page, report
from viz.nonfinite.evidence import Evidence, Example, TensorFacts
from viz.nonfinite.neighbourhood import neighbourhood
from viz.picture.drawing import Drawing

__all__ = ["Example", "Nonfinite", "NonfiniteError", "NonfiniteWarning", "TensorFacts"]


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
        return page.html(self)

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
