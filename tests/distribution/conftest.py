"""The fixture `ranks`: functions run on real ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.distribution.pool import Pool


class _Ranks:
    """The pool, started when it is first asked for, and again after a deadline."""

    def __init__(self) -> None:
        self.pool: Pool | None = None

    def __call__(self, n: int, function: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
        if self.pool is None or not self.pool.alive:
            self.pool = Pool()
        return self.pool(n, function, *args, **options)


@pytest.fixture(scope="session")
def ranks() -> Iterator[_Ranks]:
    """`ranks(n, function, *args)` gives what the function returned on each of n ranks."""
    found = _Ranks()
    yield found
    if found.pool is not None:
        found.pool.close()
