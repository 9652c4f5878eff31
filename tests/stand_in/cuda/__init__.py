"""What lies in files of the same names as in CuPy, which eagerflow knows by them."""
