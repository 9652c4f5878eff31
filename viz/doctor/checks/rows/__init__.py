"""Checks of the rows that a script trains with: their order, padding and labels, and columns that tell the label."""

__all__: list[str] = []
