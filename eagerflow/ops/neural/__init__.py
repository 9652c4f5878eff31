"""What networks are made of: activations, convolutions, pooling, normalization, attention, recurrence, losses."""
