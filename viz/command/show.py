"""`viz show FILE`: what a recording holds."""

from __future__ import annotations

import argparse
from importlib import import_module

from viz.facts.overview import glance, overview
from viz.facts.ranks import rank_table
from viz.facts.schema import Record
from viz.facts.summary_tables import describe
from viz.shell.parser import Parser
from viz.shell.printed import print_json, print_table
from viz.shell.terminal import paint

__all__ = ["add_command", "run_show"]


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.add_recording()
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.set_defaults(command=run_show)


def run_show(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `file`, `sizes`, `rank` and `json`.

    Returns:
        0; problems are raised.
    """
    recording, tensors = _seen(options)
    facts = overview(recording, tensors)
    if options.json:
        print_json(facts)
        return 0
    print(paint(describe(recording), "1"))
    phases = "  ".join([f"{name} {count:,}" for name, count in facts["phases"].items()])
    print(f"ops: {phases}")
    if facts["replayed"]:
        print(f"{facts['replayed']:,} of them in captured steps, replayed")
    if recording.others:
        print_table(rank_table(recording))
    print(f"made with Python {facts['python']}, {facts['began']}")
    for note in recording.notes:
        print(f"{paint('note:', '33')} {note}")
    for op in facts["failed"]:
        print(f"{paint('failed:', '31')} {op['op']} in {op['layer'] or 'no layer'} at {op['source']}: {op['error']}")
    return 0


def _seen(options: argparse.Namespace) -> tuple[Record, int | None]:
    """As much as is told; all that reads a recording whole, or runs a model, is loaded where it must be."""
    seen = None if options.rank or options.sizes or options.file.lower().endswith(".onnx") else glance(options.file)
    return seen or (import_module("viz.command.models").opened(options), None)
