"""Recurrent layers, their cells, and the layers that wrap others."""

from eagerflow.base.moved import forwarded as _forwarded

__getattr__ = _forwarded(__name__)
