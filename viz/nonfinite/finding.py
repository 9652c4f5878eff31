"""What `viz.find_nonfinite` finds, and the error that carries it."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from viz.facts.json_data import finite
from viz.facts.text_table import Text
from viz.nonfinite import report
from viz.nonfinite.evidence import Evidence, Example, TensorFacts
from viz.nonfinite.neighbourhood import neighbourhood
from viz.picture.drawing import Drawing

__all__ = ["Example", "Nonfinite", "NonfiniteError", "NonfiniteWarning", "TensorFacts"]


class Nonfinite(Evidence):
    """The first op whose result isn't finite while what it was given is, or the data or weight that came in so.

    Attributes:
        kind: `"op"` (it made NaN or infinity), `"data"` or `"weight"` (it was given them).
        op, phase, op_id: the op's name, phase and id in `recording`. For backward ops, the forward op's name.
        part: of a fused op, the part of it that made them, where that is known; else "".
        layer: the path of the layer; for backward ops that of the forward op.
        source, stack: your line, and the lines that called it, innermost first.
        step: the number of the training step, or None.
        culprit: for data and weights, the name.
        inputs, outputs: what the op read and made.
        examples: some elements that aren't finite, with what they were computed from, where values are known.
        fix: what usually helps.
        recording: where it was found.
    """

    @property
    def message(self) -> str:
        """What happened, in one sentence or two."""
        return report.message(self)

    @property
    def text(self) -> Text:
        """Everything that is known, to read."""
        return report.text(self)

    def __str__(self) -> str:
        return str(self.text)

    __repr__ = __str__

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data that JSON can hold."""
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
        """A picture of the op and what is near it, coloured by what isn't finite.

        Args:
            path: where to; ends in `.svg`, `.png`, `.pdf` or `.dot`. None: nowhere.
            before: how many ops back along what it read.
            after: how many ops on along what it made.
            **options: of `Recording.draw`.

        Raises:
            ValueError: for what `Recording.draw` refuses.
        """
        near = neighbourhood(self.recording, self.op_id, before, after)
        return near.draw(path, **{"color_by": "nonfinite", **options})


class NonfiniteError(FloatingPointError):
    """NaN or infinity appeared while a trace was guarding against it; `found` says where.

    Attributes:
        found: the `Nonfinite`. Its recording holds the training step up to there.
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
    """NaN or infinity appeared, where a trace was asked to warn."""
