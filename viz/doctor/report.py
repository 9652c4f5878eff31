"""Findings as text for a terminal: the place first, where it can be clicked, then what is wrong and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from viz.doctor.finding import SEVERITIES, Finding
from viz.facts.formatting import near
from viz.facts.lines.room import beginning, line_length, width

__all__ = ["line", "text"]

_WIDTH = 100
_CODES = {"error": "1;31", "warning": "1;33", "info": "1;34"}


def text(findings: Sequence[Finding], paint: Callable[[str, str], str] | None = None) -> str:
    """The findings, the worst first; `paint` colours `(words, code)`."""
    if not findings:
        return "nothing to complain about"
    paint = paint or (lambda words, code: words)
    parts = [_one(finding, paint) for finding in findings]
    return "\n\n".join([*parts, _count(findings)])


def line(finding: Finding, paint: Callable[[str, str], str] | None = None) -> str:
    """What is wrong and where, in one line, without what to do; `paint` colours `(words, code)`."""
    return f"{_head(finding, paint or (lambda words, code: words))}  {finding.sentence}"


def _head(finding: Finding, paint: Callable[[str, str], str]) -> str:
    head = f"{paint(finding.severity, _CODES[finding.severity])} {paint(finding.kind, '1')}"
    return f"{head}  {near(finding.file)}:{finding.line}" if finding.file else head


def _one(finding: Finding, paint: Callable[[str, str], str]) -> str:
    length = line_length(_WIDTH)
    lines = [_head(finding, paint)]
    if finding.code:
        room = length if length == _WIDTH else length - 4
        fits = width(finding.code) <= room
        lines.append(f"    {paint(finding.code if fits else f'{beginning(finding.code, room - 1)}…', '2')}")
    lines += textwrap.wrap(finding.sentence, length, initial_indent="  ", subsequent_indent="  ")
    if finding.because is not None:
        lines.append(f"  (a consequence of {finding.because}, above: mend that first)")
        return "\n".join(lines)
    lines += textwrap.wrap(finding.fix, length, initial_indent="  → ", subsequent_indent="    ")
    return "\n".join(lines)


def _count(findings: Sequence[Finding]) -> str:
    words = {"error": "error", "warning": "warning", "info": "hint"}
    counts = [(sum(f.severity == s for f in findings), words[s]) for s in SEVERITIES]
    return ", ".join([f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n])
