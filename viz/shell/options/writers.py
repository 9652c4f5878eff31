"""`viz tensorboard`, `viz perfetto` and `viz json` understand."""

from __future__ import annotations

from viz.shell.parser import Parser

__all__ = ["add_json", "add_perfetto", "add_tensorboard"]


def add_tensorboard(parser: Parser) -> None:
    """Add to a parser what `viz tensorboard` understands."""
    _add(parser, "run_tensorboard", "logdir", "the folder to write to (default: runs/FILE)")
    parser.add_examples("viz tensorboard train.efz             then: tensorboard --logdir runs/train")


def add_perfetto(parser: Parser) -> None:
    """Add to a parser what `viz perfetto` understands."""
    _add(parser, "run_perfetto", "out.json", "where to write, .json or .json.gz (default: FILE.perfetto.json)")
    parser.add_examples("viz perfetto train.efz trace.json.gz")


def add_json(parser: Parser) -> None:
    """Add to a parser what `viz json` understands."""
    _add(parser, "run_json", "out.json", "where to write, - for the screen (default: FILE.json)")
    parser.add_examples("viz json train.efz                    writes train.json", "viz json train.efz - | jq .meta")


def _add(parser: Parser, command: str, metavar: str, about: str) -> None:
    parser.add_recording()
    parser.add_argument("out", nargs="?", metavar=metavar, help=about)
    parser.set_defaults(command=f"viz.command.writers.{command}")
