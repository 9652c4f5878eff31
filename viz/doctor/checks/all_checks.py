"""All checks of the doctor."""

from __future__ import annotations

from viz.doctor.check_base import Check
from viz.doctor.checks.activations import DeadRelu, Saturated
from viz.doctor.checks.answers import Answers
from viz.doctor.checks.attention import AttentionAxis
from viz.doctor.checks.course.callbacks import Callbacks
from viz.doctor.checks.course.hidden_softmax import HiddenSoftmax
from viz.doctor.checks.course.kept_by_hand import KeptByHand
from viz.doctor.checks.course.same_loss import SameLoss
from viz.doctor.checks.course.schedules import Schedules
from viz.doctor.checks.course.unreset_metrics import UnresetMetrics
from viz.doctor.checks.endings import Endings
from viz.doctor.checks.gradients import GradientSizes
from viz.doctor.checks.inputs import Inputs
from viz.doctor.checks.kernels import Kernels
from viz.doctor.checks.leaks.copied import Copied
from viz.doctor.checks.leaks.encoded_targets import EncodedTargets
from viz.doctor.checks.leaks.found_itself import FoundItself
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
from viz.doctor.checks.own_losses.cosine_logits import CosineLogits
from viz.doctor.checks.own_losses.exchanged import Exchanged
from viz.doctor.checks.own_losses.labels import LabelsByHand
from viz.doctor.checks.own_losses.likelihoods import Likelihoods
from viz.doctor.checks.own_losses.out_of_reach import OutOfReach
from viz.doctor.checks.own_losses.squared_means import SquaredMeans
from viz.doctor.checks.penalties import AddedTerms, Decay, Penalties
from viz.doctor.checks.rank_times import RankTimes
from viz.doctor.checks.rows.attention_masks import AttentionMasks
from viz.doctor.checks.rows.class_weights import ClassWeights
from viz.doctor.checks.rows.counted_padding import CountedPadding
from viz.doctor.checks.rows.first_batch import FirstBatch
from viz.doctor.checks.rows.loop_rows import LoopRows
from viz.doctor.checks.rows.most_frequent import MostFrequent
from viz.doctor.checks.rows.padding import Padding
from viz.doctor.checks.rows.padding_class import PaddingClass
from viz.doctor.checks.rows.policy_sign import PolicySign
from viz.doctor.checks.rows.prepared import Prepared
from viz.doctor.checks.rows.renumbered import Renumbered
from viz.doctor.checks.rows.repeated_rows import RepeatedRows
from viz.doctor.checks.rows.row_order import ClassOrder, SameBatch, Shuffles
from viz.doctor.checks.rows.shifted_labels import ShiftedLabels
from viz.doctor.checks.rows.slid_labels import SlidLabels
from viz.doctor.checks.rows.torn_series import TornSeries
from viz.doctor.checks.rows.triplets import Triplets
from viz.doctor.checks.rows.vocabularies import Vocabularies
from viz.doctor.checks.shapes import Broadcasts, Upcasts
from viz.doctor.checks.spoilt.mixed_rows import MixedRows
from viz.doctor.checks.spoilt.small_inputs import SmallInputs
from viz.doctor.checks.spoilt.standardized_rows import StandardizedRows
from viz.doctor.checks.spoilt.stateful_rows import StatefulRows
from viz.doctor.checks.spoilt.wrapped_numbers import WrappedNumbers
from viz.doctor.checks.swapped import Swapped
from viz.doctor.checks.timing import Costs, Timing
from viz.doctor.checks.updates.adversary import Adversary
from viz.doctor.checks.updates.applied_twice import AppliedTwice
from viz.doctor.checks.updates.collapsed import Collapsed
from viz.doctor.checks.updates.deceived import Deceived
from viz.doctor.checks.updates.driven_apart import DrivenApart
from viz.doctor.checks.updates.elsewhere import Elsewhere
from viz.doctor.checks.updates.forgotten import Forgotten
from viz.doctor.checks.updates.frozen import Frozen
from viz.doctor.checks.updates.misled import Misled
from viz.doctor.checks.updates.mixed_up import MixedUp
from viz.doctor.checks.updates.moving_goal import MovingGoal
from viz.doctor.checks.updates.nothing_given import NothingGiven
from viz.doctor.checks.updates.opposed import Opposed
from viz.doctor.checks.updates.outside import Outside
from viz.doctor.checks.updates.overruled import Overruled
from viz.doctor.checks.updates.random_frozen import RandomFrozen
from viz.doctor.checks.updates.renewed import Renewed
from viz.doctor.checks.updates.reversed_terms import Divergence
from viz.doctor.checks.updates.summed import Summed
from viz.doctor.checks.updates.turned import Turned
from viz.doctor.checks.validation.altered_validation import AlteredValidation
from viz.doctor.checks.validation.dropped_answers import DroppedAnswers
from viz.doctor.checks.validation.folds import Folds
from viz.doctor.checks.validation.validation_rows import ValidationLoss, ValidationRows

__all__ = ["CHECKS"]

CHECKS: tuple[type[Check], ...] = (
    NonFinite,
    Mismatch,
    Swapped,
    Labels,
    Exchanged,
    LabelsByHand,
    OutOfReach,
    CosineLogits,
    LastLayers,
    RowSoftmax,
    AttentionAxis,
    AttentionMasks,
    ClassNumbers,
    Broadcasts,
    Upcasts,
    LossSign,
    Triplets,
    PolicySign,
    Kernels,
    Modes,
    DeadRelu,
    Saturated,
    ConstantOutput,
    GradientSizes,
    Summed,
    LearningRates,
    Inputs,
    WrappedNumbers,
    MixedRows,
    Penalties,
    Decay,
    Unreached,
    Elsewhere,
    Frozen,
    NothingGiven,
    Forgotten,
    Opposed,
    AppliedTwice,
    MovingGoal,
    MixedUp,
    Deceived,
    Renewed,
    Overruled,
    Outside,
    Adversary,
    Misled,
    Divergence,
    DrivenApart,
    Turned,
    Likelihoods,
    SquaredMeans,
    FirstBatch,
    Folds,
    Copied,
    FoundItself,
    Noise,
    Memory,
    Timing,
    Costs,
    Overfit,
    ValidationRows,
    AlteredValidation,
    DroppedAnswers,
    Prepared,
    LoopRows,
    Renumbered,
    ClassOrder,
    SameBatch,
    StatefulRows,
    RepeatedRows,
    TornSeries,
    Callbacks,
    KeptByHand,
    UnresetMetrics,
    Schedules,
    Endings,
    Answers,
    SmallInputs,  # after what tells that nothing is learnt
    StandardizedRows,  # after what tells that nothing is learnt
    ClassWeights,
    CountedPadding,
    PaddingClass,
    HiddenSoftmax,  # after what tells how much is learnt
    RandomFrozen,
    Padding,  # after what tells that nothing is learnt
    AddedTerms,
    Collapsed,
    ValidationLoss,
    Shuffles,
    SlidLabels,
    ShiftedLabels,
    SameLoss,
    LabelLeak,
    EncodedTargets,
    LooksAhead,
    RankTimes,
    Vocabularies,
    MostFrequent,  # after those that know more of answers
)
"""In the order in which they are asked: `Unreached` comes after those that explain gradients of zero, `Inputs` after
the symptoms of unscaled ones."""
