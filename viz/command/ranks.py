"""Commands under a launcher: every rank runs the script, and rank 0 says what came of it."""

from __future__ import annotations

from typing import Any

from eagerflow.distribution.joining import joined
from eagerflow.training.launchers import told
from viz.frameworks import ranks_of_torch

__all__ = ["ranks_here"]


def ranks_here() -> Any:
    """The communicator of the ranks that a launcher started together; None for a process that is alone."""
    found = told()
    return ranks_of_torch() if found is None or found.size == 1 else joined()
