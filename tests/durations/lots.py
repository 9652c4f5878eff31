"""Of large families of cases, CI runs a part; all of them run before a release: `make test-slow ALL=1`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

__all__ = ["one_in"]

Case = TypeVar("Case")
_ALL = os.environ.get("EAGERFLOW_TEST_ALL") == "1"


def one_in(count: int, cases: Iterable[Case]) -> list[Case]:
    """Every so-manieth case, or all of them before a release."""
    return list(cases)[:: 1 if _ALL else count]
