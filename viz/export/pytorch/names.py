"""All that PyTorch's `SummaryWriter` has, in one class."""

from __future__ import annotations

from viz.export.pytorch.media import Media
from viz.export.pytorch.numbers import Numbers
from viz.export.pytorch.structures import Structures
from viz.export.pytorch.studies import Studies

__all__ = ["PyTorchNames"]


class PyTorchNames(Numbers, Media, Structures, Studies):
    """A run that is written by PyTorch's names."""
