"""Convolutions: plain, depthwise, separable, transposed."""

from functools import partial as _partial
from typing import TYPE_CHECKING

from eagerflow.base.faces import refused as _refused

if not TYPE_CHECKING:
    __getattr__ = _partial(_refused, __name__)
