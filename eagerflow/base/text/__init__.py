"""What errors and printed tensors say."""
