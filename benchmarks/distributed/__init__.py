"""How well ranks train together: `python -m benchmarks.distributed --help`."""
