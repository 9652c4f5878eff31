"""What the command line is made of, whichever command is called: its list of commands, its parser, its statuses.

Nothing here needs NumPy or a model, so that `viz --help` and a mistyped option are answered at once.
"""

from __future__ import annotations

__all__: list[str] = []
