"""`viz html FILE`: write the interactive page of a recording."""

from __future__ import annotations

import argparse
import pathlib
from importlib import import_module

from viz.facts import archive
from viz.facts.digest.shown_step import shown_position
from viz.facts.formatting import is_model
from viz.facts.schema import Record
from viz.facts.selection import count_of_steps, step_name
from viz.page import to_html
from viz.shell.output_files import replaces
from viz.shell.program import check_kept

__all__ = ["run_html"]


def run_html(options: argparse.Namespace) -> int:
    """Run `viz html`."""
    # Beside model.onnx there may lie model.html, the page of `export(format="web")`.
    ending = ".trace.html" if is_model(options.file) else ".html"
    out = pathlib.Path(options.out or pathlib.Path(options.file).with_suffix(ending))
    check_kept(options.file, out)
    instead = replaces(out, options.out is not None)
    first = _first(_written(options, out), options.step)
    print(f"wrote {out}{instead}{first}; open it in a browser")
    return 0


def _written(options: argparse.Namespace, out: pathlib.Path) -> Record:
    """Write the page of a recording, and return that; what runs models, or compares, is loaded where it must be."""
    if not (options.rank or options.sizes or options.diff or is_model(options.file)):
        record = archive.read(options.file)
        to_html(record, out, step=options.step)
        return record
    recording: Record = import_module("viz.command.models").opened(options)
    other = None if options.diff is None else import_module("viz.recording").load(options.diff)
    recording.to_html(out, diff=other, step=options.step)  # type: ignore[attr-defined]
    return recording


def _first(record: Record, step: int | None) -> str:
    """Which step the page shows first, where there are several."""
    at = shown_position(record, step)
    return f": it shows {step_name(record, at)} first" if at is not None and count_of_steps(record) > 1 else ""
