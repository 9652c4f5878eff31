"""`python -m eagerflow`: the demo; `run`, `keras` for scripts; `compile` for speed; `launch` for ranks; `info`.

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
from eagerflow.cli.parser import CommandParser, whole_number
from eagerflow.cli.scripts import apart
from eagerflow.cli.statuses import ended, failed
from eagerflow.cli.streams import any_encoding, program, reader_gone

_ABOUT = """\
Keras' API on NumPy, a gradient tape you can read, and pictures of what ran.
To look at a script while it runs, or to find what is wrong with it, there is viz: viz --help"""
_STATUSES = """\
`%(prog)s COMMAND --help` shows examples.
Exit status: 0 all well, 1 a script raised an error, 2 wrong usage, or a file can't be read or written, 3 something that
is needed isn't installed, 130 ended by Ctrl-C, 141 nobody read its output to the end.
`run` and `launch` end with the script's own status."""

# By command: what the list says of it, and what its own help says.
_COMMANDS = {
    "demo": (
        "learn handwritten digits in under a minute, and show what ran",
        """\
Learn handwritten digits in under a minute, and write what ran in one step: a page, a picture, a recording, logs for
TensorBoard. The digits come with eagerflow; no network is needed.

  %(prog)s
  %(prog)s --epochs 3 --out pictures""",
    ),
    "run": (
        "run a script written for Keras or tf.keras, as it is",
        """\
Run a script as `python` would; its `import keras` and `import tensorflow` mean eagerflow.

  %(prog)s train.py --epochs 3   arguments after the script are the script's
  %(prog)s -m package.train      a module instead of a file

A script that imports eagerflow itself needs no `run`: python train.py
Exit status: the script's own, 1 where it raised, 2 if there is no such script, 130 ended by Ctrl-C.""",
    ),
    "keras": (
        "run a script on Keras 3 itself, with eagerflow as its backend (extra: keras)",
        """\
Run a script as `python` would, on the Keras that is installed, with KERAS_BACKEND=eagerflow.

  %(prog)s train.py --epochs 3   arguments after the script are the script's
  %(prog)s -m package.train      a module instead of a file

Where an environment variable can be set: KERAS_BACKEND=eagerflow python train.py
Exit status: the script's own, 1 where it raised, 2 if there is no such script, 130 ended by Ctrl-C.""",
    ),
    "compile": (
        "compile kernels for this processor, and use them (extra: fast)",
        """\
Compile kernels for this processor with Numba, in some minutes, and switch them on for all programs of this user.
The packages that it needs come with the extra `fast`.

  %(prog)s
  %(prog)s --off   back to the plain kernels

EAGERFLOW_KERNELS=plain or EAGERFLOW_KERNELS=compiled chooses for one program.
Exit status: 0 all well, 2 a file can't be written, 3 a package isn't installed.""",
    ),
    "launch": ("run a script as several processes (ranks), on one machine or many", ""),
    "info": (
        "print versions, processor and BLAS, for a report of a problem",
        """\
Print what a report of a problem should say about the installation: versions, system, processor, BLAS, extras.

  %(prog)s""",
    ),
}


@any_encoding()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser, commands = _parsers(program())
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["help"]:  # as git and others have it
        given = [*given[1:2], "--help"]
    if given[:1] == ["launch"]:
        return _launch(given[1:])
    if given and given[0][0:1] != "-" and given[0] not in commands:
        parser.error(_no_command(given, parser.prog, list(commands)))
    if given[:1] in (["run"], ["keras"]):
        given = [given[0], *apart(given[1:])]
    try:
        chosen = parser.parse_args(given)
        if chosen.command in ("run", "keras"):
            return _run(chosen, commands[chosen.command])
        status = _ours(chosen, parser)
        if sys.stdout is not None:  # which the caller may have closed
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # as in `eagerflow compile | head`
        return reader_gone()
    except (OSError, KeyboardInterrupt) as error:
        return ended(given[0] if given and given[0] in commands else "", error)


def _parsers(prog: str) -> tuple[CommandParser, dict[str, CommandParser]]:
    """The parser of the whole line, and those of the commands."""
    listed = "\n".join([f"  {name:<9} {about}" for name, (about, _) in _COMMANDS.items()])
    about = f"{_ABOUT}\n\ncommands:\n{listed}"
    parser = CommandParser(prog=prog, usage=f"{prog} COMMAND ...", description=about, epilog=_STATUSES)
    parser.add_argument("--version", action=_Version, nargs=0, help="the version of eagerflow, NumPy and Python")
    commands = parser.add_subparsers(dest="command", help=argparse.SUPPRESS)
    known = {
        name: commands.add_parser(name, prog=f"{prog} {name}", description=told)
        for name, (_, told) in _COMMANDS.items()
    }
    _demo_options(known["demo"])
    for name, imports in (("run", "keras or tensorflow"), ("keras", "keras")):
        run = known[name]
        run.usage = "%(prog)s SCRIPT [ARGS ...]\n       %(prog)s -m MODULE [ARGS ...]"
        run.add_argument("script", nargs="?", metavar="SCRIPT", help=f"a Python file that imports {imports}")
        of_module = "a module in place of a file, and its arguments, as python -m"
        run.add_argument("-m", dest="module", nargs=argparse.REMAINDER, help=of_module)
        run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="the script's own arguments")
    known["compile"].add_argument("--off", action="store_true", help="use the plain kernels again")
    known["compile"].add_argument("--quiet", action="store_true", help="print errors only")
    return parser, known


def _demo_options(demo: CommandParser) -> None:
    folder = "folder for pictures and logs (default: runs/demo)"
    demo.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="DIR", help=folder)
    demo.add_argument(
        "--epochs", type=whole_number(1), default=15, metavar="N", help="passes over the data (default: 15)"
    )
    demo.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=7,
        metavar="N",
        help="seed of weights, order and dropout (default: 7)",
    )


def _run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """The exit code of the user's script or module."""
    home = import_module("eagerflow.compat.run")
    as_keras = chosen.command == "run"  # else `import keras` gives Keras itself
    if not as_keras:
        os.environ["KERAS_BACKEND"] = "eagerflow"
        import_module("eagerflow.keras_backend")
    if chosen.module:
        return int(home.run_module(chosen.module[0], chosen.module[1:], as_keras))
    if not chosen.script:
        parser.error("the following arguments are required: SCRIPT, or -m MODULE")
    return int(home.run_script(chosen.script, chosen.arguments, as_keras))


def _ours(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """The exit code of a command that runs nothing of the user's; without a command, help is shown."""
    if chosen.command is None:
        parser.print_help()
        return 0
    if chosen.command == "info":
        return int(import_module("eagerflow._info").print_info())
    if chosen.command == "compile":
        return int(import_module("eagerflow._warm_up").fill(chosen.off, chosen.quiet))
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
    elif word == "version":
        cure = f" For that: {prog} --version"
    else:
        cure = f"{import_module('eagerflow.base.errors').did_you_mean(word, known)} Commands: {', '.join(known)}"
    return f"there is no command {word!r}.{cure}"


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        numpy = import_module("numpy").__version__
        print(f"eagerflow {__version__} (NumPy {numpy}, Python {platform.python_version()})")
        parser.exit()


def _launch(arguments: list[str]) -> int:
    if not hasattr(os, "fork"):
        return failed("launch", "this system has no fork. Start ranks with mpiexec -n 4 python train.py", 3)
    return int(import_module("eagerflow.launch.command").launch(arguments))


if __name__ == "__main__":
    sys.exit(main())
