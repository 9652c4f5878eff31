"""What a good answer to a mistake is: the right kind of error, short, naming culprit and cure, near the user's line."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from eagerflow.base import config
from eagerflow.base.tracebacks import is_ours

__all__ = ["Mistake", "check"]

# What is run, the kind of error, and texts that its message must hold.
Mistake = tuple[Callable[[], Any], type[BaseException] | tuple[type[BaseException], ...], tuple[str, ...]]

# What Python says about our own slips: such words never reach a user.
_INTERNAL = (
    "object has no attribute '_",
    "'NoneType' object",
    "not subscriptable",
    "unpack",
    "positional argument but",
)


def check(mistake: Mistake) -> None:
    """Make the mistake, and look at the answer."""
    run, kind, words = mistake
    config.enable_traceback_filtering()
    try:
        with pytest.raises(kind) as caught:
            run()
    finally:
        config.disable_traceback_filtering()
    message = str(caught.value)
    missing = [word for word in words if word not in message]
    assert not missing, f"not said: {missing}; said: {type(caught.value).__name__}: {message}"
    assert len(message) <= 500, message
    assert not message.endswith("None"), message
    assert not [word for word in _INTERNAL if word in message], message
    assert _frames(caught.value) <= 2, traceback.format_exception(caught.value)


def _frames(error: BaseException) -> int:
    """How many of our frames follow the last one of the user's."""
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    users = [i for i, file in enumerate(files) if not is_ours(file)]
    return len(files) - 1 - users[-1]
