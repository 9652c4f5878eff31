"""Recurrent layers, their cells, and the layers that wrap others."""

from typing import TYPE_CHECKING

from eagerflow.base.moved import forwarded as _forwarded

if not TYPE_CHECKING:
    __getattr__ = _forwarded(__name__)
