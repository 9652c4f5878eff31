"""What the command line's subcommands do."""

from __future__ import annotations

__all__: list[str] = []
