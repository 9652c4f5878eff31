"""The commands: what each is called, what it is for, and the module that says what it understands."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from viz.shell.parser import Parser

__all__ = ["COMMANDS", "Command", "parser_of"]


class Command(NamedTuple):
    """A command.

    Attributes:
        module: its full name.
        about: one line for the list of commands.
        add: the function in it that adds the command's arguments to a parser.
        runs_code: whether it runs a script, whose output is shown as it is; control characters of others are escaped.
        reads_whole: whether it holds a recording until it ends, so that garbage collection would be in vain.
    """

    module: str
    about: str
    add: str = "add_command"
    runs_code: bool = False
    reads_whole: bool = False


_OPTIONS = "viz.shell.options"
COMMANDS = {
    "run": Command(f"{_OPTIONS}.run", "run a script and record it", runs_code=True),
    "check": Command(f"{_OPTIONS}.check", "before you train: can it learn as it is set up?", runs_code=True),
    "estimate": Command(f"{_OPTIONS}.estimate", "before you train: memory and time by batch size", runs_code=True),
    "reproduce": Command(f"{_OPTIONS}.reproduce", "run a script twice, and find the first difference", runs_code=True),
    "doctor": Command(f"{_OPTIONS}.doctor", "run a script and say what is wrong with its training", runs_code=True),
    "nonfinite": Command(f"{_OPTIONS}.nonfinite", "find the op where NaN or infinity begins", runs_code=True),
    "gap": Command(f"{_OPTIONS}.gap", "say why fit and evaluate disagree", runs_code=True),
    "data": Command(f"{_OPTIONS}.data", "list the samples of a training run, hardest first", runs_code=True),
    "show": Command(f"{_OPTIONS}.show", "show a recording on one screen: loss, parts, slowest, memory, NaN"),
    "summary": Command(
        f"{_OPTIONS}.tables", "list layers: shapes, weights, FLOPs, times, memory", "add_summary", reads_whole=True
    ),
    "top": Command(f"{_OPTIONS}.tables", "list what costs most", "add_top", reads_whole=True),
    "memory": Command(f"{_OPTIONS}.tables", "show the peak of memory and what held it", "add_memory", reads_whole=True),
    "gradients": Command(
        f"{_OPTIONS}.tables", "list the sizes of gradients (recorded with --stats)", "add_gradients", reads_whole=True
    ),
    "annotate": Command(f"{_OPTIONS}.annotate", "show your source with what each line costs", reads_whole=True),
    "draw": Command(f"{_OPTIONS}.draw", "draw a picture", reads_whole=True),
    "html": Command(f"{_OPTIONS}.html", "write the interactive page", reads_whole=True),
    "diff": Command(f"{_OPTIONS}.diff", "compare two recordings, or two files of weights", reads_whole=True),
    "replay": Command(f"{_OPTIONS}.replay", "run kept training steps again"),
    "tensorboard": Command(
        f"{_OPTIONS}.writers", "write graph, times and memory for TensorBoard", "add_tensorboard", reads_whole=True
    ),
    "perfetto": Command(f"{_OPTIONS}.writers", "write a trace for ui.perfetto.dev", "add_perfetto", reads_whole=True),
    "json": Command(f"{_OPTIONS}.writers", "write everything as JSON", "add_json", reads_whole=True),
    "completion": Command("viz.shell.completion", "print what your shell needs to complete commands"),
}


def parser_of(name: str) -> Parser:
    """The parser of one command, whose module is loaded for it."""
    command = COMMANDS[name]
    parser = Parser(prog=f"viz {name}", description=f"{command.about[0].upper()}{command.about[1:]}.")
    getattr(import_module(command.module), command.add)(parser)
    return parser
