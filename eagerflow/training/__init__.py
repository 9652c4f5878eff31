"""Training: `compile`, `fit`, `evaluate`, `predict`, and what happens in and around their steps."""
