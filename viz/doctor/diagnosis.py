"""`Diagnosis`: all findings of one examination, to read, to show and to hand on."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence

from viz.doctor.finding import Finding
from viz.doctor.report import text

__all__ = ["Diagnosis"]

_COLORS = {"error": "#c62828", "warning": "#b26a00", "info": "#1565c0"}
_ITEM = """<li style="margin:.5em 0"><b style="color:{color}">{severity}</b> <b>{kind}</b>
<code>{where}</code><div>{message}</div><div style="opacity:.75">{fix}</div></li>"""


class Diagnosis:
    """What the doctor found.

    Args:
        findings: the findings, in any order of their own.

    Attributes:
        findings: the same, the worst first.

    >>> Diagnosis([])
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
        """Is there no error and no warning? Hints don't count."""
        return all(finding.severity == "info" for finding in self.findings)

    @property
    def kinds(self) -> list[str]:
        """The kinds found, without repetition, the worst first."""
        return list(dict.fromkeys([finding.kind for finding in self.findings]))

    @property
    def text(self) -> str:
        """The findings as text, as `viz doctor` prints them."""
        return text(self.findings)

    def to_json(self) -> str:
        """The findings as JSON: `{"findings": [{"kind", "severity", "message", ...}]}`."""
        found = [finding.to_dict() for finding in self.findings]
        return json.dumps({"findings": found}, indent=1, ensure_ascii=False, allow_nan=False)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        """For notebooks."""
        if not self.findings:
            return "<p>nothing to complain about</p>"
        return f'<ul style="list-style:none;padding:0">{"".join([_item(f) for f in self.findings])}</ul>'


def _item(finding: Finding) -> str:
    shown = {name: html.escape(getattr(finding, name)) for name in ("severity", "kind", "message", "fix", "where")}
    return _ITEM.format(color=_COLORS[finding.severity], **shown)
