"""Files, and records in them, under the names of `tf.io`, `tf.data` and `tf.train`."""
