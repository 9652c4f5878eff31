"""How fast and how large, against other frameworks: `python -m benchmarks --help`."""
