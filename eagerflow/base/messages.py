"""Lines that tell what is going on: to the standard output, or to the log where that is wished."""

from __future__ import annotations

import logging
import sys

from eagerflow.base.config import is_interactive_logging_enabled

__all__ = ["say"]


def say(text: str) -> None:
    """Print a line; `config.disable_interactive_logging()` sends it to the log "eagerflow" instead.

    >>> say("Found 3 files.")
    Found 3 files.
    """
    if not is_interactive_logging_enabled():
        logging.getLogger("eagerflow").info("%s", text)
    elif sys.stdout is not None:  # a program without a console has none
        print(text)
