"""All checks of the doctor."""

from __future__ import annotations

from viz.doctor.check_base import Check
from viz.doctor.checks.activations import DeadRelu, Saturated
from viz.doctor.checks.gradients import GradientSizes
from viz.doctor.checks.inputs import Inputs, Normalizations
from viz.doctor.checks.learning_rate import LearningRates
from viz.doctor.checks.losses import Labels, Mismatch
from viz.doctor.checks.memory import Memory
from viz.doctor.checks.no_gradient import Unreached
from viz.doctor.checks.nonfinite import NonFinite
from viz.doctor.checks.outputs import ConstantOutput
from viz.doctor.checks.overfitting import Overfit
from viz.doctor.checks.shapes import Broadcasts, Upcasts
from viz.doctor.checks.timing import Timing

__all__ = ["CHECKS"]

CHECKS: tuple[type[Check], ...] = (
    NonFinite,
    Mismatch,
    Labels,
    Broadcasts,
    Upcasts,
    Inputs,
    Normalizations,
    DeadRelu,
    Saturated,
    ConstantOutput,
    GradientSizes,
    LearningRates,
    Unreached,
    Memory,
    Timing,
    Overfit,
)
"""In the order in which they are asked: `Unreached` comes after those that explain gradients of zero."""
