"""Runs the Python blocks of one page, in a process of its own, and writes what they show.

    python -m tools.site.run_page PAGE RESULT.json

Those marked `python doctor` are scripts of their own, of which is kept what `viz doctor` says. The other blocks of a
page run in order and share their names, as if pasted into one session. Of each block is kept what it
prints, what its last expression shows (a picture, HTML, or its repr) and the pictures that it writes. A live page shows
what it shows in a notebook, where no address of it is printed: who knows that could read it while the site is built.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import linecache
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import viz.cli
from eagerflow.utils import set_random_seed
from tools.site import figures
from tools.site.live_pages import live_pages
from viz.facts.lines.room import folded, room
from viz.picture.drawing import Drawing
from viz.picture.notebook_theme import darkened

BLOCK = re.compile(r"^```python( doctor)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NOBODYS = re.compile(r"^<[\w.]+ .*at 0x[0-9a-f]+>$", re.DOTALL)
_IN_COLUMNS = re.compile(r"\S\s{2,}\S|[│┃─━┏└]")
DOCTORS_SEED = 0  # as in examples/viz_doctor.py, so that the text has the numbers of the picture below it
Output = dict[str, str]


class Block(NamedTuple):
    """A Python block of a page: the line on which it begins, its code, and whether the doctor is to look at it."""

    line: int
    code: str
    for_doctor: bool


def blocks(text: str) -> list[Block]:
    r"""The Python blocks of a page.

    >>> blocks("# A page\n```python\nx = 1\n```\n")
    [Block(line=3, code='x = 1\n', for_doctor=False)]
    """
    return [Block(text.count("\n", 0, found.start(2)) + 1, found[2], bool(found[1])) for found in BLOCK.finditer(text)]


def run(text: str, name: str) -> dict[str, Any]:
    """What the blocks of a page show, in order; it ends with the first that fails.

    Args:
        text: the page.
        name: of its file. What runs is called `training.py` for `training.md`: a reader who pastes the blocks into
            such a script, with an empty line between them, finds in it the lines that tables and pictures name.
    """
    with _written_drawings() as drawn:
        return _run_blocks(text, name, drawn)


def _run_blocks(text: str, name: str, drawn: dict[Path, Drawing]) -> dict[str, Any]:
    script = f"{name.removesuffix('.md').removesuffix('.py')}.py"
    together = "\n".join([block.code for block in blocks(text) if not block.for_doctor])
    linecache.cache[script] = (len(together), None, together.splitlines(keepends=True), script)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": script}
    shown: list[list[Output]] = []
    places: list[int] = []  # on which line of the page each line of the script stands
    for line, code, for_doctor in blocks(text):
        there = _pictures()
        own = [] if for_doctor else [*range(line, line + code.count("\n") + 1)]
        try:
            outputs = _examined(code) if for_doctor else _run_block("\n" * len(places) + code, script, names)
        except (Exception, SystemExit) as error:
            return {"outputs": shown, "error": _told(error, name), "line": _line(error, script, [*places, *own], line)}
        places += own
        has_picture = any(output["kind"] != "text" for output in outputs)
        shown.append(outputs if has_picture else [*outputs, *_new_pictures(there, drawn)])
    return {"outputs": shown}


@contextlib.contextmanager
def _written_drawings() -> Iterator[dict[Path, Drawing]]:
    """Inside, it is noted where drawings are written: those of recordings, and those of `plot_model`.

    Yields:
        Each drawing by its file.
    """
    classes: Any = Drawing
    save = classes.save
    written: dict[Path, Drawing] = {}

    def saved(self: Drawing, path: Any) -> Path:
        target: Path = save(self, path)
        written[target.resolve()] = self
        return target

    classes.save = saved
    try:
        yield written
    finally:
        classes.save = save


def _run_block(code: str, name: str, names: dict[str, Any]) -> list[Output]:
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = Terminal()
    value = None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), live_pages() as pages:
        exec(compile(tree, name, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), names)
    text = folded_sentences(plain(printed.getvalue()), room(printed))
    pictures = [{"kind": "html", "data": page} for page in pages()]
    pictures += figures.shown()
    return ([{"kind": "text", "data": text}] if text else []) + pictures + shown_value(value)


class Terminal(io.StringIO):
    """Has as many columns as COLUMNS says: tables and sentences take no more, so that a page shows them whole."""

    def isatty(self) -> bool:
        return True


def _examined(script: str) -> list[Output]:
    """What `viz doctor` says of a script, with the random numbers that the page's picture was drawn with."""
    set_random_seed(DOCTORS_SEED)
    Path("train.py").write_text(script, encoding="utf-8")
    with contextlib.redirect_stdout(Terminal()) as printed, contextlib.redirect_stderr(io.StringIO()):
        viz.cli.main(["doctor", "train.py"])
    return [{"kind": "text", "data": f"$ viz doctor train.py\n\n{plain(printed.getvalue())}"}]


def plain(text: str) -> str:
    r"""What a terminal shows in the end: without colours, and of a line that was written over the last state.

    >>> plain("1/2\r2/2\ndone\n")
    '2/2\ndone'
    """
    lines = [_ESCAPE.sub("", line) for line in text.replace("\r\n", "\n").split("\n")]
    return "\n".join(_last_state(line).rstrip() for line in lines).strip("\n")


def folded_sentences(text: str, places: int | None) -> str:
    r"""Text whose sentences go on in the next line where a page ends, as in a terminal; tables stay as they are.

    >>> folded_sentences("a sentence of words\nname    size of it", 12)
    'a sentence\nof words\nname    size of it'
    """
    return "\n".join(line if _IN_COLUMNS.search(line) else folded(line, places) for line in text.split("\n"))


def _last_state(line: str) -> str:
    line = next((state for state in reversed(line.split("\r")) if state.strip()), "")
    while "\b" in line:
        line = re.sub(r"[^\b]?\b", "", line, count=1)
    return line


def shown_value(value: Any) -> list[Output]:
    """What a notebook would show of it; nothing for None, for a path, and for what only has an address."""
    if value is None or isinstance(value, Path):
        return []
    for method, kind in (("_repr_svg_", "svg"), ("_repr_html_", "html")):
        made = getattr(value, method, None)
        data = made() if callable(made) and not isinstance(value, type) else None
        if data:
            return [{"kind": kind, "data": data} | _dark(value)]
    with contextlib.redirect_stdout(Terminal()):
        text = repr(value)
    return [] if _NOBODYS.match(text) else [{"kind": "text", "data": plain(text)}]


def _dark(value: Any) -> Output:
    """The same picture for dark pages, where it is a drawing in light colours."""
    if not isinstance(value, Drawing) or value.graph.theme != "light":
        return {}
    return {"dark": Drawing(darkened(value.graph), value.rankdir, value.dpi).svg}


def _pictures() -> dict[Path, int]:
    found = [path for ending in ("svg", "png") for path in Path.cwd().glob(f"**/*.{ending}")]
    return {path: path.stat().st_mtime_ns for path in found}


def _new_pictures(there: dict[Path, int], drawn: dict[Path, Drawing]) -> list[Output]:
    new = [path for path, changed in _pictures().items() if there.get(path) != changed]
    stems = {path.with_suffix("") for path in new if path.suffix == ".svg"}
    chosen = sorted(path for path in new if path.suffix == ".svg" or path.with_suffix("") not in stems)
    return [picture(path) | _dark(drawn.get(path.resolve())) for path in chosen]


def picture(path: Path) -> Output:
    """A picture's file as an output."""
    if path.suffix == ".svg":
        return {"kind": "svg", "data": path.read_text(encoding="utf-8")}
    return {"kind": "png", "data": base64.b64encode(path.read_bytes()).decode("ascii")}


def _told(error: BaseException, name: str) -> str:
    return "".join(traceback.format_exception(error)[-6:]) if name else str(error)


def _line(error: BaseException, script: str, places: list[int], begin: int) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    return next((places[line - 1] for line in reversed(lines) if line), begin)


def main(page: str, result: str) -> None:
    """Run a page and write its outputs, without the path of the folder that it ran in."""
    text = Path(page).read_text(encoding="utf-8")
    found = json.dumps(run(text, os.path.basename(page)))
    here = json.dumps(os.getcwd())[1:-1]
    Path(result).write_text(found.replace(here + "/", "").replace(here, "."), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
