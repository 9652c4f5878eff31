"""`viz show FILE`: its arguments."""

from __future__ import annotations

from viz.shell.parser import Parser

__all__ = ["add_command"]


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_recording()
    parser.description = (
        "Show a recording on one screen: how the training went, the model's parts, what was slow, memory, NaN."
    )
    parser.add_examples(
        "viz show train.efz", "viz show model.onnx --sizes batch=8   of a model in an ONNX file, run once"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for other programs (times in nanoseconds)")
    parser.set_defaults(command="viz.command.show.run_show")
