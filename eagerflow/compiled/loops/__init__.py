"""The loops, by subject, as Numba takes them: plain Python over arrays, which also runs without Numba, slowly."""

__all__: list[str] = []
