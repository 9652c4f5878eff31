"""`tf.errors`: the kinds of errors that scripts catch, as Python knows them."""

from __future__ import annotations

__all__ = ["DataLossError", "FailedPreconditionError", "InvalidArgumentError", "NotFoundError", "OutOfRangeError"]
__all__ += ["ResourceExhaustedError", "UnimplementedError"]

DataLossError = FailedPreconditionError = InvalidArgumentError = ValueError
NotFoundError, OutOfRangeError = FileNotFoundError, StopIteration
ResourceExhaustedError, UnimplementedError = MemoryError, NotImplementedError
