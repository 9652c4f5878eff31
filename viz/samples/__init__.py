"""The samples of a training, the hardest first: `viz data`."""
