"""The parser of the command line of eagerflow: its help shows examples, and its errors say what may have been meant."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from eagerflow.base.output import columns
from eagerflow.cli.wrapping import folded

__all__ = ["CommandParser", "painted", "whole_number"]


def whole_number(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """For `add_argument(type=...)`: a whole number within bounds."""
    within = f" from {least} to {most}" if most is not None else f" of at least {least}" if least else ""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise argparse.ArgumentTypeError(f"expected a whole number{within}; got {text!r}")
        return int(text)

    return read


_SHORT = {"-V": "--version", "-v": "--version"}


def painted(words: str) -> str:
    """`words` in red, where stderr is a terminal unless NO_COLOR is set (see no-color.org)."""
    wanted = os.environ.get("FORCE_COLOR") or (sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
    return f"\x1b[1;31m{words}\x1b[0m" if wanted and not os.environ.get("NO_COLOR") else words


class _Help(argparse.RawDescriptionHelpFormatter):
    """Shows texts as they are written, and where there is no room for that, with lines that go on in the next one."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        text, room = super()._fill_text(text, width, indent), columns()
        if room is None or max(map(len, text.split("\n"))) <= room:
            return text
        return folded(re.sub(r"(?<=\S)\n(?=[a-z0-9(])", " ", text))

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: Any) -> str:
        return folded(super()._format_usage(usage, actions, groups, prefix))


class CommandParser(argparse.ArgumentParser):
    """Like the parser of `viz`: options are written out, an error is one line, and help isn't wrapped."""

    def __init__(self, **settings: Any) -> None:
        about = {"formatter_class": _Help, "allow_abbrev": False}
        super().__init__(**{**about, **settings})

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As in `argparse`; unknown arguments are reported by the parser of their command."""
        words = list(sys.argv[1:] if args is None else args)
        options, rest = self.parse_known_args(words, namespace)
        if rest:
            self._of_command(words).error(f"unrecognized arguments: {' '.join(rest)}")
        return options

    def error(self, message: str) -> NoReturn:
        """End the program, with what is wrong and what may have been meant."""
        message = message.removesuffix(", ARGS").removeprefix("argument ")  # ARGS: the script's, which may be none
        message = re.sub(r"^(.*): ignored explicit argument (.*)", r"\1 takes no value; got \2", message)
        unknown = message.removeprefix("unrecognized arguments: ").split(" ")
        options = [word for word in unknown if word.startswith("-")]
        if message.startswith("unrecognized arguments: ") and options:  # words behind them are values
            known = [each for each in self._option_string_actions if each.startswith("--")]
            asked = _SHORT.get(options[0], options[0].partition("=")[0])
            meant = f" Did you mean {asked!r}?" if asked in known and asked != options[0] else ""
            meant = meant or import_module("eagerflow.base.errors").did_you_mean(asked, known)
            message = f"unrecognized arguments: {' '.join(options)}" + (f".{meant}" if meant else "")
        self.exit(2, f"{self.prog}: {painted('error:')} {message}\nsee: {self.prog} --help\n")

    def _of_command(self, words: Sequence[str]) -> argparse.ArgumentParser:
        """The parser of the command among the words, or this one."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                named = next((word for word in words if word in action.choices), "")
                return action.choices.get(named, self)
        return self
