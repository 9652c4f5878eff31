"""What commands print: JSON, tables, one line or the other."""

from __future__ import annotations

import argparse
from typing import Any

from viz.facts.json_data import json_text
from viz.facts.lines.room import folded, room
from viz.shell.terminal import paint

__all__ = ["print_folded", "print_table", "say"]


def say(options: argparse.Namespace, facts: Any, words: str) -> None:
    """Print facts as JSON where `--json` was given, or else words."""
    if options.json:
        print(json_text(facts))
    else:
        print(words)


def print_folded(words: str, code: str = "") -> None:
    """Print a sentence in lines for which there is room."""
    shown = folded(words, room())
    print(paint(shown, code) if code else shown)


def print_table(shown: str) -> None:
    """Print a table, the lines of its frame grey and its notes yellow."""
    for line in str(shown).splitlines():
        if line.startswith("─") or not line.strip("-"):
            print(paint(line, "2"))
        elif line.startswith("note:"):
            print(paint(line, "33"))
        else:
            print(line)
