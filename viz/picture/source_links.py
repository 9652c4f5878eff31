"""Links from the boxes of a picture to the lines of code that they came from."""

from __future__ import annotations

import os
import pathlib
from urllib.parse import quote

from viz.facts.schema import Frame, Record
from viz.facts.selection import line_of
from viz.geometry.graph import Graph

__all__ = ["TEMPLATE", "link_to_sources"]

TEMPLATE = "{file}#L{line}"


def link_to_sources(record: Record, graph: Graph, template: str, folder: str | os.PathLike[str] | None) -> None:
    """Let each box lead to the line of its first op, see `line_of`.

    Args:
        record: the recording.
        graph: its picture.
        template: the address, with `{file}`, `{path}` and `{line}` in it. `{file}` is relative to `folder`, `{path}`
            is absolute.
        folder: where the picture will lie; default: the working directory.

    Raises:
        ValueError: when the template names something else.
    """
    try:
        template.format(file="", path="", line=0)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"links={template!r}: only {{file}}, {{path}} and {{line}} can be filled in ({error})"
        ) from None
    for node in graph.nodes.values():
        line = line_of(record, record.ops[node.ops[0]]) if node.ops else None
        if line is not None:
            node.link = _address(line, template, pathlib.Path(folder or "."))


def _address(frame: Frame, template: str, folder: pathlib.Path) -> str:
    """The link, or "" for code that is in no file."""
    if not os.path.isabs(frame.file):
        return ""
    try:
        relative = os.path.relpath(frame.file, folder.resolve()).replace(os.sep, "/")
    except ValueError:  # on another drive
        relative = pathlib.Path(frame.file).as_uri()
    file, path = [quote(os.fsencode(each), safe="/:") for each in (relative, frame.file)]
    return template.format(file=file, path=path, line=frame.line)
