"""`python -m eagerflow`: the demo, and `run`, which runs scripts that were written for Keras or TensorFlow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from eagerflow._version import __version__
from eagerflow.compat import run_script
from eagerflow.demo import run_demo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m eagerflow",
        description="eagerflow: Keras' API on NumPy, a gradient tape you can read, and pictures of what ran.",
    )
    parser.add_argument("--version", action="version", version=f"eagerflow {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="train on the handwritten digits, and draw the graph that ran")
    demo.add_argument(
        "--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="where pictures and logs go (runs/demo)"
    )
    demo.add_argument("--epochs", type=_positive, default=15, metavar="N", help="passes over the data (15)")
    demo.add_argument("--seed", type=int, default=7, metavar="N", help="of weights, order and dropout (7)")
    run = commands.add_parser("run", help="run a Keras or tf.keras script on eagerflow, as it is")
    run.add_argument("script", metavar="SCRIPT", help="a Python file that imports keras or tensorflow")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="what the script finds in sys.argv")
    chosen = parser.parse_args(arguments)
    if chosen.command == "run":
        return run_script(chosen.script, chosen.arguments)
    return run_demo(chosen.out, epochs=chosen.epochs, seed=chosen.seed)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1; got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
