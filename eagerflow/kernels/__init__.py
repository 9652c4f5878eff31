"""Kernels on raw arrays behind the hot ops. `xp` is the array module, numpy or cupy."""
