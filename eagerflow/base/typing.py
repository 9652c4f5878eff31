"""Named types: what signatures say where Python has no type, or a long one, for what is meant.

Those that are `Any` to a type checker are names for readers: arrays are NumPy's or CuPy's, and in a rule that is
recorded tensors, so that no one class fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BufferedIOBase
from os import PathLike
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, SupportsFloat, SupportsIndex, TypeAlias

import numpy

__all__ = ["ActivationLike", "AnyShape", "Array", "ArrayFunction", "Average", "Axes", "Better", "Border", "BoxFormat"]
__all__ += ["ClassMode", "ColorMode", "Condition", "ConstraintLike", "ConvolutionPadding", "DType", "DataFormat"]
__all__ += ["DatasetFormat", "DrawnType", "EncodedMode", "End", "Evaluated", "FilePath", "FillMode", "GradientPairs"]
__all__ += ["Gradients", "Identifier"]
__all__ += ["InSequence", "InitializerLike", "Integer", "Interpolation", "Kernel", "LabelMode", "Logs", "LossLike"]
__all__ += ["MetricLike", "MetricsLike", "Needs", "NewShape", "Number", "NumberOrRange", "Numpy", "Operand"]
__all__ += ["OptimizerLike", "Padding", "PillowInterpolation", "PolicyLike", "Predicted", "QuantileMethod", "Reduction"]
__all__ += ["RegularizerLike", "Rule", "Sampling", "Seed", "Shape", "Sizes", "Subset", "TensorLike", "TokenMode"]
__all__ += ["ArrayOrTensor", "Batch", "Boxes", "Configuration", "LoadedModel", "Nested", "NewDataset", "PillowImage"]
__all__ += ["Data", "Targets", "Tensors"]
__all__ += ["UnconnectedGradients", "Variables"]

# A raw array of NumPy or CuPy; in a rule that is recorded, a tensor.
Array: TypeAlias = Any

# `xp`: the module `numpy`, or what stands in its place: `cupy`; in a rule that is recorded, `eagerflow.ops`.
Numpy: TypeAlias = Any

# What becomes a tensor: a tensor or variable (a symbolic one, too), an array, a number, lists of numbers.
TensorLike: TypeAlias = Any


class _AsArray(Protocol):
    """A tensor, variable or array, of this library or another."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


# The same where it is calculated with: no text. `complex` to a type checker is also `int`, `float` and `bool`. None is
# accepted for what layers have or haven't: `if self.use_bias: x + self.bias`.
Operand: TypeAlias = complex | SupportsFloat | list[Any] | tuple[Any, ...] | range | _AsArray | None

# A tensor, or nested lists, tuples and dicts of tensors.
Tensors: TypeAlias = Any

# An array for an array, a tensor for a tensor.
ArrayOrTensor: TypeAlias = Any

# One batch: `x`, or a tuple `(x, y)` or `(x, y, sample_weight)`.
Batch: TypeAlias = Any

# What a model learns from or predicts for: arrays, tensors or pandas objects, for several inputs in a list or dict; or
# batches of them: a `data.Dataset`, a `PyDataset`, a generator, any iterable. To validate with, with their targets:
# `(x, y)`, `(x, y, sample_weight)`, or batches.
Data: TypeAlias = Any

# What the outputs should be: arrays or tensors, one per output in a list or dict. Batches hold their own.
Targets: TypeAlias = Any

# Bounding boxes as a tensor of shape `(..., 4)`, or a dict of such tensors.
Boxes: TypeAlias = Any

# What describes an object in files: a dict with its class and arguments; for a function, its name.
Configuration: TypeAlias = Any

# A `Model` of the class that it was saved with, such as `Sequential`.
LoadedModel: TypeAlias = Any

# A new `data.Dataset`; the one that it is made from stays as it is.
NewDataset: TypeAlias = Any

# Lists, tuples and dicts, nested in each other, and what they hold.
Nested: TypeAlias = Any

# A `PIL.Image.Image` of Pillow, which need not be installed.
PillowImage: TypeAlias = Any

# The lengths of new axes, each by itself or all in a list, tuple or shape.
NewShape: TypeAlias = SupportsIndex | Iterable[SupportsIndex | None]

# A name such as "float32", a type of NumPy, Python or another library; None where there is a default.
DType: TypeAlias = (
    Literal["bfloat16", "bool", "complex128", "complex64", "float16", "float32", "float64", "int16", "int32"]
    | Literal["int64", "int8", "string", "uint16", "uint32", "uint64", "uint8"]
    | Any
)

# What a layer computes in: a data type for all, or a policy, which may be one type for weights and another for ops.
PolicyLike: TypeAlias = Literal["mixed_bfloat16", "mixed_float16"] | DType

# One axis, several, or None, mostly for all.
Axes: TypeAlias = int | Sequence[int] | None

# The lengths of a tensor's axes; None for one that only a call knows, such as the batch's.
Shape: TypeAlias = tuple[int | None, ...]

# Something that spatial axes have: one integer for all of them, or one for each.
Sizes: TypeAlias = int | Sequence[int]

# An activation, initializer, optimizer, ...: its name, its config, a function, class or object of the kind, or None.
# The `get` of its package finds what is meant.
Identifier: TypeAlias = Any

# A path, or an open binary file.
FilePath: TypeAlias = str | PathLike[str] | IO[bytes] | BufferedIOBase

# A whole number, such as a count: Python's or NumPy's.
Integer: TypeAlias = int | numpy.integer[Any]

# A number, such as a rate: Python's or NumPy's.
Number: TypeAlias = float | numpy.floating[Any] | numpy.integer[Any]

# A number, or the two between which one is drawn.
NumberOrRange: TypeAlias = float | Sequence[float]

# Words that name one of a few ways. Editors complete them; a type checker takes any other `str`, too, so that a program
# may hand them on by a variable, a loop or an argument. What is none of them is refused at run time, with their list.

# What is done at the borders, by layers with windows.
Padding: TypeAlias = Literal["valid", "same"] | str

# What is done at the borders by a convolution; `"causal"`, zeros in front alone, is for one spatial axis, such as time.
ConvolutionPadding: TypeAlias = Padding | Literal["causal"]

# Where the channels are; None, where it may be, for `config.image_data_format()`.
DataFormat: TypeAlias = Literal["channels_last", "channels_first"] | str

# What a loss makes of the losses of the samples.
Reduction: TypeAlias = Literal["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"] | str

# Whether less or more is better, by a callback that watches a number.
Better: TypeAlias = Literal["auto", "min", "max"] | str

# How the pixels of an image in a new size are made.
Interpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"] | str

# How those of an image that is moved or turned are made.
Sampling: TypeAlias = Literal["nearest", "bilinear"] | str

# How Pillow makes those of a file that is read.
PillowInterpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"] | str

# What is seen beyond the border of an image.
FillMode: TypeAlias = Literal["constant", "nearest", "wrap", "mirror", "reflect"] | str

# What the four numbers of a bounding box are.
BoxFormat: TypeAlias = (
    Literal["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
    | str
)

# The channels of images that are read from files.
ColorMode: TypeAlias = Literal["rgb", "rgba", "grayscale"] | str

# What the labels of files in folders are.
LabelMode: TypeAlias = Literal["int", "categorical", "binary"] | str

# What the labels of files in folders are, in Keras' older generators.
ClassMode: TypeAlias = Literal["categorical", "binary", "sparse", "input", "multi_output", "raw", "other"] | str

# Which of two parts of the files is read.
Subset: TypeAlias = Literal["training", "validation"] | str

# What kind of data set is asked for.
DatasetFormat: TypeAlias = Literal["tf", "grain"] | str

# How a layer gives numbers of classes, bins or words.
EncodedMode: TypeAlias = Literal["int", "one_hot", "multi_hot", "count"] | str

# How a layer gives numbers of words, also by how rare they are.
TokenMode: TypeAlias = EncodedMode | Literal["tf_idf"]

# What a gradient is where the target doesn't depend on the source: None or zeros; also one of TensorFlow's constants.
UnconnectedGradients: TypeAlias = Literal["none", "zero"] | Any

# How the scores of several classes become one.
Average: TypeAlias = Literal["micro", "macro", "weighted"] | str

# What a border around an array holds.
Border: TypeAlias = Literal["constant", "edge", "reflect", "symmetric", "wrap"] | str

# The beginning or the end of a sequence.
End: TypeAlias = Literal["pre", "post"] | str

# Which number is taken between the two that are nearest to a quantile.
QuantileMethod: TypeAlias = Literal["linear", "lower", "higher", "midpoint", "nearest"] | str

# The following name their usual values for editors, which complete them, and take any string: names may be registered.
# Which strings are none of them is found at run time; a number is one for nobody.

# A name, its config, or a function, class or object that can be called; None for none.
_Described: TypeAlias = str | Mapping[str, Any] | Callable[..., Any] | None

# An activation: its name, its config, a function or a layer; None for none.
ActivationLike: TypeAlias = (
    Literal["celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_sigmoid_keras_2"]
    | Literal["hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish"]
    | Literal["relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign"]
    | Literal["sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink"]
    | Literal["threshold"]
    | _Described
)

# An initializer: its name, its config, an object, class or function, or an array.
InitializerLike: TypeAlias = (
    Literal["constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal"]
    | Literal["lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform", "stft", "truncated_normal"]
    | Literal["variance_scaling", "zeros"]
    | _Described
    | _AsArray
)

# A regularizer: its name, its config, an object or function; None for none.
RegularizerLike: TypeAlias = Literal["l1", "l1_l2", "l2", "orthogonal_regularizer"] | _Described

# A constraint: its name, its config, an object or function; None for none.
ConstraintLike: TypeAlias = Literal["max_norm", "min_max_norm", "non_neg", "unit_norm"] | _Described


class _Optimizes(Protocol):
    """An optimizer; its class is above this file."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> None: ...


# An optimizer: its name, its config, an object or class; None for none.
OptimizerLike: TypeAlias = (
    Literal["adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "muon"]
    | Literal["nadam", "rmsprop", "schedulefreeadamw", "sgd"]
    | str
    | Mapping[str, Any]
    | _Optimizes
    | type[_Optimizes]
    | None
)

# A loss: its name, its config, an object or a function; for several outputs a list or dict of them.
LossLike: TypeAlias = (
    Literal["binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy"]
    | Literal["categorical_focal_crossentropy", "categorical_generalized_cross_entropy", "categorical_hinge"]
    | Literal["circle", "cosine_similarity", "ctc", "dice", "hinge", "huber", "kl_divergence", "log_cosh", "mae"]
    | Literal["mape", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error"]
    | Literal["mean_squared_logarithmic_error", "mse", "msle", "poisson", "sparse_categorical_crossentropy"]
    | Literal["squared_hinge", "tversky"]
    | _Described
    | Sequence[Any]
)

# A metric: its name, its config, an object or a function.
MetricLike: TypeAlias = (
    Literal["acc", "accuracy", "auc", "bce", "binary_accuracy", "binary_crossentropy"]
    | Literal["binary_focal_crossentropy", "binary_io_u", "categorical_accuracy", "categorical_crossentropy"]
    | Literal["categorical_focal_crossentropy", "categorical_hinge", "concordance_correlation"]
    | Literal["cosine_similarity", "f1_score", "f_beta_score", "false_negatives", "false_positives", "hinge"]
    | Literal["huber", "kl_divergence", "log_cosh", "log_cosh_error", "mae", "mape", "mean_absolute_error"]
    | Literal["mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "mse"]
    | Literal["msle", "pearson_correlation", "poisson", "precision", "r2_score", "recall"]
    | Literal["root_mean_squared_error", "sparse_categorical_accuracy", "sparse_categorical_crossentropy"]
    | Literal["sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy", "true_negatives"]
    | Literal["true_positives"]
    | Any
)

# Those of a model: a list of them; for several outputs a list of lists, or a dict.
MetricsLike: TypeAlias = Sequence[MetricLike] | Mapping[str, Any] | MetricLike

# A callback's `logs`: a dict of the numbers so far by name, or None. As `dict | None` it would make type checkers
# object to `logs["loss"]` in every hook that has `logs=None`, as Keras' have.
Logs: TypeAlias = Any

# Where random numbers come from: an integer, a `SeedGenerator`, or None for the state that all share.
Seed: TypeAlias = Any

# What `evaluate` gives: a number or a list of them, as was compiled, and no dict. To a type checker it is both at once:
# as a union, `loss < 0.1` and `loss, accuracy = model.evaluate(x, y)` would be errors.
#
# What `predict` gives: an array, or a list or dict of them, as the model's outputs are. In the same way.
if TYPE_CHECKING:

    class Evaluated(float, list[Any]):  # type: ignore[misc]
        """A number and a list of numbers."""

    class Predicted(numpy.ndarray, list[Any], dict[str, Any]):  # type: ignore[misc]
        """An array, and a list and a dict of arrays."""
else:
    Evaluated: TypeAlias = Any
    Predicted: TypeAlias = Any


# The lengths of the axes of a model's inputs or outputs, None for the batch's; of several, a list or dict of such
# tuples, as the model's are. To a type checker it is all of them at once, and each length is a number.
if TYPE_CHECKING:

    class AnyShape(tuple[Any, ...], Any):
        """A shape, and a list and a dict of shapes."""

        def __getitem__(self, index: Any) -> Any: ...
else:
    AnyShape: TypeAlias = Any


# What `Sequential` takes, a layer or an `Input`: their common base to a type checker, which would find none for a list
# of both otherwise.
if TYPE_CHECKING:

    class InSequence:
        """A layer, or what `Input` gives."""
else:
    InSequence: TypeAlias = object


class _Sized(Protocol):
    """A type of NumPy or PyTorch."""

    @property
    def itemsize(self) -> int: ...


# A type of numbers to draw: as `DType`, but no number itself, as in `normal(3, 4, 5, 6)`.
DrawnType: TypeAlias = str | type[Any] | _Sized | None

# Variables: a list, or anything else that is iterated. As `Iterable[Variable]` it would make type checkers object to a
# user's optimizer that says `list[Variable]`.
Variables: TypeAlias = Any

# A gradient for each of some variables, in their order; None for one that has none.
Gradients: TypeAlias = Any

# Pairs of a gradient and its variable.
GradientPairs: TypeAlias = Any

# What an op is made of: `f(xp, *arrays, *settings)`, on raw arrays.
ArrayFunction: TypeAlias = Callable[..., Any]

# A derivative: names what it needs, of `g` (the gradient arriving), `out`, the op's parameters, ...; see `core/op.py`.
Rule: TypeAlias = Callable[..., Any]

# For each array of an op, whether its gradient is wanted.
Needs: TypeAlias = Sequence[bool]

# What computes an op, or a rule of it, in a quicker way, and whether it pays; see `core/lowering.py`.
Kernel: TypeAlias = Callable[..., Any]
Condition: TypeAlias = Callable[..., bool]
