"""What to do about findings: one sentence or two for each kind, or for each way in which it comes about."""

from __future__ import annotations

from viz.doctor.advice.on_data import ON_DATA
from viz.doctor.advice.on_gradients import ON_GRADIENTS
from viz.doctor.advice.on_training import ON_TRAINING
from viz.doctor.advice.on_updates import ON_UPDATES

__all__ = ["ADVICE"]

ADVICE = {**ON_TRAINING, **ON_UPDATES, **ON_GRADIENTS, **ON_DATA}
"""By kind, or `kind.way`."""
