"""`viz annotate FILE`: the lines of the user's code with what they cost in the margin."""

from __future__ import annotations

import argparse

from viz.annotation.costs import costs_by_line
from viz.annotation.report import text, to_html
from viz.command.models import opened
from viz.command.output_files import check_target
from viz.facts.json_data import json_text
from viz.shell.parser import Parser
from viz.shell.terminal import paint

__all__ = ["add_command", "run_annotate"]

_ABOUT = """\
Show your source, and beside each line what it costs in one training step: shapes, times forward and backward, bytes,
norms of gradients. The cost of a layer is shown at the line that created it.

  viz run --stats basic train.py        records; with --stats norms of gradients are measured
  viz annotate train.efz
  viz annotate train.efz --html lines.html --step 3
  viz annotate train.efz --all          whole files, not only what is around lines that cost something"""


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_recording()
    parser.add_argument(
        "--step", type=int, help="which training step, from 0 (default: the last complete one of the usual size)"
    )
    parser.add_output(
        "--html", endings=("html", "htm"), suffix=".annotate.html", metavar="FILE.html", help="write a page instead"
    )
    parser.add_argument("--all", action="store_true", help="show whole files")
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.set_defaults(command=run_annotate)


def run_annotate(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `file`, `sizes`, `rank`, `step`, `html`, `all` and `json`.

    Returns:
        0; problems are raised.
    """
    check_target(options.html, ("html", "htm"))
    costs = costs_by_line(opened(options), options.step)
    if options.html:
        to_html(costs, options.html)
    if options.json:
        print(json_text(costs.to_dict()))
    elif options.html:
        print(f"wrote {options.html}")
    elif not costs.lines:
        print("no op of this recording was run by a line of yours" if costs.elsewhere else "nothing was recorded")
    else:
        print(text(costs, options.all, paint))
    return 0
