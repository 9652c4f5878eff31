"""`viz annotate FILE`: the lines of the user's code with what they cost in the margin."""

from __future__ import annotations

import argparse

from viz.annotation.costs import costs_by_line
from viz.annotation.report import page, text
from viz.command.models import opened
from viz.facts.json_data import json_text
from viz.reports.page import write_page
from viz.shell.output_files import check_target
from viz.shell.terminal import paint

__all__ = ["run_annotate"]


def run_annotate(options: argparse.Namespace) -> int:
    """Run `viz annotate`."""
    check_target(options.html, ("html", "htm"))
    costs = costs_by_line(opened(options), options.step)
    if options.html:
        write_page(options.html, page(costs))
    if options.json:
        print(json_text(costs.to_dict()))
    elif options.html:
        print(f"wrote {options.html}")
    elif not costs.lines:
        print("no op of this recording was run by a line of yours" if costs.elsewhere else "nothing was recorded")
    else:
        print(text(costs, options.all, paint))
    return 0
