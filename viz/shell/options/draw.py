"""`viz draw FILE`: its arguments."""

from __future__ import annotations

from viz.choices import COLORINGS, FORMATS, THEMES, VIEWS
from viz.shell.parser import Parser

__all__ = ["add_command"]

_ABOUT = """\
Draw one training step (the last one with a whole batch, or --step N) as a picture, with layers as frames.

  viz draw train.efz step.svg
  viz draw train.efz step.png --color-by time --theme dark
  viz draw train.efz nan.svg --color-by nonfinite     where NaN came from (recorded with --stats basic)
  viz draw train.efz layers.pdf --view layers --depth 2"""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_recording()
    where = "where to write; the ending is the format (default: FILE.svg)"
    parser.add_argument("out", nargs="?", metavar="out." + "|".join(FORMATS), help=where)
    parser.add_argument("--view", choices=VIEWS, default="both", help="which passes (default: both)")
    parser.add_argument("--depth", type=int, metavar="N", help="how many levels of layers to expand")
    parser.add_argument("--color-by", choices=COLORINGS, default="op", help="what colours stand for (default: op)")
    parser.add_argument("--theme", choices=THEMES, default="light", help="light or dark (default: light)")
    parser.add_argument(
        "--max-nodes",
        type=int,
        default=100,
        metavar="N",
        help="collapse layers when there are more rows than this (default: 100)",
    )
    parser.add_argument(
        "--step",
        type=int,
        metavar="N",
        help="which step, from 0 (default: the last complete one of the usual batch size)",
    )
    parser.add_argument("--parts", action="store_true", help="open fused ops into the ops that they are made of")
    parser.add_argument(
        "--all-repeats",
        action="store_true",
        help="draw equal blocks one by one, not once with ×N (in Python: draw(collapse_repeats=False))",
    )
    parser.set_defaults(command="viz.command.draw.run_draw")
