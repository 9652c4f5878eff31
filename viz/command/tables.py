"""`viz summary`, `viz top`, `viz memory` and `viz gradients`: a recording as a table."""

from __future__ import annotations

import argparse
import sys

from viz.command.models import opened, seen
from viz.facts.json_data import json_text
from viz.facts.memory_use import memory_use
from viz.facts.ranks import rank_table
from viz.facts.tables import summary, top
from viz.shell.output_files import check_chart
from viz.shell.printed import print_table, say

__all__ = ["run_gradients", "run_memory", "run_summary", "run_top"]


def run_summary(options: argparse.Namespace) -> int:
    """Run `viz summary`."""
    recording = seen(options)
    if options.json:
        print(json_text(summary.facts(recording, options.step, options.depth)))
    else:
        print_table(summary.summary(recording, options.step, options.depth, "--depth "))
    return 0


def run_top(options: argparse.Namespace) -> int:
    """Run `viz top`."""
    recording = seen(options, stats=False)
    if options.json:
        print(json_text(top.facts(recording, options.by, options.n, options.step)))
    else:
        if recording.others:
            print_table(f"{rank_table(recording)}\n\nrank 0 (others: --rank N)")
        print_table(top.top(recording, options.by, options.n, options.step, option="-n "))
    return 0


def run_memory(options: argparse.Namespace) -> int:
    """Run `viz memory`."""
    if options.n < 1:
        raise ValueError(f"-n {options.n}: expected at least 1")
    use = memory_use(seen(options, stats=False), options.step)
    say(options, use.to_dict(), str(use.text(options.n, "-n ")))
    return 0


def run_gradients(options: argparse.Namespace) -> int:
    """Run `viz gradients`."""
    check_chart(options.draw)
    flow = opened(options).grad_flow(options.draw, options.step)
    if options.draw:
        print(f"wrote {options.draw}", file=sys.stderr)
    say(options, {"step": flow.number, "rows": flow.to_dict()}, str(flow))
    return 0
