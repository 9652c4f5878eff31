"""The process that serves the live page: Python's standard library only, so that it starts quickly and holds little.

It outlives the program that trains. What it shows comes through its standard input (see `messages`).
"""

from __future__ import annotations

__all__: list[str] = []
