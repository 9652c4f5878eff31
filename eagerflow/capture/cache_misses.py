"""Steps that are called with other arguments again and again, so that capturing takes longer than it saves."""

from __future__ import annotations

__all__ = ["VARIES", "changes_too_often", "never_pays"]

_MANY, _PAYS = 16, 100  # signatures from which on it counts; replays that make up for a capture
_CHANGES, _PAYS_AGAIN = 8, 20  # the same for captures of one signature
VARIES = (
    "its arguments have another shape, type, Python value or identity again and again: pass numbers as tensors, "
    "ef.Tensor(0.5), pad to a few lengths, drop the last, smaller batch, and keep objects"
)


def never_pays(signatures: int, replays: int) -> bool:
    """Whether to capture no further signature, after this number of signatures and of replays of all of them."""
    return signatures >= _MANY and replays < _PAYS * signatures


def changes_too_often(changes: int, replays: int) -> bool:
    """Whether not to capture a signature again, as what it depends on has changed so often."""
    return changes > _CHANGES and replays < _PAYS_AGAIN * changes
