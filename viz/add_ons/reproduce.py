"""`viz reproduce SCRIPT`: two runs of a script, and the first thing in which they differ."""

from __future__ import annotations

import argparse

from viz.check.reproduce import as_json, reproduce, run_noted
from viz.check.row import fault, fine, shown
from viz.shell.program import Script
from viz.shell.statuses import Impossible
from viz.shell.terminal import paint

__all__ = ["run_reproduce"]


def run_reproduce(options: argparse.Namespace) -> int:
    """Run `viz reproduce`."""
    script = Script.of(options)
    if options.steps < 0:
        raise ValueError("--steps must be 0 or more")
    steps = options.steps or None
    if options.journal:
        return run_noted(script, steps, options.journal)
    found = reproduce(script, steps)
    if options.json:
        print(as_json(found))
    elif not isinstance(found, str):
        row = fine(found.message) if found.same else fault(found.message, found.fix, found.place)
        row.name = "two runs"
        print(shown([row], paint))
    if isinstance(found, str):
        raise Impossible(found)
    return int(not found.same)
