"""Sums, extremes, softmax and the largest of rows, where NumPy's own are slow; rows added at places."""
