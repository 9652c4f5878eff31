"""The title of an epoch that never comes: it is printed before the first step, at which the script is ended."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["HeldTitles", "without_last_title"]

_TITLE = re.compile(r"Epoch +\d+/\d+\n?")


class HeldTitles:
    r"""A text stream that writes the title of an epoch only when something follows it.

    Args:
        stream: what it writes to, which also answers everything else.

    >>> import io
    >>> whole = io.StringIO()
    >>> held = HeldTitles(whole)
    >>> for words in ("ready", "Epoch 1/3", "4/8", "Epoch 2/3"):
    ...     print(words, file=held)
    >>> whole.getvalue()
    'ready\nEpoch 1/3\n4/8\n'
    """

    def __init__(self, stream: Any) -> None:
        self._stream, self._title = stream, ""

    def write(self, text: str) -> int:
        """Write, or wait."""
        if _TITLE.fullmatch(self._title + text):
            self._title += text
            return len(text)
        self.release()
        if _TITLE.fullmatch(text):
            self._title = text
            return len(text)
        return int(self._stream.write(text))

    def writelines(self, lines: Any) -> None:
        """Write them one by one."""
        for line in lines:
            self.write(line)

    def release(self) -> None:
        """Something follows the title."""
        title, self._title = self._title, ""
        if title:
            self._stream.write(title)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def without_last_title() -> Iterator[HeldTitles]:
    """Inside, the standard output holds titles; the one that nothing followed is dropped, unless it is released."""
    held = HeldTitles(sys.stdout)
    with contextlib.redirect_stdout(held):
        yield held
