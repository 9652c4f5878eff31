"""`viz html FILE`: write the interactive page of a recording."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import webbrowser
from importlib import import_module

from viz.command.output_files import replaces
from viz.facts import archive
from viz.facts.digest.asked_step import shown_position
from viz.facts.formatting import is_model
from viz.facts.schema import Record
from viz.facts.selection import count_of_steps, step_name, step_numbers
from viz.facts.smaller.near_step import Near
from viz.page import MOST_OPS, to_html
from viz.shell.input_files import check_kept

__all__ = ["write_page"]


def write_page(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `file`, `sizes`, `out`, `diff`, `title`, `step`, `open` and `json`.

    Returns:
        0; problems are raised.
    """
    # Beside model.onnx there may lie model.html, the page of `export(format="web")`.
    ending = ".trace.html" if is_model(options.file) else ".html"
    out = pathlib.Path(options.out or pathlib.Path(options.file).with_suffix(ending))
    check_kept(options.file, out)
    instead = replaces(out, options.out is not None)
    ops, step, first = _write(options, out)
    if options.json:
        print(json.dumps({"file": str(out), "ops": ops, "step": step}))
    else:
        print(f"wrote {out}{instead}{first}; {'opening it' if options.open else 'open it in a browser (--open does)'}")
    if options.open and not webbrowser.open(out.resolve().as_uri()):
        print(f"no browser could be opened; open {out} yourself", file=sys.stderr)
    return 0


def _write(options: argparse.Namespace, out: pathlib.Path) -> tuple[int, int | None, str]:
    """Write the page; what runs models, or compares, is loaded where it must be.

    Returns:
        How many ops the recording has, and which step the page shows first: its number and words.
    """
    if not (options.rank or options.sizes or options.diff or is_model(options.file)):
        record = archive.read(options.file, near=Near(options.step, MOST_OPS))
        to_html(record, out, options.title, step=options.step)
        return (len(record.ops) if record.whole is None else record.whole.ops), *_first(record, options.step)
    recording = import_module("viz.command.models").opened(options)
    other = None if options.diff is None else import_module("viz.recording").load(options.diff)
    recording.to_html(out, diff=other, title=options.title, step=options.step)
    return len(recording.ops), *_first(recording, options.step)


def _first(record: Record, step: int | None) -> tuple[int | None, str]:
    """The step that the page shows first: its number, and what is said of it where there are several."""
    at = shown_position(record, step)
    if at is None:
        return None, ""
    number = step_numbers(record)[at]
    return number, f": it shows {step_name(record, at)} first" if count_of_steps(record) > 1 else ""
