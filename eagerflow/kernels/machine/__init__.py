"""The machine below: processors, threads, BLAS, memory that is kept, work cut into pieces."""
