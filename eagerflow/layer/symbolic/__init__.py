"""Tensors without values: what `Input` gives, the calls they pass through, and the graph of these calls."""
