"""`Row`: one question of the table that `viz check` prints, and its answer."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.user_code import Place
from viz.facts.formatting import near
from viz.facts.json_data import finite
from viz.facts.lines.room import line_length

__all__ = ["VERDICTS", "Row", "fault", "fine", "listed", "nothing_to_ask", "open_question", "shown"]

VERDICTS = ("ok", "fault", "open")
"""✓ as it should be; ✗ it isn't; – can't be decided here, and the message says why."""
_MARKS = {"ok": ("✓", "32"), "fault": ("✗", "1;31"), "open": ("–", "33")}
_WIDTH, _NAME = 104, 20


@dataclasses.dataclass
class Row:
    """One question, and its answer."""

    name: str  # what was asked, in a few words
    verdict: str  # one of `VERDICTS`
    message: str  # what was found, with its numbers; for an open question the reason
    file: str | None = None  # the file of the script's line that this is about, or None
    line: int | None = None  # the line, counted from 1, or None
    fix: str = ""  # what to do about a fault
    evidence: dict[str, Any] = dataclasses.field(default_factory=dict)
    applies: bool = True  # whether the script has what is asked about; an open question about nothing is no doubt

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; numbers that aren't finite become text."""
        return dict(finite(dataclasses.asdict(self)))


def fine(message: str, place: Place | None = None, /, **evidence: Any) -> Row:
    """An answer that is as it should be."""
    return _row("ok", message, place, evidence)


def fault(message: str, fix: str, place: Place | None = None, /, **evidence: Any) -> Row:
    """An answer that isn't."""
    return _row("fault", message, place, evidence, fix)


def open_question(why: str, place: Place | None = None, /, **evidence: Any) -> Row:
    """No answer, and why there is none."""
    return _row("open", why, place, evidence)


def nothing_to_ask(why: str) -> Row:
    """No answer, as the script has nothing of the kind."""
    return dataclasses.replace(open_question(why), applies=False)


def _row(verdict: str, message: str, place: Place | None, evidence: dict[str, Any], fix: str = "") -> Row:
    file, line = place or (None, None)
    return Row("", verdict, message, file, line, fix, evidence)


def listed(names: Sequence[str]) -> str:
    """The first few names, and whether there are more.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c, d, …'
    """
    return ", ".join(names[: limits.NAMED]) + (", …" if len(names) > limits.NAMED else "")


def shown(rows: Sequence[Row], paint: Callable[[str, str], str]) -> str:
    """The rows as a table for a terminal.

    >>> print(shown([Row("labels", "ok", "3 classes, 0 to 2", "train.py", 7)], lambda words, code: words))
    ✓ labels              3 classes, 0 to 2  train.py:7
    """
    return "\n".join([line for row in rows for line in _lines(row, paint)])


def _lines(row: Row, paint: Callable[[str, str], str]) -> list[str]:
    mark, code = _MARKS[row.verdict]
    indent = " " * (_NAME + 2)
    length = line_length(_WIDTH) - len(indent)
    where = f"{near(row.file)}:{row.line}" if row.file else ""
    words = textwrap.wrap(row.message, length) or [""]
    if len(words[-1]) + len(where) + 2 <= length:
        words[-1] = f"{words[-1]}  {paint(where, '2')}".rstrip() if where else words[-1]
    else:
        words.append(paint(where, "2"))
    if row.verdict == "fault" and row.fix:
        words += textwrap.wrap(f"→ {row.fix}", length, subsequent_indent="  ")
    return [f"{paint(mark, code)} {row.name:{_NAME}}{words[0]}", *[indent + each for each in words[1:]]]
