"""Convolutions: plain, depthwise, separable, transposed."""

from eagerflow.base.faces import listed as _listed

_listed(__name__)
