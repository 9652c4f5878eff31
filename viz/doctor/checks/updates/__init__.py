"""Checks of what happens to weights: whether they are updated, by whom, and which way."""

__all__: list[str] = []
