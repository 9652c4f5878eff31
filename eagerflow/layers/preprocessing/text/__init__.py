"""Text and tokens as numbers."""
