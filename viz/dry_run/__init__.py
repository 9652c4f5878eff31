"""Trying a training out: on its first step, and so that nothing of it remains."""

__all__: list[str] = []
