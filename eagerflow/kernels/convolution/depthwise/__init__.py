"""Convolutions in which every channel has its own filters."""
