"""Layers that change shapes: reshaping, cropping, padding, repeating."""

from eagerflow.base.moved import forwarded as _forwarded

__getattr__ = _forwarded(__name__)
