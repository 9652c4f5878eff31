"""The table of commands, and of all else that the core asks of add-ons: here alone they are named.

A command is added as a line here, one function that adds its arguments to a parser, and one that runs it.
"""

from __future__ import annotations

import re
import textwrap
from importlib import import_module
from typing import Any, NamedTuple

from viz.shell.parser import Parser

__all__ = ["COMMANDS", "PARTS", "Command", "load", "parser_of", "part"]


class Command(NamedTuple):
    """A command."""

    add: str  # the full name of the function that adds its arguments to a parser, and whose docstring is its help
    run: str  # the same of the function that runs it
    about: str  # one line for the list of commands
    runs_code: bool = False  # a script, whose output is shown as it is; control characters of others are escaped
    reads_whole: bool = False  # whether it holds a recording until it ends, so that garbage collection would be in vain


def _core(name: str, about: str, module: str = "", **facts: bool) -> tuple[str, Command]:
    run = f"viz.command.{module or name}.run_{name}"
    return name, Command(f"viz.shell.options.add_{name}", run, about, **facts)


def _add_on(name: str, about: str, **facts: bool) -> tuple[str, Command]:
    return name, Command(f"viz.add_ons.options.add_{name}", f"viz.add_ons.{name}.run_{name}", about, **facts)


COMMANDS = dict(
    [
        _core("run", "run a script and record it", runs_code=True),
        _add_on("check", "before you train: can it learn as it is set up?", runs_code=True),
        _add_on("estimate", "before you train: memory and time by batch size", runs_code=True),
        _add_on("reproduce", "run a script twice, and find the first difference", runs_code=True),
        _add_on("doctor", "run a script and say what is wrong with its training", runs_code=True),
        _core("nonfinite", "find the op where NaN or infinity begins", runs_code=True),
        _add_on("gap", "say why fit and evaluate disagree", runs_code=True),
        _add_on("data", "list the samples of a training run, hardest first", runs_code=True),
        _core("show", "show a recording on one screen: loss, parts, slowest, memory, NaN"),
        _core("summary", "list layers: shapes, weights, FLOPs, times, memory", "tables", reads_whole=True),
        _core("top", "list what costs most", "tables", reads_whole=True),
        _core("memory", "show the peak of memory and what held it", "tables", reads_whole=True),
        _core("gradients", "list the sizes of gradients (recorded with --stats)", "tables", reads_whole=True),
        _add_on("annotate", "show your source with what each line costs", reads_whole=True),
        _core("draw", "draw a picture", reads_whole=True),
        _core("html", "write the interactive page", reads_whole=True),
        _core("diff", "compare two recordings, or two files of weights", reads_whole=True),
        _add_on("replay", "run kept training steps again"),
        _core("tensorboard", "write graph, times and memory for TensorBoard", "writers", reads_whole=True),
        _core("perfetto", "write a trace for ui.perfetto.dev", "writers", reads_whole=True),
        _core("json", "write everything as JSON", "writers", reads_whole=True),
    ]
)
COMMANDS["completion"] = Command(
    "viz.shell.completion.add_command",
    "viz.shell.completion.run_completion",
    "print what your shell needs to complete commands",
)

PARTS = {
    "run_kept": "viz.add_ons.keep.run_kept",  # `viz run --keep`
    "Watcher": "viz.doctor.watcher.Watcher",  # the live page lets it watch now and then
    "finding_line": "viz.doctor.report.line",
    "broken_arrays": "viz.add_ons.broken_arrays.broken_arrays",  # for `viz nonfinite`
}
"""What the core asks of add-ons, by the name that it has there."""


def load(place: str) -> Any:
    """What a full name stands for, whose module is loaded now."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(module), name)


def part(name: str) -> Any:
    """What an add-on has under a name of `PARTS`."""
    return load(PARTS[name])


def parser_of(name: str) -> Parser:
    """The parser of one command, whose help begins with what the function says that adds its arguments."""
    add = load(COMMANDS[name].add)
    first, _, others = (add.__doc__ or "").partition("\n")
    examples = re.compile("^ *viz ", re.MULTILINE)  # whose lines are indented, also where there are no others
    shown = examples.sub("  viz ", textwrap.dedent(others)).rstrip()
    parser = Parser(prog=f"viz {name}", description=f"{first}\n{shown}")
    add(parser)
    return parser
