"""The commands: what each is called, what it is for, and the module that is loaded when it is called."""

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


COMMANDS = {
    "run": Command("viz.command.run", "run a script and record it"),
    "check": Command("viz.command.check", "before a training: can it learn as it is set up?"),
    "estimate": Command("viz.command.estimate", "before a training: memory and time by batch size"),
    "reproduce": Command("viz.command.reproduce", "run a script twice, and find the first difference"),
    "doctor": Command("viz.command.doctor", "run a script and say what is wrong with its training"),
    "nonfinite": Command("viz.command.nonfinite", "find the op where NaN or infinity begins"),
    "gap": Command("viz.command.gap", "say why fit and evaluate disagree"),
    "data": Command("viz.command.data", "list the samples of a training, hardest first"),
    "show": Command("viz.command.show", "say what is in a recording"),
    "summary": Command("viz.command.tables", "list layers: shapes, weights, FLOPs, times, memory", "add_summary"),
    "top": Command("viz.command.tables", "list what costs most", "add_top"),
    "memory": Command("viz.command.tables", "show the peak of memory and what held it", "add_memory"),
    "gradients": Command("viz.command.tables", "list the sizes of gradients (recorded with --stats)", "add_gradients"),
    "annotate": Command("viz.command.annotate", "show your source with what each line costs"),
    "draw": Command("viz.command.draw", "draw a picture"),
    "html": Command("viz.command.html", "write the interactive page"),
    "diff": Command("viz.command.diff", "compare two recordings, or two files of weights"),
    "replay": Command("viz.command.replay", "run kept training steps again"),
    "tensorboard": Command("viz.command.writers", "write graph, times and memory for TensorBoard", "add_tensorboard"),
    "perfetto": Command("viz.command.writers", "write a trace for ui.perfetto.dev", "add_perfetto"),
    "json": Command("viz.command.writers", "write everything as JSON", "add_json"),
    "completion": Command("viz.shell.completion", "print what your shell needs to complete commands"),
}


def parser_of(name: str) -> Parser:
    """The parser of one command, whose module is loaded for it."""
    command = COMMANDS[name]
    parser = Parser(prog=f"viz {name}", description=f"{command.about[0].upper()}{command.about[1:]}.")
    getattr(import_module(command.module), command.add)(parser)
    return parser
