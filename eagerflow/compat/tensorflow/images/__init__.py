"""Pictures, under the names of `tf.image` and `tf.io`."""
