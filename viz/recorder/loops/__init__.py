"""The training steps of loops that mark none, told by the updates of their weights."""
