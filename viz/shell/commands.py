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
        add: the function in it that gives a parser what the command understands.
    """

    module: str
    about: str
    add: str = "add_command"


_OPTIONS = "viz.shell.options"
COMMANDS = {
    "run": Command(f"{_OPTIONS}.run", "run a script and record it"),
    "check": Command(f"{_OPTIONS}.check", "before you train: can it learn as it is set up?"),
    "estimate": Command(f"{_OPTIONS}.estimate", "before you train: memory and time by batch size"),
    "reproduce": Command(f"{_OPTIONS}.reproduce", "run a script twice, and find the first difference"),
    "doctor": Command(f"{_OPTIONS}.doctor", "run a script and say what is wrong with its training"),
    "nonfinite": Command(f"{_OPTIONS}.nonfinite", "find the op where NaN or infinity begins"),
    "gap": Command(f"{_OPTIONS}.gap", "say why fit and evaluate disagree"),
    "data": Command(f"{_OPTIONS}.data", "list the samples of a training run, hardest first"),
    "show": Command(f"{_OPTIONS}.show", "show a recording on one screen: loss, parts, slowest, memory, NaN"),
    "summary": Command(f"{_OPTIONS}.tables", "list layers: shapes, weights, FLOPs, times, memory", "add_summary"),
    "top": Command(f"{_OPTIONS}.tables", "list what costs most", "add_top"),
    "memory": Command(f"{_OPTIONS}.tables", "show the peak of memory and what held it", "add_memory"),
    "gradients": Command(f"{_OPTIONS}.tables", "list the sizes of gradients (recorded with --stats)", "add_gradients"),
    "annotate": Command(f"{_OPTIONS}.annotate", "show your source with what each line costs"),
    "draw": Command(f"{_OPTIONS}.draw", "draw a picture"),
    "html": Command(f"{_OPTIONS}.html", "write the interactive page"),
    "diff": Command(f"{_OPTIONS}.diff", "compare two recordings, or two files of weights"),
    "replay": Command(f"{_OPTIONS}.replay", "run kept training steps again"),
    "tensorboard": Command(f"{_OPTIONS}.writers", "write graph, times and memory for TensorBoard", "add_tensorboard"),
    "perfetto": Command(f"{_OPTIONS}.writers", "write a trace for ui.perfetto.dev", "add_perfetto"),
    "json": Command(f"{_OPTIONS}.writers", "write everything as JSON", "add_json"),
    "completion": Command("viz.shell.completion", "print what your shell needs to complete commands"),
}


def parser_of(name: str) -> Parser:
    """The parser of one command, whose module is loaded for it."""
    command = COMMANDS[name]
    parser = Parser(prog=f"viz {name}", description=f"{command.about[0].upper()}{command.about[1:]}.")
    getattr(import_module(command.module), command.add)(parser)
    return parser
