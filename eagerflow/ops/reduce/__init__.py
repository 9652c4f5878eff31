"""Many elements into few: sums, means, extremes, statistics, running sums, segments."""

from eagerflow.base.moved import forwarded as _forwarded

__getattr__ = _forwarded(__name__)
