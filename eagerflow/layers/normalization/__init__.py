"""Normalization over batches and within samples."""

from eagerflow.base.moved import forwarded as _forwarded

__getattr__ = _forwarded(__name__)
