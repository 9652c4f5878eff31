"""What `viz.diff` found: to read, to hand on, and as a page."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from viz.compare import report
from viz.compare.changes import TOLERANCE, Changes, Cost, OpChange, ValueChange, WeightChange
from viz.compare.conditions import Verdict, judge, parsed
from viz.compare.markdown import markdown
from viz.compare.page_marks import page_marks
from viz.facts.schema import Record
from viz.facts.text_table import Text
from viz.page.document import to_html

__all__ = ["TOLERANCE", "Cost", "Difference", "OpChange", "ValueChange", "Verdict", "WeightChange"]


class Difference(Changes):
    """The differences between two traces, models or files of weights; true when there are any.

    Times and bytes are reported, but never count as a difference, since no two runs take the same time.

    Attributes:
        a, b: what was compared, in words.
        kind: `"traces"`, `"models"` or `"weights"`.
        tolerance: the relative difference above which elements differ.
        pairs: ids of corresponding ops: (in the first, in the second), in order.
        ops: ops added, removed and changed, in the order of execution.
        first: the first tensor whose elements differ, or None.
        compared: how many tensors of traces could be compared by `"values"` and by `"statistics"`.
        layers, kinds: costs by layer and by name of op, the largest change of time first.
        weights: weights added, removed and changed.
        settings: settings of layers, losses and optimizers that changed, as text.
        notes: remarks to keep in mind when reading the results.
        recordings: the two recordings, where traces were compared.
        steps: the numbers of the steps of each that were compared, where some were named; None: all.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace(stats="basic") as t:
    ...     y = ef.ops.exp(ef.Tensor([1.0, 2.0]))
    >>> with viz.trace(stats="basic") as other:
    ...     y = ef.ops.exp(ef.Tensor([1.0, 3.0]))
    >>> found = viz.diff(t, other)
    >>> bool(found), found.first.role, found.first.what
    (True, 'input', 'max 2 → 3')
    """

    @property
    def text(self) -> Text:
        """The difference as a text to read.

        >>> import viz
        >>> with viz.trace(stats="basic") as t:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 2.0]))
        >>> with viz.trace(stats="basic") as other:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 3.0]))
        >>> found = viz.diff(t, other)
        >>> print(str(found.text).splitlines()[0])
        the first → the second
        """
        return report.text(self)

    def __str__(self) -> str:
        return str(self.text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.text._repr_html_()

    def check(self, *conditions: str, more_a: Sequence[Record] = (), more_b: Sequence[Record] = ()) -> list[Verdict]:
        """Checks conditions that must not be met, such as `"time>10%"`, as a test of performance does.

        A condition is a figure, `>` or `<`, and a limit. With `%`, the limit is for the change from the first recording
        to the second; otherwise for the figure of the second (`"peak>2GB"`, `"time>5ms"`). Figures are `time`,
        `forward`, `backward`, `update` (of a step), `loss` (of the later half of the steps), `memory` (bytes made in a
        step), `peak`, `ops`, `params`, `flops`, and what training reports, such as `val_loss`.

        Times and losses are compared over all steps of the same size except the first. A condition is met only if noise
        can't explain it: the change must exceed the limit with 99 % confidence by a rank test (for times, of the faster
        half of the steps), after subtracting how much parts of one recording differ from each other. How much runs of
        the same program differ is only known from several recordings: with `more_a` and `more_b`, a time must change by
        more than recordings of the same program differ, and other figures must change in every recording.

        Args:
            *conditions: the conditions; one text may contain several, separated by commas.
            more_a: further recordings of the first program.
            more_b: further recordings of the second program.

        Raises:
            ValueError: for a text that isn't a condition, and where no recordings were compared.

        >>> import viz
        >>> with viz.trace(stats="basic") as t:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 2.0]))
        >>> with viz.trace(stats="basic") as other:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 3.0]))
        >>> found = viz.diff(t, other)
        >>> [(verdict.condition, verdict.failed) for verdict in found.check("ops>0%", "ops>0")]
        [('ops>0%', False), ('ops>0', True)]
        """
        if self.recordings is None:
            raise ValueError("conditions need two recordings; record both with `viz run`")
        a, b = self.recordings
        return judge([a, *more_a], [b, *more_b], parsed(conditions), self.steps)

    def to_markdown(self, *conditions: str) -> str:
        """The difference as Markdown for a pull request, with the results of conditions.

        Args:
            *conditions: the conditions to check, as for `check`.

        >>> import viz
        >>> with viz.trace(stats="basic") as t:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 2.0]))
        >>> with viz.trace(stats="basic") as other:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 3.0]))
        >>> found = viz.diff(t, other)
        >>> print(found.to_markdown().splitlines()[0])
        ### viz diff: the first → the second
        """
        return markdown(self, self.check(*conditions) if conditions else ())

    def to_html(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the interactive page of the second recording, on which differences from the first are marked.

        Args:
            path: the path of the page, which ends in `.html`.

        Raises:
            ValueError: when no traces were compared, since weights have no graph.

        >>> import viz
        >>> with viz.trace(stats="basic") as t:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 2.0]))
        >>> with viz.trace(stats="basic") as other:
        ...     y = ef.ops.exp(ef.Tensor([1.0, 3.0]))
        >>> found = viz.diff(t, other)
        >>> found.to_html("difference.html").name
        'difference.html'
        """
        if self.recordings is None:
            raise ValueError(
                f"to_html: {self.kind} were compared, which have no graph of ops. Print the difference, or compare "
                "traces: viz.diff(model_a, model_b, inputs=x) records one of each model."
            )
        to_html(self.recordings[1], path, marks=lambda first, count: page_marks(self, first, count))
        return pathlib.Path(path)
