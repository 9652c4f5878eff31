"""`viz html FILE`: write the interactive page of a recording."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import webbrowser
from importlib import import_module

from viz.facts import archive
from viz.page import to_html
from viz.shell.input_files import check_kept
from viz.shell.parser import Parser

__all__ = ["add_command", "write_page"]

_ABOUT = """\
Write the interactive page of a recording: one HTML file that needs no network.

  viz html train.efz                    writes train.html
  viz html train.efz -o step.html --open
  viz html model.onnx --sizes batch=8   of a model in an ONNX file, run on made-up inputs: model.trace.html
  viz html new.efz --diff old.efz       marks what differs from another recording"""


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_recording()
    parser.add_place("page.html", "where to write (default: file.html; of an ONNX file file.trace.html)")
    parser.add_argument("--diff", metavar="other.efz", help="another recording: what differs is marked")
    parser.add_argument("--title", help="what stands at the top")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.set_defaults(command=write_page)


def write_page(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `file`, `sizes`, `out`, `diff`, `title`, `open` and `json`.

    Returns:
        0; problems are raised.
    """
    # Beside model.onnx there may lie model.html, the page of `export(format="web")`.
    ending = ".trace.html" if options.file.lower().endswith(".onnx") else ".html"
    out = pathlib.Path(options.out or pathlib.Path(options.file).with_suffix(ending))
    check_kept(options.file, out)
    ops = _write(options, out)
    if options.json:
        print(json.dumps({"file": str(out), "ops": ops}))
    else:
        print(f"wrote {out}")
    if options.open and not webbrowser.open(out.resolve().as_uri()):
        print(f"no browser could be opened; open {out} yourself", file=sys.stderr)
    return 0


def _write(options: argparse.Namespace, out: pathlib.Path) -> int:
    """Write the page and count its recording's ops; what runs models, or compares, is loaded where it must be."""
    if not (options.rank or options.sizes or options.diff or options.file.lower().endswith(".onnx")):
        record = archive.read(options.file)
        to_html(record, out, options.title)
        return len(record.ops)
    recording = import_module("viz.command.models").opened(options)
    other = None if options.diff is None else import_module("viz.recording").load(options.diff)
    recording.to_html(out, diff=other, title=options.title)
    return len(recording.ops)
