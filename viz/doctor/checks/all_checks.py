"""All checks of the doctor."""

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
from viz.doctor.checks.leaks.copied import Copied
from viz.doctor.checks.leaks.label_leak import LabelLeak
from viz.doctor.checks.leaks.looks_ahead import LooksAhead
from viz.doctor.checks.learning_rate import LearningRates
from viz.doctor.checks.loss_direction import LossSign
from viz.doctor.checks.losses import Labels, Mismatch
from viz.doctor.checks.memory import Memory
from viz.doctor.checks.modes import Modes
from viz.doctor.checks.no_gradient import Unreached
from viz.doctor.checks.noise import Noise
from viz.doctor.checks.nonfinite import NonFinite
from viz.doctor.checks.outputs import ClassNumbers, ConstantOutput, LastLayers, RowSoftmax
from viz.doctor.checks.overfitting import Overfit
from viz.doctor.checks.own_losses.likelihoods import Likelihoods
from viz.doctor.checks.own_losses.out_of_reach import OutOfReach
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
from viz.doctor.checks.swapped import Swapped
from viz.doctor.checks.timing import Costs, Timing
from viz.doctor.checks.updates.collapsed import Collapsed
from viz.doctor.checks.updates.deceived import Deceived
from viz.doctor.checks.updates.forgotten import Forgotten
from viz.doctor.checks.updates.frozen import Frozen
from viz.doctor.checks.updates.misled import Misled
from viz.doctor.checks.updates.nothing_given import NothingGiven
from viz.doctor.checks.updates.opposed import Opposed
from viz.doctor.checks.updates.overruled import Overruled
from viz.doctor.checks.updates.random_frozen import RandomFrozen
from viz.doctor.checks.updates.renewed import Renewed
from viz.doctor.checks.updates.reversed_terms import Divergence
from viz.doctor.checks.updates.summed import Summed
from viz.doctor.checks.updates.turned import Turned
from viz.doctor.checks.validation.altered_validation import AlteredValidation
from viz.doctor.checks.validation.folds import Folds
from viz.doctor.checks.validation.validation_rows import ValidationLoss, ValidationRows

__all__ = ["CHECKS"]

CHECKS: tuple[type[Check], ...] = (
    NonFinite,
    Mismatch,
    Swapped,
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
    Summed,
    LearningRates,
    Inputs,
    Penalties,
    Decay,
    Unreached,
    Frozen,
    NothingGiven,
    Forgotten,
    Opposed,
    Deceived,
    Renewed,
    Overruled,
    Misled,
    Divergence,
    Turned,
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
    Collapsed,
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
