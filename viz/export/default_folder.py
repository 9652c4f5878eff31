"""Where a run goes that nobody gave a folder."""

from __future__ import annotations

import os
import socket
import time

__all__ = ["default_folder"]


def default_folder(comment: str) -> str:
    """`runs/<date and time>_<host><comment>`, as PyTorch's writer calls it."""
    return os.path.join("runs", f"{time.strftime('%b%d_%H-%M-%S')}_{socket.gethostname()}{comment}")
