"""`viz summary`, `viz top`, `viz memory` and `viz gradients` understand."""

from __future__ import annotations

from viz.choices import CHARTS, KEYS
from viz.shell.parser import Parser, written

__all__ = ["add_gradients", "add_memory", "add_summary", "add_top"]


def add_summary(parser: Parser) -> None:
    """Add to a parser what `viz summary` understands."""
    _add(parser, "run_summary")
    parser.add_examples(
        "viz summary train.efz",
        "viz summary --step 0 train.efz        of the first training step",
        "viz summary --depth 1 train.efz       models, and the layers in them, but not what is in those",
        "viz summary model.onnx                of a model in an ONNX file, run once",
    )
    parser.add_argument("--depth", type=int, metavar="N", help="how many levels of layers to list (default: all)")
    _add_step(parser)


def add_top(parser: Parser) -> None:
    """Add to a parser what `viz top` understands."""
    _add(parser, "run_top")
    parser.add_examples(
        "viz top train.efz                     the ten that took most time",
        "viz top -n 20 --by memory train.efz",
        "viz top --by source train.efz         time by your lines of code",
        "viz top --step 3 train.efz            of one training step",
    )
    by = "equal ops of all steps by time, memory or flops; or a cost summed by name, layer or source (default: time)"
    parser.add_argument("--by", choices=KEYS, default="time", help=by)
    parser.add_argument(
        "-n", "--count", dest="n", type=int, default=10, metavar="N", help="how many lines (default: 10)"
    )
    _add_step(parser, "all steps together")


def add_memory(parser: Parser) -> None:
    """Add to a parser what `viz memory` understands."""
    _add(parser, "run_memory")
    parser.add_examples(
        "viz memory train.efz", "viz memory --step 3 train.efz         the peak within one training step"
    )
    parser.add_argument(
        "-n", "--count", dest="n", type=int, default=20, metavar="N", help="how many lines (default: 20)"
    )
    _add_step(parser, "the whole recording")


def add_gradients(parser: Parser) -> None:
    """Add to a parser what `viz gradients` understands."""
    _add(parser, "run_gradients")
    parser.add_examples(
        "viz run --stats basic train.py        records, with the sizes of gradients",
        "viz gradients train.efz",
        "viz gradients --draw flow.svg train.efz   also as a chart",
    )
    _add_step(parser)
    parser.add_argument(
        "--draw",
        type=written(*CHARTS),
        metavar="FILE.svg",
        help="also draw a chart: .svg or .png, or .pdf by CairoSVG or librsvg",
    )


def _add(parser: Parser, command: str) -> None:
    parser.add_recording()
    parser.add_argument("--json", action="store_true", help="print JSON for other programs (times in nanoseconds)")
    parser.set_defaults(command=f"viz.command.tables.{command}")


def _add_step(parser: Parser, usual: str = "the last complete one of the usual batch size") -> None:
    parser.add_argument("--step", type=int, metavar="N", help=f"which step, from 0 (default: {usual})")
