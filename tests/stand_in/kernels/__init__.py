"""The stand-in's kernels in CUDA C: compiled as C++ and run on the CPU, thread by thread.

`compiler.py` makes machine code of a text, with `shim.h` in place of CUDA; `raw.py` has `RawKernel`, `elementwise.py`
`ElementwiseKernel`, and `blas.py` what stands in for cuBLAS. `memory.py` has the zones around arrays that show what
writes outside of them.
"""
