"""The checks of the doctor, one file per family of findings."""

__all__: list[str] = []
