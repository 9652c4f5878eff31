"""Attention, with one head and with many."""
