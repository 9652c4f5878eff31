"""All checks of the doctor, and what they advise."""

from __future__ import annotations

from viz.doctor.check_base import Check
from viz.doctor.checks.activations import DeadRelu, Saturated
from viz.doctor.checks.answers import Answers
from viz.doctor.checks.course.callbacks import Callbacks
from viz.doctor.checks.course.hidden_softmax import HiddenSoftmax
from viz.doctor.checks.course.schedules import Schedules
from viz.doctor.checks.course.unreset_metrics import UnresetMetrics
from viz.doctor.checks.endings import Endings
from viz.doctor.checks.gradients import GradientSizes
from viz.doctor.checks.inputs import Inputs, SmallInputs
from viz.doctor.checks.kernels import Kernels
from viz.doctor.checks.label_range import Labels
from viz.doctor.checks.leaks.copied import Copied
from viz.doctor.checks.leaks.label_leak import LabelLeak
from viz.doctor.checks.leaks.looks_ahead import LooksAhead
from viz.doctor.checks.learning_rate import LearningRates
from viz.doctor.checks.loss_direction import LossSign
from viz.doctor.checks.loss_mismatch import Mismatch
from viz.doctor.checks.memory import Memory
from viz.doctor.checks.modes import Modes
from viz.doctor.checks.no_gradient import Unreached
from viz.doctor.checks.noise import Noise
from viz.doctor.checks.nonfinite import NonFinite
from viz.doctor.checks.outputs import ClassNumbers, ConstantOutput, LastLayers, RowSoftmax
from viz.doctor.checks.overfitting import Overfit
from viz.doctor.checks.own_losses.likelihoods import Likelihoods
from viz.doctor.checks.own_losses.out_of_reach import OutOfReach
from viz.doctor.checks.own_losses.swapped_arguments import SwappedArguments
from viz.doctor.checks.penalties import AddedTerms, Decay, Penalties
from viz.doctor.checks.rank_times import RankTimes
from viz.doctor.checks.rows.attention_masks import AttentionMasks
from viz.doctor.checks.rows.class_weights import ClassWeights
from viz.doctor.checks.rows.first_batch import FirstBatch
from viz.doctor.checks.rows.loop_rows import LoopRows
from viz.doctor.checks.rows.most_frequent import MostFrequent
from viz.doctor.checks.rows.padding import Padding
from viz.doctor.checks.rows.padding_class import PaddingClass
from viz.doctor.checks.rows.prepared import Prepared
from viz.doctor.checks.rows.row_order import ClassOrder, SameBatch, Shuffles
from viz.doctor.checks.rows.triplets import Triplets
from viz.doctor.checks.rows.vocabularies import Vocabularies
from viz.doctor.checks.shapes import Broadcasts, Upcasts
from viz.doctor.checks.timing import Costs, Timing
from viz.doctor.checks.updates.accumulated_gradients import AccumulatedGradients
from viz.doctor.checks.updates.conflicting_optimizers import ConflictingOptimizers
from viz.doctor.checks.updates.empty_update import EmptyUpdate
from viz.doctor.checks.updates.forgotten import Forgotten
from viz.doctor.checks.updates.frozen import Frozen
from viz.doctor.checks.updates.gan_generator_sign import GanGeneratorSign
from viz.doctor.checks.updates.gan_trains_both import GanTrainsBoth
from viz.doctor.checks.updates.kl_sign import KlSign
from viz.doctor.checks.updates.negated_loss import NegatedLoss
from viz.doctor.checks.updates.posterior_collapse import PosteriorCollapse
from viz.doctor.checks.updates.random_frozen import RandomFrozen
from viz.doctor.checks.updates.recreated import Recreated
from viz.doctor.checks.updates.trainable_ignored import TrainableIgnored
from viz.doctor.checks.validation.altered_validation import AlteredValidation
from viz.doctor.checks.validation.folds import Folds
from viz.doctor.checks.validation.validation_rows import ValidationLoss, ValidationRows
from viz.doctor.shared_advice import SHARED

__all__ = ["ADVICE", "CHECKS"]

CHECKS: tuple[type[Check], ...] = (
    NonFinite,
    Mismatch,
    SwappedArguments,
    Labels,
    OutOfReach,
    LastLayers,
    RowSoftmax,
    AttentionMasks,
    ClassNumbers,
    Broadcasts,
    Upcasts,
    LossSign,
    Triplets,
    Kernels,
    Modes,
    DeadRelu,
    Saturated,
    ConstantOutput,
    GradientSizes,
    AccumulatedGradients,
    LearningRates,
    Inputs,
    Penalties,
    Decay,
    Unreached,
    Frozen,
    EmptyUpdate,
    Forgotten,
    ConflictingOptimizers,
    GanTrainsBoth,
    Recreated,
    TrainableIgnored,
    GanGeneratorSign,
    KlSign,
    NegatedLoss,
    Likelihoods,
    FirstBatch,
    Folds,
    Copied,
    Noise,
    Memory,
    Timing,
    Costs,
    Overfit,
    ValidationRows,
    AlteredValidation,
    Prepared,
    LoopRows,
    ClassOrder,
    SameBatch,
    Callbacks,
    UnresetMetrics,
    Schedules,
    Endings,
    Answers,
    SmallInputs,  # after what tells that nothing is learnt
    ClassWeights,
    PaddingClass,
    HiddenSoftmax,  # after what tells how much is learnt
    RandomFrozen,
    Padding,  # after what tells that nothing is learnt
    AddedTerms,
    PosteriorCollapse,
    ValidationLoss,
    Shuffles,
    LabelLeak,
    LooksAhead,
    RankTimes,
    Vocabularies,
    MostFrequent,  # after those that know more of answers
)
"""In the order in which they are asked: `Unreached` comes after those that explain gradients of zero, `Inputs` after
the symptoms of unscaled ones."""

ADVICE = {**SHARED, **{rule: fix for check in CHECKS for rule, fix in check.fixes.items()}}
"""What to do about findings: one sentence or two by kind, or by `kind.way` in which it comes about."""
