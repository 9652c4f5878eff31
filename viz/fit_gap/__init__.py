"""Why `fit` and `evaluate` disagree about the same rows: the difference, part by part."""

__all__: list[str] = []
