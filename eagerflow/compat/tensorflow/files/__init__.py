"""Files, and records and tables in them, under the names of `tf.io`, `tf.data` and `tf.train`."""
