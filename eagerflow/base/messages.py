"""Lines that tell what is going on: to the standard output, or to the log where that is wished."""

from __future__ import annotations

import logging

from eagerflow.base.config import is_interactive_logging_enabled
from eagerflow.base.output import write

__all__ = ["say"]


def say(text: str) -> None:
    """Print a line; `config.disable_interactive_logging()` sends it to the log "eagerflow" instead.

    >>> say("Found 3 files.")
    Found 3 files.
    """
    if not is_interactive_logging_enabled():
        logging.getLogger("eagerflow").info("%s", text)
    else:
        write(f"{text}\n")
