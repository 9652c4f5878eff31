"""The programs of examples/ as pages and notebooks: their text, their code in pieces, and what each piece shows.

A program stays as it is, and its page follows from it: what it says of itself stands at the top, and the body of `main`
is taken apart where it has empty lines, with values in place of its parameters. Remarks that a piece begins with become
the text above it. What the page has beyond the program is its lesson.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import nbformat

from tools.site import docstrings
from tools.site.lessons import lesson, on_the_page
from tools.site.names import ROOT
from tools.site.run_page import blocks
from tools.site.values_in_place import values_in_place, without_unused_imports

_PAGE = re.compile(r"\[([^\]]*)\]\([^):\s]+\.md(?:#[^)\s]*)?\)")
_WIDTH = 86  # of lines of code that a page shows whole
_BETWEEN = "# between two pieces of the program"


class Tutorial(NamedTuple):
    """A program that has a page.

    Attributes:
        name: of its file.
        title: of its page.
        group: the heading below which the list of tutorials has it.
    """

    name: str
    title: str
    group: str


FIRST, SEQUENCES, MORE = "First steps", "Text and series", "Other kinds of networks"
INVENTING, VIZ = "Networks that invent", "Look inside"
TUTORIALS = [
    Tutorial("digits", "Read handwritten digits", FIRST),
    Tutorial("digits_cnn", "Read digits with a convolutional network", FIRST),
    Tutorial("custom_loop", "Write your own training loop", FIRST),
    Tutorial("sentiment_lstm", "Praise or blame: an LSTM reads reviews", SEQUENCES),
    Tutorial("char_rnn", "Spell numbers, letter by letter", SEQUENCES),
    Tutorial("timeseries", "Forecast a time series", SEQUENCES),
    Tutorial("functional", "Several inputs and outputs: a help desk", MORE),
    Tutorial("transformer", "A transformer, and where it looks", MORE),
    Tutorial("siamese", "Are two images of the same kind? A siamese network", MORE),
    Tutorial("transfer", "Transfer what was learned", MORE),
    Tutorial("segmentation", "Colour every pixel: a U-Net", MORE),
    Tutorial("cartpole", "Balance a pole: reinforcement learning", MORE),
    Tutorial("vae", "A map of digits: a variational autoencoder", INVENTING),
    Tutorial("gan", "Invent points: a generative adversarial network", INVENTING),
    Tutorial("diffusion", "Digits out of noise: a diffusion model", INVENTING),
    Tutorial("viz_step", "Look at one training step", VIZ),
    Tutorial("viz_nan", "Find where NaN comes from", VIZ),
    Tutorial("viz_gradients", "Watch gradients vanish", VIZ),
    Tutorial("viz_explain", "See what an answer rests on", VIZ),
    Tutorial("viz_models", "Draw the architecture of models", VIZ),
    Tutorial("viz_transformer", "Look into a transformer", VIZ),
]


class Cell(NamedTuple):
    """A piece of a tutorial: text, then code."""

    text: str
    code: str


def path_of(tutorial: Tutorial) -> str:
    """The file of the program, from the root of the repository."""
    return f"examples/{tutorial.name}.py"


def program_of(tutorial: Tutorial) -> str:
    """The text of the program, as its page has it."""
    return on_the_page(tutorial.name, (ROOT / path_of(tutorial)).read_text(encoding="utf-8"))


def page_of(tutorial: Tutorial) -> str:
    """The name of its page."""
    return f"tutorials/{tutorial.name}"


def pieces(tutorial: Tutorial) -> list[Cell]:
    """What the tutorial consists of, with lines of code that a page shows whole."""
    found = list(cells(program_of(tutorial)))
    codes = _formatted(f"\n{_BETWEEN}\n".join([cell.code for cell in found])).split(f"{_BETWEEN}\n")
    formatted = [Cell(cell.text, code.strip("\n")) for cell, code in zip(found, codes, strict=True)]
    return with_headings(formatted, lesson(tutorial.name).headings)


def with_headings(found: list[Cell], headings: dict[str, str]) -> list[Cell]:
    r"""Pieces with headings above them.

    Args:
        found: the pieces.
        headings: each with the words with which the text of its piece begins, or the code where it has no text.

    Raises:
        ValueError: when no piece, or more than one, begins so.

    >>> with_headings([Cell("", "x = 1"), Cell("Now y.", "y = 2")], {"Then": "Now"})
    [Cell(text='', code='x = 1'), Cell(text='## Then\n\nNow y.', code='y = 2')]
    """
    made = list(found)
    for heading, words in headings.items():
        places = [i for i, cell in enumerate(found) if (cell.text or cell.code).startswith(words)]
        if len(places) != 1:
            raise ValueError(f"{len(places)} pieces begin with {words!r}, above which the heading {heading!r} is to be")
        made[places[0]] = Cell(f"## {heading}\n\n{found[places[0]].text}".rstrip(), found[places[0]].code)
    return made


@cache
def _formatted(code: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(_WIDTH), "-"]
    return subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout


def markdown(tutorial: Tutorial) -> str:
    """The page, without what its blocks show."""
    source = program_of(tutorial)
    beyond = lesson(tutorial.name)
    links = f"[The program](source:{path_of(tutorial)}) · [As a notebook]({tutorial.name}.ipynb)"
    parts = [f"# {tutorial.title}", introduction(source), beyond.beginning, links]
    for cell in pieces(tutorial):
        parts += [cell.text] if cell.text else []
        parts.append(f"```python\n{cell.code}\n```")
    return "\n\n".join([*parts, beyond.end]) + "\n"


def introduction(source: str) -> str:
    """What the program says of itself, without how it is started."""
    said = ast.get_docstring(ast.parse(source)) or ""
    kept = [block for block in said.split("\n\n") if not block.strip().startswith("python ")]
    return "\n\n".join(docstrings.prose(" ".join(block.split())) for block in kept)


def cells(source: str) -> list[Cell]:
    r"""The pieces of a program.

    Args:
        source: the program.

    >>> program = "import os, re\n\ndef main(n: int = 3) -> int:\n    print(n)\n    return re.sub(n)\n"
    >>> [cell.code for cell in cells(program)]
    ['import os, re', 'n = 3\nprint(n)\nre.sub(n)']
    """
    found = list(_cells(source))
    codes = without_unused_imports([cell.code for cell in found])
    return [Cell(cell.text, code) for cell, code in zip(found, codes) if code]


def _cells(source: str) -> Iterator[Cell]:
    tree = ast.parse(source)
    lines = source.splitlines()
    nodes = tree.body[1:] if ast.get_docstring(tree) else tree.body
    last = next((node for node in nodes if isinstance(node, ast.If)), None)
    waiting: list[str] = []
    end = nodes[0].lineno - 1
    for node in nodes:
        begin = min([node.lineno, *[d.lineno for d in getattr(node, "decorator_list", [])]])
        between, end = lines[end : begin - 1], node.end_lineno or begin
        is_definition = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if waiting and is_definition:
            yield Cell("", _joined(waiting))
            waiting = []
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            yield from _main(node, source, last)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield _cell([*between, *lines[begin - 1 : end]])
        elif node is not last:
            waiting += [*between, *lines[begin - 1 : end]]
    if waiting:
        yield Cell("", _joined(waiting))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def _main(node: ast.FunctionDef, source: str, last: ast.If | None) -> list[Cell]:
    """The pieces of `main`, with values in place of its parameters."""
    names = [parameter.arg for parameter in node.args.args]
    defaults = [None] * (len(names) - len(node.args.defaults)) + [ast.unparse(value) for value in node.args.defaults]
    found = list(_body(node, source, last))
    codes = values_in_place([cell.code for cell in found], dict(zip(names, defaults)))
    return [Cell(cell.text, code) for cell, code in zip(found, codes)]


def _body(node: ast.FunctionDef, source: str, last: ast.If | None) -> Iterator[Cell]:
    lines = source.splitlines()
    has_text = ast.get_docstring(node) is not None
    body = node.body[1:] if has_text else node.body
    end = _end(node.body[0] if has_text else node.returns or node.args)  # remarks may stand before the first statement
    waiting: list[str] = []
    for statement in body:
        between = lines[end : statement.lineno - 1]
        end = statement.end_lineno or statement.lineno
        if waiting and "" in [line.strip() for line in between]:
            yield _cell(waiting)
            waiting = []
        if isinstance(statement, ast.Return) and statement.value is not None:
            waiting += [*between, *_result(statement.value, source, last)]
        else:
            waiting += [*between, *lines[statement.lineno - 1 : end]]
    yield _cell(waiting)


def _end(node: Any) -> int:
    """The last line of a node; of arguments, which have no place of their own, the last one's."""
    parts = [node, *ast.walk(node)] if isinstance(node, ast.arguments) else [node]
    return max([getattr(part, "end_lineno", 0) for part in parts])


def _cell(lines: list[str]) -> Cell:
    """A definition, or a piece of `main`; comments that it begins with become its text, with paragraphs."""
    code = textwrap.dedent(_joined(lines)).splitlines()
    remarks = []
    while code and (code[0].startswith("#") or not code[0]):
        remarks.append(code.pop(0).lstrip("# "))
    paragraphs = [part.strip() for part in " ".join([remark or "\n" for remark in remarks]).split("\n") if part.strip()]
    return Cell("\n\n".join(map(docstrings.prose, paragraphs)), "\n".join(code).strip("\n"))


def _result(value: ast.expr, source: str, last: ast.If | None) -> list[str]:
    """What the program does with the result of `main`, with the result in its place."""
    result = ast.get_source_segment(source, value) or ""
    statements = last.body if last else []
    told = [ast.get_source_segment(source, statement) or "" for statement in statements]
    calls = [
        ast.get_source_segment(source, call) or ""
        for statement in statements
        for call in ast.walk(statement)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "main"
    ]
    if not calls:
        return [f"    {result}"]
    text = "\n".join(told)
    text = text.replace(calls[0], result) if f"= {calls[0]}" in text else text.replace(calls[0], "result")
    return textwrap.indent(text if f"= {result}" in text else f"result = {result}\n{text}", "    ").splitlines()


def notebook(tutorial: Tutorial, shown: list[list[dict[str, str]]]) -> str:
    """The tutorial as a notebook, with what its cells showed.

    Args:
        tutorial: the tutorial.
        shown: the outputs of each of its blocks.
    """
    source = program_of(tutorial)
    made = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    beyond = lesson(tutorial.name)
    cells = pieces(tutorial)
    begun = f"# {tutorial.title}\n\n{introduction(source)}\n\n{_without_pages(beyond.beginning)}\n\n{_needs(cells)}"
    made.cells.append(_text_cell(begun, len(made.cells)))
    for number, (cell, outputs) in enumerate(zip(cells, shown), 1):
        if cell.text:
            made.cells.append(_text_cell(cell.text, len(made.cells)))
        code = nbformat.v4.new_code_cell(cell.code, execution_count=number, id=f"cell-{len(made.cells)}")
        code.outputs = [_output(output, number) for output in outputs]
        made.cells.append(code)
    made.cells.append(_text_cell(_without_pages(beyond.end), len(made.cells)))
    nbformat.validate(made)
    return json.dumps(made, indent=1) + "\n"


def _needs(cells: list[Cell]) -> str:
    """What must be installed before a notebook is run: nobody who has it alone can read that elsewhere."""
    if any("import matplotlib" in cell.code for cell in cells):
        return "It needs eagerflow and matplotlib: in a clone of eagerflow, `pip install '.[plot]'` installs both."
    return "It needs eagerflow: in a clone of it, `pip install .` installs that."


def _without_pages(text: str) -> str:
    """Text whose links to pages of the site, which a notebook hasn't beside it, are only their words."""
    return _PAGE.sub(r"\1", text)


def _text_cell(text: str, number: int) -> Any:
    return nbformat.v4.new_markdown_cell(text, id=f"cell-{number}")


def _output(output: dict[str, str], number: int) -> Any:
    if output["kind"] == "text":
        return nbformat.v4.new_output("stream", name="stdout", text=output["data"] + "\n")
    kind = {"html": "text/html", "svg": "image/svg+xml", "png": "image/png"}[output["kind"]]
    return nbformat.v4.new_output("display_data", data={kind: output["data"]})


def count_of_blocks(tutorial: Tutorial) -> int:
    """How many blocks its page has."""
    return len(blocks(markdown(tutorial)))
