"""The commands of the add-ons, which the core knows by the table in `viz.shell.commands` alone."""

from __future__ import annotations

__all__: list[str] = []
