"""The samples of a training, the hardest first: `viz data`."""

from viz.samples.sample_set import Sample, Samples

__all__ = ["Sample", "Samples"]
