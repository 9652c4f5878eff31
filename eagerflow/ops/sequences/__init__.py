"""Ops over sequences: recurrent layers, and the loss of unaligned labels."""
