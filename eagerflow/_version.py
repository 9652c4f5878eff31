"""The version of eagerflow: this line is the only place that says it."""

__version__ = "0.2.0"
