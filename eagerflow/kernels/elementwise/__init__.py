"""Functions of each element of large arrays, in pieces that stay in the cache."""
