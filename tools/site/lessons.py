"""What the page of a tutorial has beyond its program: a beginning, plots, and an end.

The programs of examples/ run where nothing but eagerflow is installed, so they print. Their pages and notebooks draw
with matplotlib instead of what they print, or beside it; say what one learns, what the outputs mean and where to go on;
and leave out what only a program needs. That stands in a file for each tutorial, whose marks are those below.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

TEXTS = Path(__file__).with_name("tutorial_texts")
_CHANGE = re.compile(
    r"^<!-- instead of -->\n```python\n(.*?)^```\n\n?<!-- on the page -->\n```python\n(.*?)^```\n",
    re.DOTALL | re.MULTILINE,
)
_HEADINGS = re.compile(r"^<!-- headings -->\n\n((?:- .*\n)+)", re.MULTILINE)
_END = "<!-- at the end -->\n"


class Change(NamedTuple):
    """Lines of a program, and what stands on its page instead of them."""

    printed: str
    shown: str


class Lesson(NamedTuple):
    """What a tutorial has beyond its program.

    Attributes:
        beginning: Markdown above the program.
        changes: what its page has instead of lines of the program.
        headings: each with the words with which the piece below it begins.
        end: Markdown below the program.
    """

    beginning: str
    changes: list[Change]
    headings: dict[str, str]
    end: str


def lesson(name: str) -> Lesson:
    """That of a program.

    Raises:
        ValueError: when its file has another form.
    """
    return parsed((TEXTS / f"{name}.md").read_text(encoding="utf-8"), name)


def parsed(text: str, name: str) -> Lesson:
    r"""A lesson from its text.

    Raises:
        ValueError: when it has a mark at another place than the form has it.

    >>> text = "Learn.\n\n<!-- instead of -->\n```python\nx\n```\n<!-- on the page -->\n```python\ny\n```\n"
    >>> parsed(text + "\n<!-- headings -->\n\n- The data: Points\n\n<!-- at the end -->\n\nNext.\n", "gan")
    Lesson(beginning='Learn.', changes=[Change(printed='x', shown='y')], headings={'The data': 'Points'}, end='Next.')
    """
    begun, mark, end = text.partition(_END)
    beginning = _HEADINGS.sub("", _CHANGE.sub("", begun)).strip()
    lines = "".join(_HEADINGS.findall(begun)).splitlines()
    headings = dict(line.removeprefix("- ").split(": ", 1) for line in lines)
    if not mark or "<!--" in beginning + end:
        raise ValueError(f"tutorial_texts/{name}.md: a mark is missing, or stands where none is read")
    return Lesson(beginning, [_change(*found) for found in _CHANGE.findall(begun)], headings, end.strip())


def _change(printed: str, shown: str) -> Change:
    """A change that may end within a line, as where a remark gets a new beginning; or that leaves out whole lines."""
    return Change(printed.removesuffix("\n"), shown.removesuffix("\n")) if shown else Change(printed, "")


def on_the_page(name: str, program: str) -> str:
    """The program of a tutorial as its page has it.

    Args:
        name: of the program.
        program: its text.

    Raises:
        ValueError: when the program has no longer, or more than once, lines that its page has others for.
    """
    for change in lesson(name).changes:
        if program.count(change.printed) != 1:
            raise ValueError(f"examples/{name}.py should have this once, where its page differs:\n{change.printed}")
        program = program.replace(change.printed, change.shown)
    return program
