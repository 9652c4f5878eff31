"""Instruments for a running training: gradient noise, step length, curvature."""

__all__: list[str] = []
