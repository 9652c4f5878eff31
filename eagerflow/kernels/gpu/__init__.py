"""Kernels for GPUs: cuBLAS called so that CUDA graphs record it, and what CuPy would do in many launches as one."""

__all__: list[str] = []
