"""`viz summary`, `viz top`, `viz memory` and `viz gradients`: a recording as a table."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable

from viz.command.models import opened
from viz.command.output_files import CHARTS, check_chart
from viz.facts import summary_tables
from viz.shell.parser import Parser
from viz.shell.printed import print_json, print_table, say

__all__ = ["add_gradients", "add_memory", "add_summary", "add_top"]
__all__ += ["run_gradients", "run_memory", "run_summary", "run_top"]


def add_summary(parser: Parser) -> None:
    """Give a parser what `viz summary` understands."""
    _add(parser, run_summary)
    parser.add_examples(
        "viz summary train.efz",
        "viz summary --step 0 train.efz        of the first training step",
        "viz summary model.onnx                of a model in an ONNX file, run once",
    )
    _add_step(parser)


def add_top(parser: Parser) -> None:
    """Give a parser what `viz top` understands."""
    _add(parser, run_top)
    parser.add_examples(
        "viz top train.efz                     the ten that took most time",
        "viz top -n 20 --by memory train.efz",
        "viz top --by source train.efz         time by your lines of code",
    )
    by = "equal ops of all steps by time, memory or flops; or time summed by name, layer or source (default: time)"
    parser.add_argument("--by", choices=summary_tables.KEYS, default="time", help=by)
    parser.add_argument(
        "-n", "--count", dest="n", type=int, default=10, metavar="N", help="how many lines (default: 10)"
    )


def add_memory(parser: Parser) -> None:
    """Give a parser what `viz memory` understands."""
    _add(parser, run_memory)
    parser.add_examples("viz memory train.efz")


def add_gradients(parser: Parser) -> None:
    """Give a parser what `viz gradients` understands."""
    _add(parser, run_gradients)
    parser.add_examples(
        "viz run --stats basic train.py        records, with the sizes of gradients",
        "viz gradients train.efz",
        "viz gradients --draw flow.svg train.efz   also as a chart",
    )
    _add_step(parser)
    parser.add_output(
        "--draw",
        "--svg",
        endings=CHARTS,
        suffix=".gradients.svg",
        metavar="FILE.svg",
        help="also draw a chart: .svg, or .png or .pdf by CairoSVG or librsvg",
    )


def _add(parser: Parser, command: Callable[[argparse.Namespace], int]) -> None:
    parser.add_recording()
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.set_defaults(command=command)


def _add_step(parser: Parser) -> None:
    usual = "which training step, from 0 (default: the last complete one of the usual batch size)"
    parser.add_argument("--step", type=int, help=usual)


def run_summary(options: argparse.Namespace) -> int:
    """List layers.

    Args:
        options: see `add_summary`.

    Returns:
        0; problems are raised.
    """
    recording = opened(options)
    if options.json:
        rows = [
            dataclasses.asdict(row) | {"calls": len(row.calls)} for row in summary_tables.rows(recording, options.step)
        ]
        print_json(rows)
    else:
        print_table(recording.summary(options.step))
    return 0


def run_top(options: argparse.Namespace) -> int:
    """List what costs most.

    Args:
        options: see `add_top`.

    Returns:
        0; problems are raised.
    """
    recording = opened(options)
    if options.json:
        print_json(summary_tables.top_rows(recording, options.by, options.n))
    else:
        if recording.others:
            print_table(f"{recording.ranks()}\n\nrank 0 (others: --rank N)")
        print_table(recording.top(options.by, options.n))
    return 0


def run_memory(options: argparse.Namespace) -> int:
    """Tell the peak of memory.

    Args:
        options: see `add_memory`.

    Returns:
        0; problems are raised.
    """
    use = opened(options).memory()
    say(options, use.to_dict(), str(use))
    return 0


def run_gradients(options: argparse.Namespace) -> int:
    """List the sizes of gradients.

    Args:
        options: see `add_gradients`.

    Returns:
        0; problems are raised.
    """
    check_chart(options.draw)
    flow = opened(options).grad_flow(options.draw, options.step)
    if options.draw:
        print(f"wrote {options.draw}", file=sys.stderr)
    say(options, flow.to_dict(), str(flow))
    return 0
