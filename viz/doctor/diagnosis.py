"""`Diagnosis`: all findings of one examination, to read, to show and to hand on."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

from viz.doctor.finding import Finding
from viz.doctor.report import text
from viz.facts.json_data import json_text
from viz.facts.text_table import Text

__all__ = ["Diagnosis"]

_COLORS = {"error": "#c62828", "warning": "#b26a00", "info": "#1565c0"}
_ITEM = """<li style="margin:.5em 0"><b style="color:{color}">{severity}</b> <b>{kind}</b>
<code>{where}</code><div>{sentence}</div><div style="opacity:.75">{fix}</div></li>"""


class Diagnosis:
    """What `viz.diagnose` or the callback `Doctor` found wrong with a training; print it, or read its `findings`.

    Args:
        findings: a list of `Finding`s, in any order.

    Attributes:
        findings: the same, the worst first.

    >>> import viz
    >>> viz.Diagnosis([])
    nothing to complain about
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def ok(self) -> bool:
        """Whether there is no error and no warning; findings of severity `"info"` don't count.

        >>> import viz
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> diagnosis = viz.Diagnosis([finding])
        >>> diagnosis.ok, viz.Diagnosis([]).ok
        (False, True)
        """
        return all(finding.severity == "info" for finding in self.findings)

    @property
    def kinds(self) -> list[str]:
        """The kinds of findings, each once, the worst first.

        >>> import viz
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> diagnosis = viz.Diagnosis([finding])
        >>> diagnosis.kinds
        ['lr_too_high']
        """
        return list(dict.fromkeys([finding.kind for finding in self.findings]))

    @property
    def text(self) -> Text:
        """The findings as text, as `viz doctor` prints them.

        >>> import viz
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> diagnosis = viz.Diagnosis([finding])
        >>> print(diagnosis.text)
        error lr_too_high  train.py:12
          The loss grows.
          → Lower it.
        <BLANKLINE>
        1 error
        """
        return Text(text(self.findings))

    def to_dict(self) -> dict[str, Any]:
        """The findings as plain data: `{"findings": [{"kind", "severity", "message", ...}]}`.

        >>> import viz
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> viz.Diagnosis([finding]).to_dict()["findings"][0]["kind"]
        'lr_too_high'
        """
        return {"findings": [finding.to_dict() for finding in self.findings]}

    def to_json(self) -> str:
        """The findings as a JSON text.

        >>> import viz
        >>> import json
        >>> finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="train.py", line=12)
        >>> diagnosis = viz.Diagnosis([finding])
        >>> json.loads(diagnosis.to_json())["findings"][0]["kind"]
        'lr_too_high'
        """
        return json_text(self.to_dict())

    def __repr__(self) -> str:
        return str(self.text)

    def _repr_html_(self) -> str:
        """For notebooks."""
        if not self.findings:
            return "<p>nothing to complain about</p>"
        return f'<ul style="list-style:none;padding:0">{"".join([_item(f) for f in self.findings])}</ul>'


def _item(finding: Finding) -> str:
    shown = {name: html.escape(getattr(finding, name)) for name in ("severity", "kind", "sentence", "fix", "where")}
    return _ITEM.format(color=_COLORS[finding.severity], **shown)
