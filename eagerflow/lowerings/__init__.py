"""Which kernel computes which op, and when: registered by importing this (see `core/lowering.py`)."""

from eagerflow.lowerings import activations as activations
from eagerflow.lowerings import convolution as convolution
from eagerflow.lowerings import dense as dense
from eagerflow.lowerings import elementwise as elementwise
from eagerflow.lowerings import matrices as matrices
from eagerflow.lowerings import recurrent as recurrent

__all__: list[str] = []
