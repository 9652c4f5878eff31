"""Findings as text for a terminal: the place first, where it can be clicked, then what is wrong and what to do."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence

from viz.doctor.finding import SEVERITIES, Finding
from viz.facts.formatting import near
from viz.facts.lines.room import beginning, line_length, width

__all__ = ["code_around", "fault_at", "line", "text"]

_WIDTH = 100
_CODES = {"error": "1;31", "warning": "1;33", "info": "1;34"}
_OPERATORS = {
    "add": r"(?<=[\w)\]] )\+",
    "subtract": r"(?<=[\w)\]])\s*-(?!\s*[=>])",
    "multiply": r"(?<!\*)\*(?!\*)",
    "divide": r"(?<!/)/(?!/)",
    "power": r"\*\*",
    "matmul": r"@",
}
_WORD = re.compile(r"\w+=\w+|\w*_\w+|\w+(?=\()")  # words of code in a sentence
_OPENING, _CLOSING = "([{", ")]}"


def text(findings: Sequence[Finding], paint: Callable[[str, str], str] | None = None) -> str:
    """The findings, the worst first.

    Args:
        findings: in order.
        paint: colours `(words, code)`; None: no colours.
    """
    if not findings:
        return "nothing to complain about"
    paint = paint or (lambda words, code: words)
    parts = [_one(finding, paint) for finding in findings]
    return "\n\n".join([*parts, _count(findings)])


def line(finding: Finding, paint: Callable[[str, str], str] | None = None) -> str:
    """What is wrong and where, in one line, without what to do.

    Args:
        finding: what was found.
        paint: colours `(words, code)`; None: no colours.
    """
    return f"{_head(finding, paint or (lambda words, code: words))}  {finding.sentence}"


def _head(finding: Finding, paint: Callable[[str, str], str]) -> str:
    head = f"{paint(finding.severity, _CODES[finding.severity])} {paint(finding.kind, '1')}"
    where = _short(finding)
    return f"{head}  {where}" if where else head


def _one(finding: Finding, paint: Callable[[str, str], str]) -> str:
    length = line_length(_WIDTH)
    lines = [_head(finding, paint)]
    if finding.code:
        lines.append(f"    {paint(code_around(finding, length if length == _WIDTH else length - 4), '2')}")
    lines += textwrap.wrap(finding.sentence, length, initial_indent="  ", subsequent_indent="  ")
    if finding.because is not None:
        lines.append(f"  (a consequence of {finding.because}, above: mend that first)")
        return "\n".join(lines)
    lines += textwrap.wrap(finding.fix, length, initial_indent="  → ", subsequent_indent="    ")
    return "\n".join(lines)


def _short(finding: Finding) -> str:
    """`file:line`, the file as seen from here where that is shorter."""
    if not finding.file:
        return ""
    return f"{near(finding.file)}:{finding.line}"


def _count(findings: Sequence[Finding]) -> str:
    words = {"error": "error", "warning": "warning", "info": "hint"}
    counts = [(sum(f.severity == s for f in findings), words[s]) for s in SEVERITIES]
    return ", ".join([f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n])


def fault_at(finding: Finding) -> tuple[int, int] | None:
    """Where the guilty part of the finding's line begins and ends; None where nothing tells.

    The layer tells, by its class, and the op, by its name; else what the message calls by its name.

    >>> import pathlib
    >>> line = "net = Sequential([Dense(64, activation='relu'), Dense(1, activation='relu')])"
    >>> _ = pathlib.Path("net.py").write_text(line, encoding="utf-8")
    >>> found = Finding("dead_relu", "error", "m", "f", layer="net/dense_1", op="relu", file="net.py", line=1)
    >>> begin, end = fault_at(found)
    >>> line[begin:end]
    "Dense(1, activation='relu')"
    """
    code = finding.code
    calls = list(_calls_of_layer(finding))
    ops = list(_ops(finding))
    if calls:
        number = re.search(r"_(\d+)$", finding.layer or "")
        having = [each for each in calls if any(each[0] <= at < each[1] for at, _ in ops)] or calls
        at = int(number[1]) if number else 0
        return calls[at] if at < len(calls) and calls[at] in having else having[-1]
    if ops:
        return ops[0]
    for word in _WORD.findall(f"{finding.message} {finding.fix}"):
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", code)
        if found is not None:
            return found.span()
    return None


def code_around(finding: Finding, most: int) -> str:
    """The finding's line of code; of a long one, as much as there is room for, the guilty part in it.

    Args:
        finding: which one.
        most: how many places it may take.
    """
    code = finding.code
    if width(code) <= most:
        return code
    begin, end = fault_at(finding) or (0, 0)
    if width(code[:end]) < most:
        return f"{beginning(code, most - 1)}…"
    room = most - 2
    before = max(0, room - width(code[begin:end])) // 2  # what stands around it, too
    start = max(0, begin - before)
    rest = code[start:]
    if width(rest) <= room + 1:  # the end of the line is in it: then more of what comes before
        while start > 0 and width(code[start - 1 :]) <= room + 1:
            start -= 1
        return f"…{code[start:]}"
    return f"…{beginning(rest, room)}…"


def _calls_of_layer(finding: Finding) -> Iterator[tuple[int, int]]:
    """Calls of the layer's class: `dense_1` comes of `Dense(`, and `batch_normalization` of `BatchNormalization(`."""
    name = re.sub(r"_\d+$", "", (finding.layer or "").rpartition("/")[2]).replace("_", "")
    for found in re.finditer(rf"(?<!\w){re.escape(name)}\(", finding.code, re.IGNORECASE) if name else ():
        yield found.start(), _end_of_call(finding.code, found.end() - 1)


def _ops(finding: Finding) -> Iterator[tuple[int, int]]:
    """Where the op's name stands, or its operator."""
    if finding.op:
        spelt = [rf"(?<!\w){re.escape(finding.op)}(?!\w)", *filter(None, [_OPERATORS.get(finding.op)])]
        for pattern in spelt:
            yield from (found.span() for found in re.finditer(pattern, finding.code))


def _end_of_call(code: str, opening: int) -> int:
    """Behind the bracket that closes the one here; the end of the line where that is further down."""
    depth = 0
    for at in range(opening, len(code)):
        depth += (code[at] in _OPENING) - (code[at] in _CLOSING)
        if not depth:
            return at + 1
    return len(code)
