"""The parser of a command's arguments: `argparse`, with what several commands take."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from viz.choices import CHARTS
from viz.facts.lines.room import folded, room
from viz.shell.statuses import MISUSED
from viz.shell.terminal import paint

__all__ = ["Parser", "at_least_one", "nearest", "written"]

_USUAL = "the last complete one of the usual batch size"

_CONTINUED = re.compile(r"(?<=\S)\n(?=[a-z0-9(])")  # a line break within a sentence


class _Help(argparse.RawDescriptionHelpFormatter):
    """Shows descriptions as they are written, folded only where the terminal is narrower."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        text, places = super()._fill_text(text, width, indent), room() or width
        if max(map(len, text.split("\n"))) > places:
            text = _CONTINUED.sub(" ", text)
        return folded(text, places)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the nearest known option or choice."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_Help, allow_abbrev=False, **settings)

    @property
    def runs_scripts(self) -> bool:
        """Whether what follows the first word belongs to a script."""
        return any(action.nargs == argparse.REMAINDER for action in self._actions)

    def add_json(self, times: bool = False) -> None:
        """`--json`; `times`: whether it prints some, which are in nanoseconds then."""
        about = "print JSON for other programs" + " (times in nanoseconds)" * times
        self.add_argument("--json", action="store_true", help=about)

    def add_html(self, about: str) -> None:
        """`--html FILE.html`, where a page is written."""
        self.add_argument("--html", type=written("html", "htm"), metavar="FILE.html", help=about)

    def add_chart(self, option: str, about: str) -> None:
        """An option that names a picture to write."""
        about = f"{about}: .svg or .png, or .pdf by CairoSVG or librsvg"
        self.add_argument(option, type=written(*CHARTS), metavar="FILE.svg", help=about)

    def add_count(self, usual: int) -> None:
        """`-n`, `--count`: how many lines a table has."""
        about = f"how many lines (default: {usual})"
        self.add_argument("-n", "--count", dest="n", type=int, default=usual, metavar="N", help=about)

    def add_step(self, usual: str = _USUAL, about: str = "which step") -> None:
        """`--step N`."""
        self.add_argument("--step", type=int, metavar="N", help=f"{about}, from 0 (default: {usual})")

    def add_out(self, metavar: str, about: str) -> None:
        """The name of what is written, which may be left out."""
        self.add_argument("out", nargs="?", metavar=metavar, help=about)

    def add_script(self, metavar: str = "script", about: str = "a Python file") -> None:
        """What a command runs: a file, or behind `-m` a module, and all that follows it, which is the script's.

        The options then have `script`, `module` and `arguments`; see `viz.shell.program.Script`.
        """
        self.add_argument("-m", "--module", action="store_true", help="the script is the name of a module")
        self.add_argument("script", metavar=metavar, help=f"{about}, or with -m a module")
        self.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")

    def add_recording(self) -> None:
        """The file that most commands look at, and what goes with it."""
        about = "a recording, made by `viz run` or `Recording.save`, or a model (.onnx, .keras, .h5), which is run once"
        self.add_argument("file", metavar="file.efz", help=about)
        group = self.add_argument_group("of any recording")  # which help lists behind what the command is for
        group.add_argument(
            "--rank", type=int, default=0, metavar="N", help="which rank, in a recording of several (default: 0)"
        )
        lengths = "lengths that a model leaves open, by name or as input:axis (default: batch 1, others 32)"
        group.add_argument("--sizes", metavar="NAME=N[,NAME=N...]", type=_sizes, default={}, help=lengths)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As in `argparse`; options may stand between words, unless a script follows, whose arguments they may be."""
        parse = super().parse_args if self.runs_scripts else super().parse_intermixed_args
        return parse(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End the program, saying what is wrong, and which option or choice is near it."""
        unknown = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        if unknown is not None:
            message += nearest(unknown[1], [each for each in self._option_string_actions if each.startswith("--")])
        elif choice is not None:
            message += nearest(choice[1], [each.strip(" '") for each in choice[2].split(",")])
        elif message.startswith("the following arguments are required: "):
            message = message.removesuffix(", arguments")  # those of the script, of which there may be none
        said = f"{self.prog}: {paint('error:', '1;31', sys.stderr)} {message}\n"
        self.exit(MISUSED, f"{said}see: {self.prog} --help\n")


def written(*endings: str) -> Callable[[str], str]:
    """For `add_argument(type=...)`: the name of a file to write, with one of these endings."""

    def read(name: str) -> str:
        if not name.lower().endswith(tuple([f".{each}" for each in endings])):
            raise argparse.ArgumentTypeError(f"{name!r}: expected the name of a file to write, ending in .{endings[0]}")
        return name

    return read


def at_least_one(given: str) -> int:
    """For `add_argument(type=...)`: a whole number of 1 or more."""
    if not given.strip().isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not a whole number of 1 or more")
    return int(given)


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'a'?"` for the nearest of `known`, or ""."""
    found = difflib.get_close_matches(name.lower(), list(known), 1, 0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def _sizes(text: str) -> dict[str, int]:
    found = {}
    for part in text.split(","):
        name, _, number = part.rpartition("=")
        if not name.strip() or not number.strip().isdecimal():
            raise argparse.ArgumentTypeError(f"{text!r} isn't a list of lengths such as batch=4,time=20")
        found[name.strip()] = int(number)
    return found
