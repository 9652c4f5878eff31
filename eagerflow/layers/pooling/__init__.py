"""Maxima and means over windows and over whole axes."""

from eagerflow.base.moved import forwarded as _forwarded

__getattr__ = _forwarded(__name__)
