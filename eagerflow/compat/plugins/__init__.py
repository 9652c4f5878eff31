"""What scripts import of TensorBoard's own package to write for its tabs: that needs TensorFlow, and these don't."""

from __future__ import annotations

__all__ = ["PLUGINS"]

_PROJECTOR, _HPARAMS = "eagerflow.compat.plugins.projector", "eagerflow.compat.plugins.hparams"
PLUGINS: dict[str, str] = {"tensorboard.plugins.projector": _PROJECTOR, "tensorboard.plugins.hparams.api": _HPARAMS}
"""Which module a script gets for one of TensorBoard's."""
