"""`tf.version`: the release whose interface is spoken here."""

__all__ = ["COMPILER_VERSION", "GIT_VERSION", "GRAPH_DEF_VERSION", "VERSION"]

VERSION = "2.15.0"
GIT_VERSION, COMPILER_VERSION, GRAPH_DEF_VERSION = "v2.15.0", "", 0
