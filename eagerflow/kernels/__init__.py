"""Kernels on NumPy's arrays behind the hot ops."""
