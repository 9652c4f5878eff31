"""Docstrings in Google's form, as Markdown of a page."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

IMPORTS = {"ef": "eagerflow", "np": "numpy"}  # what examples know without importing it
SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Examples", "Note", "Notes")
TITLES = {"Args": "Arguments"}
_HEAD = re.compile(rf"({'|'.join(SECTIONS)}):{{1,2}}$")
_ITEM = re.compile(r"(?P<name>[*\w.]+(?:, [*\w.]+)*)(?: \([^)]*\))?:(?: (?P<text>.*))?$")
_CODE = re.compile(r"(`+)(.+?)\1")
_ADDRESS = re.compile(r"https?://(?!localhost|127\.)[^\s<>`\"']*[^\s<>`\"'.,;:!?)\]]|\barXiv:\d+\.\d+")
_SPECIAL = re.compile(r"([\\*_<\[|$~#])")


class Part(NamedTuple):
    """A piece of a docstring.

    Attributes:
        title: `"Args"`, ..., `"Examples"`, or "" for plain text.
        text: what it says, without the head and its indentation.
    """

    title: str
    text: str


def parts(doc: str) -> list[Part]:
    r"""The pieces of a docstring, in order; examples (`>>>`) are pieces of their own.

    >>> [part.title for part in parts("Adds.\n\nArgs:\n    x: a number.\n\n>>> 1 + 1\n2")]
    ['', 'Args', 'Examples']
    """
    found: list[tuple[str, list[str]]] = [("", [])]
    in_section = False
    for line in inspect.cleandoc(doc).splitlines():
        head = _HEAD.match(line)
        if head:
            found.append((head[1], []))
            in_section = True
        elif line.startswith(">>>"):
            if found[-1][0] != "Examples":
                found.append(("Examples", []))
            found[-1][1].append(line)
            in_section = False
        elif in_section and line and not line.startswith(" "):
            found.append(("", [line]))
            in_section = False
        elif found[-1][0] == "Examples" and not in_section and _ends_example(found[-1][1], line):
            found.append(("", [line]))
        else:
            found[-1][1].append(line)
    texts = [Part(title, inspect.cleandoc("\n" + "\n".join(lines)).strip("\n")) for title, lines in found]
    return [part for part in texts if part.text]


def _ends_example(lines: list[str], line: str) -> bool:
    return bool(line) and bool(lines) and not lines[-1]


def summary(doc: str) -> str:
    r"""The first sentence, on one line.

    >>> summary("Convolution\nover images. More.")
    'Convolution over images.'
    """
    paragraph = " ".join(inspect.cleandoc(doc).split("\n\n")[0].split())
    ends = re.search(r"[.!?](?= [A-Z`])", paragraph)
    return paragraph[: ends.end()] if ends else paragraph


def prose(text: str) -> str:
    r"""Text whose only marks are backticks, as Markdown: nothing else in it means anything. Addresses become links.

    >>> prose("f(*args) of `x_1`")
    'f(\\*args) of `x_1`'
    >>> prose("Source: https://arxiv.org/abs/1412.6980.")
    'Source: [arxiv.org/abs/1412.6980](https://arxiv.org/abs/1412.6980).'
    >>> prose("He et al. 2015 (arXiv:1512.03385)")
    'He et al. 2015 ([arXiv:1512.03385](https://arxiv.org/abs/1512.03385))'
    """
    pieces, at = [], 0
    for code in _CODE.finditer(text):
        pieces += [_plain(text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*pieces, _plain(text[at:])])


def _plain(text: str) -> str:
    """Text without code as Markdown."""
    pieces, at = [], 0
    for address in _ADDRESS.finditer(text):
        shown = _SPECIAL.sub(r"\\\1", address[0].removeprefix("https://").removeprefix("http://"))
        target = address[0].replace("arXiv:", "https://arxiv.org/abs/")
        pieces += [_SPECIAL.sub(r"\\\1", text[at : address.start()]), f"[{shown}]({target})"]
        at = address.end()
    return "".join([*pieces, _SPECIAL.sub(r"\\\1", text[at:])])


def markdown(doc: str, level: int = 2) -> str:
    """A whole docstring as Markdown.

    Args:
        doc: the docstring.
        level: that of the headings of its sections; 0 gives bold lines instead.
    """
    return "\n\n".join(piece(part, level) for part in parts(doc))


def piece(part: Part, level: int = 2) -> str:
    """A part of a docstring as Markdown."""
    return "\n\n".join(_part(part, level))


def first_sentence(found: list[Part]) -> tuple[str, list[Part]]:
    r"""The first paragraph of a docstring as Markdown, and the parts that follow.

    >>> first_sentence([Part("", "Adds.\n\nMore."), Part("Args", "x: a number.")])
    ('Adds.', [Part(title='', text='More.'), Part(title='Args', text='x: a number.')])
    """
    if not found or found[0].title:
        return "", found
    first, _, more = found[0].text.partition("\n\n")
    return prose(first), [*([Part("", more)] if more else []), *found[1:]]


def _part(part: Part, level: int) -> list[str]:
    title = TITLES.get(part.title, part.title)
    head = [] if not title else [f"{'#' * level} {title}" if level else f"**{title}**"]
    if part.title in ("Args", "Attributes", "Raises"):
        return [*head, _items(part.text)]
    if part.title in ("Example", "Examples"):
        return [*head, *_example(part.text)]
    if part.title:
        return [*head, prose(part.text)]
    return [_paragraphs(part.text)]


def _example(text: str) -> list[str]:
    if ">>>" in text:
        return [f"```pycon\n{_imports(text, '>>> ')}{text}\n```"]
    return [f"```py\n{_imports(text)}{text}\n```"]  # which says that it didn't run


def _imports(text: str, prompt: str = "") -> str:
    r"""What an example uses without importing it, as a reader who copies it has to.

    >>> _imports(">>> ef.ops.ones(2)", ">>> ")
    '>>> import eagerflow as ef\n'
    """
    found = [name for name in IMPORTS if re.search(rf"(?<![\w.]){name}\.", text) and f"as {name}" not in text]
    return "".join([f"{prompt}import {IMPORTS[name]} as {name}\n" for name in found])


def _paragraphs(text: str) -> str:
    """Paragraphs, with lists as lists and deeper lines as code."""
    pieces = []
    for block in text.split("\n\n"):
        if block.startswith("    "):
            pieces.append(f"```text\n{inspect.cleandoc(block)}\n```")
        elif re.match(r"([-*]|\d+\.) ", block):
            pieces.append(re.sub(r"(?m)^((?:[-*]|\d+\.) )?(.*)$", lambda m: (m[1] or "") + prose(m[2]), block))
        else:
            pieces.append(prose(block))
    return "\n\n".join(pieces)


def items(text: str) -> list[tuple[str, str]]:
    r"""The names of a section and what it says of each.

    >>> items("x: a number,\n    or two.\n*rest: more.")
    [('x', 'a number, or two.'), ('*rest', 'more.')]
    """
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        item = None if line.startswith(" ") else _ITEM.match(line)
        if item:
            found.append((item["name"], [item["text"] or ""]))
        elif found:
            found[-1][1].append(line.strip())
        else:
            found.append(("", [line.strip()]))
    return [(name, " ".join(filter(None, lines))) for name, lines in found]


def _items(text: str) -> str:
    lines = []
    for name, said in items(text):
        lines.append(f"`{name}`\n: {prose(said)}" if name else prose(said))
    return "\n\n".join(lines)
