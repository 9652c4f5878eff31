"""The parser of the command line of eagerflow: its help shows examples, and its errors say what may have been meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

__all__ = ["CommandParser", "whole_number"]


def whole_number(least: int = 0, most: int | None = None) -> Callable[[str], int]:
    """For `add_argument(type=...)`: a whole number within bounds.

    Args:
        least: the smallest one.
        most: the largest one; None for no bound.
    """
    within = f" from {least} to {most}" if most is not None else f" of at least {least}" if least else ""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise argparse.ArgumentTypeError(f"expected a whole number{within}; got {text!r}")
        return int(text)

    return read


class CommandParser(argparse.ArgumentParser):
    """Behaves as that of `viz`: options are written out, a mistake is told in one line, and help isn't wrapped.

    Args:
        settings: those of `argparse.ArgumentParser`.
    """

    def __init__(self, **settings: Any) -> None:
        about = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(**{**about, **settings})

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As in `argparse`; what isn't understood is told by the parser of the command that it was given to."""
        words = list(sys.argv[1:] if args is None else args)
        options, rest = self.parse_known_args(words, namespace)
        if rest:
            self._of_command(words).error(f"unrecognized arguments: {' '.join(rest)}")
        return options

    def error(self, message: str) -> NoReturn:
        """End the program, with what is wrong and what may have been meant."""
        message = message.removesuffix(", ARGS")  # those of the script, which may be none
        unknown = re.fullmatch(r"unrecognized arguments: (--[\w-]+)\b.*", message)
        if unknown is not None:
            known = [each for each in self._option_string_actions if each.startswith("--")]
            meant = import_module("eagerflow.base.errors").did_you_mean(unknown[1], known)
            message += f".{meant}" if meant else ""
        self.exit(2, f"{self.prog}: error: {message}\nsee: {self.prog} --help\n")

    def _of_command(self, words: Sequence[str]) -> argparse.ArgumentParser:
        """The parser of the command among the words, or this one."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                named = next((word for word in words if word in action.choices), "")
                return action.choices.get(named, self)
        return self
