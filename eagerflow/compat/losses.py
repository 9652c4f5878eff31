"""What `keras.losses` of tf.keras 2 has besides losses."""

from __future__ import annotations

__all__ = ["Reduction"]


class Reduction:
    """Names of the ways in which the losses of samples become one number."""

    AUTO = "sum_over_batch_size"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All names."""
        return (cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)
