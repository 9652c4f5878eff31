"""What TensorBoard is shown of by `tf.summary` and `tf.profiler`, and the name scopes of its tags."""
