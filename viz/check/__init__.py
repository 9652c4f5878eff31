"""Before a training: is it set up so that it can learn? `viz check`, `viz reproduce`."""

__all__: list[str] = []
