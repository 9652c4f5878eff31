"""Normalization over batches and within samples."""
