"""Many elements into few: sums, means, extremes, statistics, running sums, segments."""

from typing import TYPE_CHECKING

from eagerflow.base.moved import forwarded as _forwarded

if not TYPE_CHECKING:
    __getattr__ = _forwarded(__name__)
