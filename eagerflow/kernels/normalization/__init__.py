"""Batch, layer and group normalization, and the sums that they need."""
