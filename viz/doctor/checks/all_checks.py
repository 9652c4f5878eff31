"""All checks of the doctor, and what they advise."""

from __future__ import annotations

from viz.doctor.check_base import Check
from viz.doctor.checks.activations import DeadRelu, Saturated
from viz.doctor.checks.answers import Answers, ClassWeights
from viz.doctor.checks.course import Callbacks, Schedules, UnresetMetrics
from viz.doctor.checks.endings import Endings
from viz.doctor.checks.gradients import GradientSizes
from viz.doctor.checks.inputs import Inputs
from viz.doctor.checks.kernels import HiddenSoftmax, Kernels
from viz.doctor.checks.label_range import Labels
from viz.doctor.checks.learning_rate import LearningRates
from viz.doctor.checks.loss_mismatch import Mismatch
from viz.doctor.checks.loss_sign import Likelihoods, LossSign
from viz.doctor.checks.memory import Memory
from viz.doctor.checks.modes import Modes
from viz.doctor.checks.no_gradient import Unreached
from viz.doctor.checks.noise import Noise
from viz.doctor.checks.nonfinite import NonFinite
from viz.doctor.checks.outputs import ClassNumbers, ConstantOutput
from viz.doctor.checks.overfitting import Overfit
from viz.doctor.checks.penalties import Divergences, Penalties
from viz.doctor.checks.rank_weights import RankWeights
from viz.doctor.checks.rows.attention_masks import AttentionMasks
from viz.doctor.checks.rows.label_leak import AlongTime, LabelLeak
from viz.doctor.checks.rows.mixed_rows import MixedRows, TornAxes
from viz.doctor.checks.rows.padding import CountedPadding, Padding
from viz.doctor.checks.rows.row_order import ClassOrder, PairedOrders, Shuffles
from viz.doctor.checks.shapes import Broadcasts, Upcasts
from viz.doctor.checks.timing import Costs, Timing
from viz.doctor.checks.updates.adversaries import Adversaries
from viz.doctor.checks.updates.aliases import Aliases
from viz.doctor.checks.updates.clipping import AccumulatedGradients, Clipping
from viz.doctor.checks.updates.forgotten import Forgotten
from viz.doctor.checks.updates.frozen import Frozen, RandomFrozen
from viz.doctor.checks.updates.lost_gradients import LostTerms
from viz.doctor.checks.updates.recreated import MadeInCalls, Recreated
from viz.doctor.checks.validation.folds import Folds
from viz.doctor.checks.validation.noisy_validation import NoisyValidation
from viz.doctor.checks.validation.prepared import Prepared, SharedRows
from viz.doctor.checks.validation.validation_rows import ValidationLoss, ValidationRows
from viz.doctor.shared_advice import SHARED

__all__ = ["ADVICE", "CHECKS"]

CHECKS: tuple[type[Check], ...] = (
    *(NonFinite, Mismatch, Labels, AttentionMasks, ClassNumbers),
    *(Broadcasts, Upcasts, LossSign, Kernels, Modes, DeadRelu, Saturated, ConstantOutput, GradientSizes),
    *(AccumulatedGradients, LearningRates, Inputs, Penalties, Unreached, Frozen, Forgotten),
    *(Recreated, Adversaries, Likelihoods, Folds, AlongTime, Noise, Memory, Timing, Costs, Overfit, ValidationRows),
    *(Prepared, ClassOrder, Callbacks, UnresetMetrics, Schedules, Endings, Answers, ClassWeights),
    *(Clipping, LostTerms, NoisyValidation, SharedRows, MixedRows, TornAxes),
    *(PairedOrders, Aliases, MadeInCalls, CountedPadding),
    *(HiddenSoftmax, RandomFrozen, Padding, Divergences, ValidationLoss, Shuffles, LabelLeak),
    RankWeights,
)
"""In the order in which they are asked: `Unreached` comes after those that explain gradients of zero, `Inputs` after
the symptoms of unscaled ones, and those behind `Answers` after what tells how much is learnt."""

ADVICE = {**SHARED, **{name: rule.fix for check in CHECKS for name, rule in check.rules.items()}}
"""What to do about findings: one sentence or two by kind, or by `kind.way` in which it comes about."""
