"""Text as tensors, under the names of `tf.strings`."""
