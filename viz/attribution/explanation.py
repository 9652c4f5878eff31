"""`Explanation`: what `viz.explain` found, as numbers, as text and as a picture."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy

from viz.attribution.drawing import drawn
from viz.attribution.part import Part
from viz.facts import formatting
from viz.facts.text_table import Text, table
from viz.picture.picture import Picture

__all__ = ["Explanation", "Part"]

_ROWS_OF_TEXT = 20
_TITLES = {"integrated": "integrated gradients", "gradcam": "grad-CAM"}  # of methods with other names than theirs


@dataclasses.dataclass(repr=False)
class Explanation:
    """Which parts of its input a model's output for each row is based on, as a table and a picture.

    Attributes:
        method: the method that found it.
        target: for each row, the position in the output that is explained; None where a function chose it.
        score: for each row, the output at that position.
        model: the model's name.
        parts: for each input (or embedding) that the output depends on, its attributions.
        base: for each row, the output for the baseline; None for methods without a baseline.
        gap: for integrated gradients, the relative error of each row: how far the attributions are from adding up to
            `score - base`.
        steps: for integrated gradients, the largest number of steps that the path was divided into.
        layer: for grad-CAM, the layer.
        notes: remarks to keep in mind when reading the results.

    >>> import eagerflow as ef
    >>> import viz
    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")], name="sum")
    >>> found = viz.explain(model, [[1.0, 2.0], [0.0, 3.0]], "integrated")
    >>> found.values.tolist(), found.score.tolist()
    ([[1.0, 2.0], [0.0, 3.0]], [3.0, 3.0])
    >>> print(found)
    sum: integrated gradients
    row  target  answer  strongest places
    ──────────────────────────────────────
      0       0       3  x: [1] +2, [0] +1
      1       0       3  x: [1] +3
    values add up to answer − answer for the baseline: off by 0 % at most, 32 steps
    """

    method: str
    target: list[Any] | None
    score: numpy.ndarray
    model: str
    parts: list[Part]
    base: numpy.ndarray | None = None
    gap: numpy.ndarray | None = None
    steps: int | None = None
    layer: str | None = None
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def values(self) -> Any:
        """The attributions: an array of the input's shape (for an embedding, that of its vectors).

        Those of grad-CAM have the layer's spatial shape. With several inputs: a dict of arrays by the inputs' names.
        """
        if len(self.parts) == 1:
            return self.parts[0].values
        return {part.name: part.values for part in self.parts}

    @property
    def heatmap(self) -> Any:
        """One number for each pixel, token or column: the attributions, summed over channels.

        For gradients with several channels, it is the norm over them, which has no sign; grad-CAM's map is resized to
        the input's size. With several inputs: a dict by their names.
        """
        if len(self.parts) == 1:
            return self.parts[0].places
        return {part.name: part.places for part in self.parts}

    @property
    def title(self) -> str:
        """The title of the picture: the names of the model and the method."""
        at = f" at {self.layer}" if self.layer else ""
        return f"{formatting.clean(self.model, 40)}: {_TITLES.get(self.method, self.method)}{at}"

    @property
    def text(self) -> Text:
        """A table of the pixels, tokens or columns of each row with the largest attributions."""
        heads = ["row", "target", "answer", "strongest places"]
        lines = []
        for row in range(min(len(self.score), _ROWS_OF_TEXT)):
            strongest = "; ".join([part.strongest(row) for part in self.parts])
            lines.append([str(row), self.target_name(row), f"{self.score[row]:.4g}", strongest])
        more = len(self.score) - len(lines)
        found = [self.title, table(heads, lines)]
        if more > 0:
            found.append(f"… {formatting.count(more, 'row')} more")
        if self.base is not None and self.gap is not None and len(self.gap):
            found.append(
                "values add up to answer − answer for the baseline: off by "
                f"{100 * float(self.gap.max()):.2g} % at most, {self.steps} steps"
            )
        return Text.of([*found, *[f"note: {note}" for note in self.notes]])

    def target_name(self, row: int) -> str:
        """The name of the output that is explained for a row.

        Args:
            row: the number of the row, from 0.
        """
        return "" if self.target is None else "" if self.target[row] == () else str(self.target[row])

    def draw(
        self,
        path: str | os.PathLike[str] | None = None,
        rows: int | list[int] | None = None,
        words: Any = None,
        theme: str = "light",
    ) -> Picture:
        """Draws the explanation as a picture, which notebooks show, and writes it to a file if there is a `path`.

        Args:
            path: the path of the file, which ends in `.svg`, in `.html` for a page with the picture, or in `.png`.
            rows: how many samples are shown, or which ones. Default: the first eight.
            words: for tokens: a list of words, or a function from a number to its word. For numbers: names of columns.
            theme: `"light"` or `"dark"`.

        Raises:
            ValueError: for another ending or theme, or a row that isn't there.
            RendererMissing: when no PNG can be made here.
        """
        shown = list(range(min(len(self.score), 8 if rows is None else rows))) if not isinstance(rows, list) else rows
        wrong = [row for row in shown if not 0 <= row < len(self.score)]
        if wrong:
            raise ValueError(f"draw(rows=...): there is no row {wrong[0]}; rows are 0 to {len(self.score) - 1}")
        heads = [self._head(row) for row in range(len(self.score))]
        picture = Picture(self.title, lambda of: drawn(self.title, self.parts, shown, heads, words, of), theme)
        if path is not None:
            picture.save(path)
        return picture

    def _head(self, row: int) -> str:
        name = self.target_name(row)
        return f"row {row}" + (f" · target {name}" if name else "") + f" · {self.score[row]:.3g}"

    def _repr_html_(self) -> str:
        return self.draw()._repr_html_()

    def __repr__(self) -> str:
        return str(self.text)
