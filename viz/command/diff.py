"""`viz diff A B`: what differs between two recordings, or two files of weights."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from viz.compare.markdown import markdown, verdict_lines
from viz.compare.usual_costs import usual_costs
from viz.comparison import diff
from viz.facts.json_data import json_text
from viz.recording import load
from viz.shell.statuses import DONE, FOUND, IMPOSSIBLE

__all__ = ["run_diff"]


def run_diff(options: argparse.Namespace) -> int:
    """Run `viz diff`."""
    try:
        found = diff(options.a, options.b, steps=options.steps)
    except TypeError as error:  # two files of different kinds
        said = str(error) if options.b else "give a second file, or two steps of the first: --steps 0,9"
        raise ValueError(said) from None
    more_a, more_b = ([load(path) for path in paths] for paths in (options.more_a, options.more_b))
    if (more_a or more_b) and not options.fail_if:
        raise ValueError("--more-a and --more-b are for conditions: add --fail-if")
    verdicts = found.check(*options.fail_if, more_a=more_a, more_b=more_b) if options.fail_if else []
    if options.html:
        found.to_html(options.html)
        print(f"wrote {options.html}", file=sys.stderr)
    if options.json:
        told = found.to_dict()
        told["usual"] = usual_costs(found).to_dict()  # as the table; `layers` and `kinds` sum up all that was compared
        told["pairs"] = told.pop("pairs", [])  # a long list of numbers stands last
        told |= {"conditions": [dataclasses.asdict(each) for each in verdicts]} if verdicts else {}
        print(json_text(told))
    elif options.markdown:
        print(markdown(found, verdicts))
    else:
        print(str(found))
        print("\n".join(["conditions:", *verdict_lines(verdicts)]) if verdicts else "", end="\n" if verdicts else "")
    if not verdicts:
        return int(bool(found))
    failed = {verdict.failed for verdict in verdicts}
    return FOUND if True in failed else IMPOSSIBLE if None in failed else DONE
