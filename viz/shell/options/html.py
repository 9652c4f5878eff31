"""`viz html FILE`: its arguments."""

from __future__ import annotations

from viz.shell.parser import Parser

__all__ = ["add_command"]

_ABOUT = """\
Write the interactive page of a recording: one HTML file that needs no network.

  viz html train.efz                    writes train.html
  viz html train.efz step.html --open
  viz html model.onnx --sizes batch=8   of a model in an ONNX file, run on made-up inputs: model.trace.html
  viz html new.efz --diff old.efz       marks what differs from another recording"""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_recording()
    where = "where to write (default: file.html; of an ONNX file file.trace.html)"
    parser.add_argument("out", nargs="?", metavar="page.html", help=where)
    parser.add_argument("--diff", metavar="other.efz", help="another recording: what differs is marked")
    parser.add_argument(
        "--step",
        type=int,
        metavar="N",
        help="which step it opens on, from 0 (default: the last complete one of the usual batch size); of a recording "
        "of more than 1,000 steps the page holds those around it",
    )
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.set_defaults(command="viz.command.html.write_page")
