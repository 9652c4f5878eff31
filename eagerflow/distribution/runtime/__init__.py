"""Who takes part in a training, and what the ranks send each other; the public names are in `distribution/`."""
