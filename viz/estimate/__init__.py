"""How much memory and time will a training take, and which batch still fits? `viz estimate`."""

__all__: list[str] = []
