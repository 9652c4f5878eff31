"""The last steps of a training in a file, and the ways to run them again."""

__all__: list[str] = []
