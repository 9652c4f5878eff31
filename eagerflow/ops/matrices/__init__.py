"""Products, factorizations, inverses and norms."""
