"""What `tf.train` has besides optimizers."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["latest_checkpoint"]

_ENDING = ".weights.h5"


def latest_checkpoint(checkpoint_dir: Any, latest_filename: Any = None) -> str | None:
    """The newest weights in a folder, as `model.load_weights` takes them; None where there are none.

    Args:
        checkpoint_dir: the folder.
        latest_filename: accepted for TensorFlow's signature.
    """
    folder = os.fspath(checkpoint_dir)
    found = [os.path.join(folder, n) for n in sorted(os.listdir(folder)) if n.endswith(_ENDING)]
    newest = max(found, key=os.path.getmtime, default=None)
    return None if newest is None else newest.removesuffix(_ENDING)
