"""`viz completion bash|zsh|fish`: what makes a shell complete commands, options, choices and files, by shtab."""

from __future__ import annotations

import argparse
import re
from importlib import import_module

from viz.shell.commands import COMMANDS, parser_of
from viz.shell.parser import Parser
from viz.shell.statuses import Impossible

__all__ = ["SHELLS", "add_command", "run_completion"]

SHELLS = ("bash", "zsh", "fish")
_FILE = re.compile(r"script|file|dir|\.\w+$", re.IGNORECASE)  # how help calls the names of files


def add_command(parser: Parser) -> None:
    """Print what makes your shell complete viz: commands, options, the values of options, and files.

    It needs shtab: pip install 'eagerflow[completion]'.

      eval "$(viz completion bash)"         in ~/.bashrc
      eval "$(viz completion zsh)"          in ~/.zshrc, after compinit
      viz completion fish | source          in ~/.config/fish/config.fish
    """
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run_completion(options: argparse.Namespace) -> int:
    """Run `viz completion`."""
    try:
        shtab = import_module("shtab")
    except ImportError:
        raise Impossible("completion needs shtab: pip install 'eagerflow[completion]'") from None
    whole = argparse.ArgumentParser(prog="viz")
    commands = whole.add_subparsers()
    for name, command in COMMANDS.items():
        parser = parser_of(name)
        for action in parser._actions:
            if action.nargs != 0 and not action.choices and _FILE.search(str(action.metavar or action.dest)):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        parser.description = command.about
        commands.add_parser(name, help=command.about, add_help=False, parents=[parser])
    print(shtab.complete(whole, shell=options.shell))
    return 0
