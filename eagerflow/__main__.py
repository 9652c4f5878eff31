"""`python -m eagerflow`: the demo; `run`, for scripts written for Keras or TensorFlow; `launch`, for many ranks.

What a command needs is loaded when it is chosen: the launcher of ranks needs nothing of all that models are made of.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from eagerflow._version import __version__


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
    commands.add_parser("launch", help="run a script on several ranks, on one machine or many", add_help=False)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["launch"]:
        return _launch(given[1:])
    chosen = parser.parse_args(given)
    if chosen.command == "run":
        return int(import_module("eagerflow.compat.run").run_script(chosen.script, chosen.arguments))
    return int(import_module("eagerflow.demo").run_demo(chosen.out, epochs=chosen.epochs, seed=chosen.seed))


def _launch(arguments: list[str]) -> int:
    if not hasattr(os, "fork"):
        print("launch: this system has no fork. Start ranks with mpiexec -n 4 python train.py", file=sys.stderr)
        return 2
    return int(import_module("eagerflow.launch.command").launch(arguments))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1; got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
