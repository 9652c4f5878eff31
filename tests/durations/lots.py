"""Of slow tests CI runs a quarter each day, and of large families of cases a part: `make test-slow ALL=1` runs all."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from typing import TypeVar

__all__ = ["PARTS", "in_part", "one_in"]

Case = TypeVar("Case")
PARTS = 4
_ALL = os.environ.get("EAGERFLOW_TEST_ALL") == "1"


def one_in(count: int, cases: Iterable[Case]) -> list[Case]:
    """Every so-manieth case, or all of them before a release."""
    return list(cases)[:: 1 if _ALL else count]


def in_part(name: str, part: str) -> bool:
    """Whether a slow test belongs to a part.

    Args:
        name: of the test.
        part: a number, such as that of the day: the part is what is left of it; "" for all of them together.
    """
    return not part or zlib.crc32(name.encode()) % PARTS == int(part) % PARTS
