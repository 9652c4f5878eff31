"""What Keras' exports ask of a backend."""

from __future__ import annotations

__all__ = ["EagerflowExportArchive"]


class EagerflowExportArchive:
    """SavedModels hold graphs of TensorFlow, which this backend doesn't have.

    Raises:
        NotImplementedError: always.
    """

    def __init__(self) -> None:
        raise NotImplementedError(
            "The eagerflow backend exports no SavedModel. Save a .keras file, and export that with another backend."
        )
