"""The command line: `python -m viz`, also installed as `viz`.

A command's module is loaded when the command is called, so that help and mistakes are answered at once.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from viz.facts.collector import collector_at_rest
from viz.shell.commands import COMMANDS, load, parser_of
from viz.shell.parser import Parser, nearest
from viz.shell.program import check_kept
from viz.shell.signals import ended_by_signals
from viz.shell.statuses import told
from viz.shell.terminal import any_encoding, any_streams, without_controls

__all__ = ["main"]

_READ = ("script", "file", "a", "b")  # arguments that name what a command reads
_WRITTEN = ("out", "html", "draw", "sarif", "trace", "augmented")  # and what it writes
_ABOUT = """\
See what an eagerflow, Keras or PyTorch program really runs, and what is wrong with it. Your script needs no changes.

Ask a script:

  viz check train.py                    before a long training: can it learn as it is set up?
  viz estimate --limit 8GB train.py     how much memory and time it will take, and the largest batch that fits
  viz doctor train.py                   what is wrong with the training, on which line, and what to do
  viz nonfinite train.py                where NaN begins
  viz gap train.py                      why fit and evaluate disagree
  viz reproduce train.py                whether two runs give the same numbers, and if not, where they first differ
  viz data train.py                     its samples, the hardest first, and labels that are probably wrong
  viz run --live train.py               watch it train, on a page in your browser
  viz run --keep 3 train.py             keep the last steps when one goes wrong; then: viz replay train.efr

Record a script, then look at the recording:

  viz run train.py                      record it; writes train.efz
  viz show train.efz                    the recording on one screen
  viz html train.efz                    an interactive page; open train.html
  viz draw train.efz                    a picture; open train.svg (also .png, .pdf, .dot)
  viz top train.efz                     what costs most
  viz annotate train.efz                your source, with what each line costs
  viz diff before.efz after.efz         what changed between two recordings
  viz html model.onnx                   a model in an ONNX file, run once; open model.trace.html"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: instead of those of the process.

    Returns:
        0 when all is well; see `viz.shell.statuses` for the others. Arguments that can't be understood end the process
        with 2.
    """
    with any_streams(), any_encoding(), ended_by_signals():
        return _status(list(sys.argv[1:] if arguments is None else arguments), is_alone=arguments is None)


def _status(words: list[str], is_alone: bool) -> int:
    """The exit status of a command; alone, it is all that its process does."""
    words = words or ["--help"]
    if words[0] == "help":  # as git and others have it
        words = [*words[1:2], "--help"]
    name = f"viz {words[0]}" if words[0] in COMMANDS else "viz"
    try:
        if words[0] not in COMMANDS:
            _answer_alone(words)
        command = COMMANDS[words[0]]
        options = parser_of(words[0]).parse_args(words[1:])
        _keep_inputs(options)
        shown = contextlib.nullcontext() if command.runs_code else without_controls()
        with shown, collector_at_rest() if command.reads_whole else contextlib.nullcontext():
            status = int(load(command.run)(options) or 0)
        if is_alone:
            gc.freeze()  # all ends with the process; a fifth of a second would be spent to free a large recording
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # as in `viz top a.efz | head`
        return int(import_module("eagerflow.cli.streams").reader_gone())
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (told in one line, or as a fault of viz)
        return told(name, error)


def _answer_alone(words: list[str]) -> NoReturn:
    """End the process where no command is named: with help, the version, or the nearest command."""
    if words[0].startswith("-"):
        _parser().parse_args(words[:1])  # which ends the process
    advice = nearest(words[0], COMMANDS) or f". Commands: {', '.join(COMMANDS)}"
    _parser().error(f"there is no command {words[0]!r}{advice}")


def _keep_inputs(options: argparse.Namespace) -> None:
    """Refuse to write over a file that is read."""
    for read in filter(None, [getattr(options, name, None) for name in _READ]):
        for written in filter(None, [getattr(options, name, None) for name in _WRITTEN]):
            check_kept(read, written)


def _parser() -> Parser:
    """What stands before a command: help, the version, and names that aren't commands."""
    listed = "\n".join([f"  {name:<12} {command.about}" for name, command in COMMANDS.items()])
    parser = Parser(
        prog="viz",
        usage="viz COMMAND ...",
        description=f"{_ABOUT}\n\ncommands:\n{listed}",
        epilog="`viz COMMAND --help` shows examples. Colours are off where NO_COLOR is set, and in pipes.\n"
        "Exit status: 0 all well, 1 something was found (for doctor: an error was found; warnings count\n"
        "with --strict, hints never do), 2 wrong usage, 3 no answer (a script that failed or never trained),\n"
        "70 a bug in viz, 130 ended by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP, 141 nobody read its output to the end.\n"
        "`viz run` ends with the script's own status, 1 where the script raised.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="the version of viz, eagerflow, NumPy and Python")
    return parser


class _Version(argparse.Action):
    """Loads what it names only when it is asked."""

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> NoReturn:
        ours, numpy = import_module("eagerflow._version").__version__, import_module("numpy").__version__
        print(f"viz {ours} (eagerflow {ours}, NumPy {numpy}, Python {platform.python_version()})")
        parser.exit()
