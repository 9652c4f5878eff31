"""The page as one HTML file: data, styles and scripts in it, and nothing to load."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import itertools
import json
import os
import pathlib
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from viz.facts.collector import collector_at_rest
from viz.facts.formatting import role
from viz.facts.schema import ROLES, Record
from viz.facts.text_files import check_html, write_text
from viz.page.data import MOST_OPS, data
from viz.page.modules import asset, joined
from viz.picture.legend import WORDS
from viz.picture.notebook_theme import where_grounds_are
from viz.picture.operands import ORDERED
from viz.picture.outputs import OUTPUT_NAMES
from viz.picture.palette import THEMES, Theme, inks, ramp

__all__ = ["Page", "document", "inert", "page_styles", "render", "rules", "to_html"]

STYLES = tuple(f"page/assets/styles/{name}.css" for name in ("page", "toolbar", "graph", "panels", "dock", "plot"))
_START = "page/assets/app/start.js"
_PACKED_FROM = 400_000  # bytes of JSON from which packing is worth the 10 ms that it costs
_DIFFERENCES_FROM = 300  # ops from which columns are written as differences
_SHORTEST_COLUMN = 8
_COLUMNS = ("ops", "scopes", "tensors", "memory", "steps", "names", "views", "variables", "same")
_INTEGERS = {int, type(None)}
_LEVEL = 5  # of packing: 6 takes twice the time for 2 % fewer bytes
_NOTEBOOK_HEIGHT = 720
_TELLING = 16  # pixels that the frame is higher in a dark notebook, and lower in a light one: app/start.js reads it
_FRAME = "eagerflow-page"
_ELSEWHERE = "The page of a recording is shown in notebooks that you trust."  # what others leave of the frame


class Page(str):
    """A whole HTML document as text, which shows itself in notebooks.

    There it lies in a frame that can neither reach the notebook nor the network.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        # A frame learns nothing of the colours around it but by its size.
        light, dark = (f"height:{_NOTEBOOK_HEIGHT + by}px!important" for by in (-_TELLING, _TELLING))
        style = (
            f"box-sizing:border-box;width:100%;height:{_NOTEBOOK_HEIGHT}px;border:1px solid #8b96a3;border-radius:8px"
        )
        rights = "allow-scripts allow-downloads"
        frame = (
            f'<iframe class="{_FRAME}" title="eagerflow" sandbox="{rights}" style="{style}" srcdoc="{escape(self)}">'
        )
        return f"{where_grounds_are(_FRAME, light, dark)}{frame}{_ELSEWHERE}</iframe>"


def to_html(
    record: Record,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    marks: Callable[[int, int], dict[str, Any]] | None = None,
    most_ops: int = MOST_OPS,
    step: int | None = None,
) -> Page | pathlib.Path:
    """The page of a recording; see `viz.Recording.to_html`.

    Args:
        record: the recording.
        path: where to write it; None: nowhere.
        title: what stands at the top.
        marks: what differs from another recording, for the first op that is shown and how many are: see
            `viz.compare.page_marks`.
        most_ops: how many ops are shown; of more, the steps around the one that is shown.
        step: the number of the step that is shown first; default: the one that pictures show.
    """
    if path is not None:
        check_html(path)
    with collector_at_rest():
        found = data(record, title, most_ops, step=step)
        if marks is not None:
            found["diff"] = marks(found["first_op"], len(found["ops"]["name"]))
        page = render(found)
    return page if path is None else write_text(path, page)


def render(
    content: dict[str, Any],
    modules: Sequence[str] = (),
    first_scripts: Sequence[str] = (),
    extra_styles: Sequence[str] = (),
    connect: str = "'none'",
) -> Page:
    """The page of what `data` gave.

    Args:
        content: the data.
        modules: paths within `viz` of modules that run after the page's own. They find the page as `eagerflowViewer`.
        first_scripts: JavaScript that runs before all modules.
        extra_styles: CSS that comes after the page's own.
        connect: where scripts may connect to, as a `connect-src` of a Content-Security-Policy; by default nowhere.

    Returns:
        The document. Only the scripts in it may run: the policy names them by their hashes, so that nothing in
        the data can become a script, whatever it holds.
    """
    return document(
        str(content.get("title") or "eagerflow"),
        [*first_scripts, joined(_START, *modules)],
        [*page_styles(), *extra_styles],
        _packed(content),
        connect,
    )


def document(
    title: str,
    scripts: Sequence[str],
    styles: Sequence[str],
    elements: str,
    connect: str = "'none'",
    script_sources: str = "",
) -> Page:
    """A whole page.

    Args:
        title: its title.
        scripts: modules of JavaScript, each in a `<script>` of its own; only these may run.
        styles: CSS.
        elements: what stands before the scripts, as HTML.
        connect: where scripts may connect to.
        script_sources: what else the policy allows scripts to do or come from.
    """
    for script in scripts:
        if "</script" in script.lower():
            raise ValueError("a script of the page holds '</script', which would end it: write '<\\/script'")
    hashes = " ".join([f"'sha256-{_digest(script)}'" for script in scripts])
    policy = (
        f"default-src 'none'; script-src {hashes}{script_sources and ' ' + script_sources}; style-src 'unsafe-inline'; "
        f"img-src data: blob:; connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(title),
        "styles": "\n".join([line.strip() for style in styles for line in style.splitlines()]),
        "rules": inert(rules()),
        "data": elements,
        "scripts": "".join([f'<script type="module">{script}</script>\n' for script in scripts]),
    }
    pieces = asset("page/assets/page.html").split("@@")  # text, name, ..., text: filled in once
    return Page(_writable("".join([parts[piece] if i % 2 else piece for i, piece in enumerate(pieces)])))


def page_styles() -> list[str]:
    """The styles of the page of a recording, colours among them."""
    return [_colors(), *[asset(path) for path in STYLES]]


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _packed(content: dict[str, Any]) -> str:
    """The element with the data: JSON that no text in it can end, packed when it is large."""
    if len(content.get("ops", {}).get("name", ())) >= _DIFFERENCES_FROM:
        content = content | {name: _differences(content[name]) for name in _COLUMNS} | {"differences": _COLUMNS}
    text = _writable(json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")))
    if len(text) < _PACKED_FROM:
        return f'<script type="application/json" id="recording">{_escaped(text)}</script>'
    packed = base64.b64encode(gzip.compress(text.encode("utf-8"), _LEVEL, mtime=0)).decode("ascii")
    return f'<script type="application/json" id="recording" data-packed="gzip">"{packed}"</script>'


def _differences(value: Any) -> Any:
    """Integers as differences to the one before, or in the row before: ids go on from step to step, so these repeat.

    Returns:
        Columns as `{"differences": numbers}`, and lists of lists with `rows`, their length or lengths.
    """
    if isinstance(value, dict):
        return {name: _differences(each) for name, each in value.items()}
    if not isinstance(value, list | tuple):
        return value
    if len(value) >= _SHORTEST_COLUMN:
        kinds = {*map(type, value)}
        if kinds <= _INTEGERS:
            return {"differences": _from_before(value, 1)}
        if kinds <= {list, tuple} and {*map(type, itertools.chain.from_iterable(value))} <= _INTEGERS:
            lengths = [*map(len, value)]
            same = lengths[0] if len({*lengths}) == 1 else 0
            flat = _from_before([*itertools.chain.from_iterable(value)], same or 1)
            return {"differences": flat, "rows": same or lengths}
    return [_differences(each) if isinstance(each, dict | list | tuple) else each for each in value]


def _from_before(numbers: Sequence[int | None], width: int) -> list[int | None]:
    """How much greater each number is than the last one `width` places before, or a multiple of that."""
    found, last = list[int | None](), [0] * width
    for i, number in enumerate(numbers):
        found.append(None if number is None else number - last[i % width])
        last[i % width] = last[i % width] if number is None else number
    return found


def _writable(text: str) -> str:
    """`text` without the halves of surrogate pairs, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def inert(value: Any) -> str:
    """JSON that can stand in an element of HTML: no text in it can end that."""
    return _escaped(_writable(json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))))


def _escaped(text: str) -> str:
    """JSON that can stand in HTML: `<` and the line ends that only JavaScript knows are written as escapes."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def rules() -> dict[str, Any]:
    """What the scripts know of pictures: colours, with every shade and its ink, and words and names."""
    themes = {
        name: {**dataclasses.asdict(theme), "heat": ramp(theme.heat), "cool": ramp(theme.cool), "inks": inks(theme)}
        for name, theme in THEMES.items()
    }
    roles = {name: role(name) for name in ROLES}
    return {"themes": themes, "phases": WORDS, "roles": roles, "ordered": sorted(ORDERED), "outputs": OUTPUT_NAMES}


def _colors() -> str:
    """The colours of pictures as CSS variables: light, or dark where the reader's system is or the switch says so."""
    light, dark = _variables(THEMES["light"]), _variables(THEMES["dark"])
    return (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media (prefers-color-scheme: dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
    )


def _variables(theme: Theme) -> str:
    found = {
        "page": theme.page,
        "ink": theme.ink,
        "muted": theme.muted,
        "frame": theme.frame,
        "plain": theme.plain,
        "frame-odd": theme.frames[1],
        "frame-even": theme.frames[0],
        "flaw": theme.flaw,
        "origin": theme.origin,
        "error-fill": theme.error[0],
        "error": theme.error[1],
    }
    for phase, (fill, line) in theme.phases.items():
        found[f"{phase}-fill"], found[phase] = fill, line
    for kind, line in theme.lines.items():
        found[f"line-{kind}"] = line
    return "".join([f"--{name}:{color};" for name, color in found.items()])
