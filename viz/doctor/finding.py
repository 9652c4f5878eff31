"""What the doctor finds: one `Finding` per thing that is wrong, with the numbers that prove it."""

from __future__ import annotations

import difflib
import linecache
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eagerflow.base.notebook import cell_names
from viz.choices import KINDS
from viz.facts.json_data import finite

__all__ = ["CATALOGUE", "KINDS", "OF_RANKS", "SEVERITIES", "Finding", "kinds_of"]

SEVERITIES = ("error", "warning", "info")

CATALOGUE = Path(__file__).resolve().parents[2] / "docs" / "doctor"
"""Where each kind has a page, in this project's files; an installed package has none of them."""
OF_RANKS = KINDS[KINDS.index("replicas_diverged") :]
"""Those that only several ranks can have; see `between_ranks.py`."""


def kinds_of(names: Iterable[str]) -> frozenset[str]:
    """The kinds that somebody doesn't want to hear of: a list of them, or one; raises ValueError for other names.

    >>> sorted(kinds_of(["overfit", "label_leak"]))
    ['label_leak', 'overfit']
    """
    given = frozenset([names] if isinstance(names, str) else names)
    for name in given - {*KINDS}:
        near = difflib.get_close_matches(str(name), KINDS, 1)
        meant = f" Did you mean {near[0]!r}?" if near else f" Kinds: {', '.join(KINDS)}"
        raise ValueError(f"ignore: there is no kind {name!r} of findings.{meant}")
    return given


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a training, or could be better.

    Attributes:
        kind: one of `KINDS`.
        severity: `"error"` (this can't learn what was meant), `"warning"` (it learns badly), `"info"` (worth a look).
        message: what is wrong, in plain words, with the numbers that prove it.
        fix: what to do about it.
        layer: the name of the layer at fault, or None.
        op: the name of the op at fault, or None.
        file: the file of the user's code where that op or layer was written, or None.
        line: the line there, counted from 1, or None.
        evidence: measured numbers, by name.
        rule: the kind, with the cause where there are several: `"loss_mismatch.from_logits"`.
        because: the kind of the finding that explains this one, or None. A finding that is explained has severity
            `"info"`.

    >>> import viz
    >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
    >>> finding.where
    'train.py:12'
    """

    kind: str
    severity: str
    message: str
    fix: str
    layer: str | None = None
    op: str | None = None
    file: str | None = None
    line: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    rule: str = ""
    because: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.severity not in SEVERITIES:
            raise ValueError(f"Finding({self.kind!r}, {self.severity!r}): no such kind or severity")
        if not self.rule:
            object.__setattr__(self, "rule", self.kind)

    @property
    def where(self) -> str:
        """`file:line`, which terminals and editors make clickable, or a notebook's cell; empty where it isn't known.

        >>> import viz
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> finding.where
        'train.py:12'
        """
        return f"{cell_names().get(self.file, self.file)}:{self.line}" if self.file else ""

    @property
    def column(self) -> int | None:
        """The column where the code of the line begins, counted from 1; None where the line isn't known.

        >>> import viz
        >>> from pathlib import Path
        >>> _ = Path("train.py").write_text("if True:" + chr(10) + "    step()", encoding="utf-8")
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower the rate.", file="train.py", line=2)
        >>> finding.column
        5
        """
        if not self.file or not self.line:
            return None
        code = linecache.getline(self.file, self.line)
        return len(code) - len(code.lstrip()) + 1 if code.strip() else 1

    @property
    def code(self) -> str:
        """The code of the line; empty where the line isn't known.

        >>> import viz
        >>> from pathlib import Path
        >>> _ = Path("fit.py").write_text("model.fit(x, y)", encoding="utf-8")
        >>> viz.Finding("lr_too_high", "error", "The loss grows", "Lower the rate.", file="fit.py", line=1).code
        'model.fit(x, y)'
        """
        return linecache.getline(self.file, self.line).strip() if self.file and self.line else ""

    @property
    def url(self) -> str | None:
        """The address of the page that explains this kind of finding; None where these pages aren't installed.

        >>> import viz
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> (finding.url or "docs/doctor/lr_too_high.md").endswith("docs/doctor/lr_too_high.md")
        True
        """
        page = CATALOGUE / f"{self.kind}.md"
        return page.as_uri() if page.is_file() else None

    @property
    def sentence(self) -> str:
        """The message as a sentence with a capital, unless it begins with the name of an op or a loss."""
        first = self.message.partition(" ")[0]
        is_name = first == self.op or "_" in first or first.endswith("()")
        end = "" if self.message.endswith(("?", "!")) else "."
        return f"{self.message if is_name else self.message[:1].upper() + self.message[1:]}{end}"

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data that fits into JSON; numbers that aren't finite become text.

        >>> import viz
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> finding.to_dict()["severity"], finding.to_dict()["line"]
        ('error', 12)
        """
        order = ("kind", "severity", "message", "layer", "op", "file", "line", "evidence", "fix", "rule", "because")
        data = finite(asdict(self))
        return {**{name: data[name] for name in order}, "column": self.column, "url": self.url}
