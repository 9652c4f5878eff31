"""The trainings of one script: whose turn it is, and what was found in each of them."""

__all__: list[str] = []
