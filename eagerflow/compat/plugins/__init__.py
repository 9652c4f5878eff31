"""What scripts import of TensorBoard's own package to write for its tabs: that needs TensorFlow, and these don't."""

from __future__ import annotations

__all__ = ["PLUGINS"]

_HERE = "eagerflow.compat.plugins"
PLUGINS: dict[str, str] = {
    "tensorboard.plugins.hparams.api": f"{_HERE}.hparams",
    "tensorboard.plugins.projector": f"{_HERE}.projector",
}
"""Which module a script gets for one of TensorBoard's."""
