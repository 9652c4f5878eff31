"""What TensorBoard is shown of by `tf.summary`, and the name scopes of its tags."""
