"""`python -m eagerflow`: the demo; `run`, for scripts of Keras; `compile`, `measure`, for speed; `launch`, for ranks.

Each command loads what it needs when it is chosen: the launcher of ranks needs none of what models are made of.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from eagerflow._version import __version__
from eagerflow.base.output import any_encoding, program


@any_encoding()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _Parser(
        prog=program(),
        description="eagerflow: Keras' API on NumPy, a gradient tape you can read, and pictures of what ran.",
        epilog="To look at a script while it runs, or find what is wrong with it: python -m viz --help",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="the version of eagerflow, NumPy and Python")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    demo = commands.add_parser("demo", help="learn handwritten digits in under a minute, and show what ran")
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("runs/demo"),
        metavar="DIR",
        help="folder for pictures and logs (default: runs/demo)",
    )
    demo.add_argument("--epochs", type=_positive, default=15, metavar="N", help="passes over the data (default: 15)")
    demo.add_argument(
        "--seed", type=int, default=7, metavar="N", help="seed of weights, order and dropout (default: 7)"
    )
    run = commands.add_parser("run", help="run a script written for Keras or tf.keras, as it is")
    run.add_argument("script", nargs="?", metavar="SCRIPT", help="a Python file that imports keras or tensorflow")
    run.add_argument(
        "-m",
        dest="module",
        nargs=argparse.REMAINDER,
        metavar="MODULE",
        help="a module in place of a file, as python -m",
    )
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="the script's own arguments")
    fast = commands.add_parser("compile", help="compile kernels for this processor, and use them (extra: fast)")
    fast.add_argument("--off", action="store_true", help="use the plain kernels again")
    fast.add_argument("--quiet", action="store_true", help="print errors only")
    speed = commands.add_parser("measure", help="measure how fast this processor is, to choose kernels by it")
    speed.add_argument("--off", action="store_true", help="forget it, and choose by what is usual")
    speed.add_argument("--quiet", action="store_true", help="print errors only")
    commands.add_parser(
        "launch", help="run a script as several processes (ranks), on one machine or many", add_help=False
    )
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["launch"]:
        return _launch(given[1:])
    if given and given[0][0:1] != "-" and given[0] not in commands.choices:
        parser.error(_no_command(given, parser.prog, list(commands.choices)))
    chosen = parser.parse_args(given)
    if chosen.command is None:
        parser.print_help()
        return 0
    if chosen.command == "run":
        return _run(chosen, run)
    try:
        status = _ours(chosen)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # as in `eagerflow compile | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """The exit code of the user's script or module."""
    home = import_module("eagerflow.compat.run")
    if chosen.module:
        return int(home.run_module(chosen.module[0], chosen.module[1:]))
    if not chosen.script:
        parser.error("the following arguments are required: SCRIPT, or -m MODULE")
    return int(home.run_script(chosen.script, chosen.arguments))


def _ours(chosen: argparse.Namespace) -> int:
    """The exit code of a command that runs nothing of the user's."""
    if chosen.command == "compile":
        return int(import_module("eagerflow.compiled.filling").fill(use=not chosen.off, quiet=chosen.quiet))
    if chosen.command == "measure":
        return int(import_module("eagerflow.measuring.command").measure(off=chosen.off, quiet=chosen.quiet))
    return int(import_module("eagerflow.demo").run_demo(chosen.out, epochs=chosen.epochs, seed=chosen.seed))


_OF_VIZ = (
    "annotate check completion data diff doctor draw estimate gap gradients html json memory nonfinite perfetto "
    "replay reproduce show summary tensorboard top"
).split()


def _no_command(given: Sequence[str], prog: str, known: list[str]) -> str:
    """What to do instead, where a word is no command of ours: a script to run, or a command of viz."""
    word = given[0]
    if word.lower().endswith(".py"):
        cure = f" Run it: {prog} run {word}, or find what is wrong with it: viz doctor {word}."
    elif word in _OF_VIZ:
        cure = f" viz has it: viz {' '.join(given)}"
    elif word in ("version", "help"):
        cure = f" For that: {prog} --{word}"
    else:
        cure = f"{import_module('eagerflow.base.errors').did_you_mean(word, known)} Commands: {', '.join(known)}"
    return f"there is no command {word!r}.{cure}"


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        numpy = import_module("numpy").__version__
        print(f"eagerflow {__version__} (NumPy {numpy}, Python {platform.python_version()})")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(message.removesuffix(", ARGS"))  # those of the script, which may be none


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
