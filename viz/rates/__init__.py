"""Which learning rate? `viz.find_lr`."""

__all__: list[str] = []
