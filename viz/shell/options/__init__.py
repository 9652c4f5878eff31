"""What each command understands: light to load, so that help, completion and mistakes are answered at once.

What a command does stands in the module of the same name in `viz.command`.
"""

from __future__ import annotations

__all__: list[str] = []
