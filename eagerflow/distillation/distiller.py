"""`Distiller`: trains a student on targets and on what a teacher says."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base import tree
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.core.custom_gradient import no_grad
from eagerflow.distillation.losses import described_losses, read_losses
from eagerflow.losses import Loss
from eagerflow.metrics import Mean
from eagerflow.models import Model

__all__ = ["Distiller"]


class Distiller(Model):
    """A model that trains a student on its targets and on the outputs of a teacher, which isn't changed.

    It minimizes `student_loss_weight` times the loss given to `compile`, plus `1 - student_loss_weight` times the
    distillation losses. Sample weights apply to the loss of `compile` only.

    Args:
        teacher: a trained model.
        student: the model to train; `predict` returns its outputs.
        distillation_losses: a `DistillationLoss`, or a list of them.
        distillation_loss_weights: a factor for each distillation loss; default: 1.
        student_loss_weight: from 0 (only the teacher counts) to 1 (only the targets count).
        name: the model's name.
        **kwargs: arguments of every model.

    Raises:
        ValueError: for what is no model, or models whose inputs or outputs differ in shape or type; for weights that
            don't fit.

    Source: the interface of `keras.distillation.Distiller` 3.15.

    >>> import eagerflow as ef
    >>> teacher = ef.Sequential([ef.Input((4,)), ef.layers.Dense(16), ef.layers.Dense(3)])
    >>> student = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3)])
    >>> model = ef.distillation.Distiller(teacher, student, ef.distillation.LogitsDistillation(temperature=2.0))
    >>> model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> history = model.fit(ef.random.normal((8, 4)), ef.ops.zeros(8), verbose=0)
    >>> sorted(history.history)
    ['distillation_loss', 'loss', 'student_loss', 'total_loss']
    """

    def __init__(
        self,
        teacher: Any,
        student: Any,
        distillation_losses: Any,
        distillation_loss_weights: Any = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        self.teacher, self.student = teacher, student
        self.student_loss_weight = _checked_weight(student_loss_weight)
        if distillation_losses is None:
            raise ValueError("Distiller(distillation_losses=...): cannot be `None`. Pass LogitsDistillation(), say.")
        several = isinstance(distillation_losses, (list, tuple))
        self.distillation_losses = list(distillation_losses) if several else [distillation_losses]
        weights = distillation_loss_weights if several and distillation_loss_weights is not None else None
        self.distillation_loss_weights = [1.0] * len(self.distillation_losses) if weights is None else list(weights)
        if len(self.distillation_loss_weights) != len(self.distillation_losses):
            raise ValueError(
                f"Distiller: Number of distillation_loss_weights ({len(self.distillation_loss_weights)}) must match "
                f"number of distillation_losses ({len(self.distillation_losses)})."
            )
        for loss in self.distillation_losses:
            loss.validate_model_compatibility(teacher, student)
        self._teacher_feature_extractor = _with_parts(teacher, "teacher", self.distillation_losses)
        self._student_feature_extractor = _with_parts(student, "student", self.distillation_losses)
        self.teacher.trainable = False
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    def compile(self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:  # type: ignore[override]
        """Configures the training: optimizer, loss of the student and metrics.

        Args:
            optimizer: an optimizer or its name.
            loss: the student's loss on its targets, or a structure of them, one for each output.
            metrics: a list of metrics of the student's outputs.
            **kwargs: further arguments of `Model.compile`.

        Raises:
            ValueError: without a loss, or when `metrics` is no list.

        >>> teacher = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3)])
        >>> student = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3)])
        >>> model = ef.distillation.Distiller(teacher, student, ef.distillation.LogitsDistillation())
        >>> model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        >>> sorted(model.evaluate(np.ones((2, 4)), np.zeros(2), verbose=0, return_dict=True))
        ['accuracy', 'distillation_loss', 'loss', 'student_loss', 'total_loss']
        """
        if loss is None:
            raise ValueError("Distiller.compile: 'loss' cannot be `None`.")
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise ValueError(f"Distiller.compile: metrics must be a list or tuple, got {type(metrics).__name__}.")
        self._student_loss = read_losses(loss)
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """The outputs of the student.

        Args:
            inputs: the inputs of both models.
            training: whether the student is trained.
            **kwargs: passed on to the student.

        >>> teacher = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1, kernel_initializer="ones")])
        >>> student = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model = ef.distillation.Distiller(teacher, student, ef.distillation.FeatureDistillation())
        >>> model(ef.Tensor([[2.0]])).tolist()
        [[0.0]]
        """
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The weighted sum of the student's loss and the distillation losses.

        Args:
            x: inputs, which the teacher gets, too.
            y: targets.
            y_pred: the student's outputs.
            sample_weight: weights of the samples, or None.
            training: whether this is training.

        >>> teacher = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1, kernel_initializer="ones")])
        >>> student = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> loss = ef.distillation.FeatureDistillation("mse")
        >>> model = ef.distillation.Distiller(teacher, student, loss, student_loss_weight=0.25)
        >>> model.compile("adam", "mse")
        >>> float(model.compute_loss(ef.Tensor([[2.0]]), ef.Tensor([[4.0]])))  # 0.25 * (0 - 4)² + 0.75 * (0 - 2)²
        7.0
        """
        y_pred = self(x, training=training) if y_pred is None else y_pred
        share: Any = self.student_loss_weight
        own: Any = self._own_loss(y, y_pred, sample_weight) if share > 0 and y is not None else 0.0
        distilled: Any = self._distilled(x, y_pred, training) if share < 1 else 0.0
        total = ops.convert_to_tensor(share * own + (1 - share) * distilled)
        for tracker, value in (
            (self.student_loss_tracker, own),
            (self.distillation_loss_tracker, distilled),
            (self.total_loss_tracker, total),
        ):
            tracker.update_state(value)
        added = [ops.sum(term) for term in self.student.losses]
        return sum(added, total)

    def _own_loss(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        tree.assert_same_structure(y, y_pred)
        tree.assert_same_structure(self._student_loss, y_pred)
        weights = tree.flatten(sample_weight) if sample_weight is not None else []
        flat = [tree.flatten(part) for part in (self._student_loss, y, y_pred)]
        weights = weights * len(flat[0]) if len(weights) == 1 else weights or [None] * len(flat[0])
        return sum(
            ops.mean(loss(a, b, weight) if isinstance(loss, Loss) and weight is not None else loss(a, b))
            for loss, a, b, weight in zip(*flat, weights, strict=True)
        )

    def _distilled(self, x: Any, y_pred: Any, training: bool) -> Any:
        extractors = self._teacher_feature_extractor, self._student_feature_extractor
        with no_grad():
            of_teacher = (
                {"": self.teacher(x, training=False)} if extractors[0] is None else extractors[0](x, training=False)
            )
        of_student = {} if extractors[1] is None else dict(extractors[1](x, training=training))
        of_student[""] = y_pred
        total: Any = 0.0
        for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights, strict=True):
            one, other = of_teacher[_layer(loss, "teacher")], of_student[_layer(loss, "student")]
            loss.validate_outputs(one, other)
            found = loss.compute_loss(one, other)
            if getattr(found, "shape", ()):
                raise ValueError(
                    f"Distillation loss {type(loss).__name__} returned a non-scalar loss with shape {found.shape}; "
                    "compute_loss must return a scalar tensor."
                )
            total = total + weight * found
        return total

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal model, with the configurations of teacher and student.

        >>> teacher, student = [ef.Sequential([ef.Input((1,)), ef.layers.Dense(1)]) for _ in range(2)]
        >>> model = ef.distillation.Distiller(teacher, student, ef.distillation.FeatureDistillation())
        >>> model.get_config()["student_loss_weight"]
        0.5
        """
        return {
            **self._base_config(),
            "teacher": serialize_keras_object(self.teacher),
            "student": serialize_keras_object(self.student),
            "distillation_losses": [serialize_keras_object(loss) for loss in self.distillation_losses],
            "distillation_loss_weights": list(self.distillation_loss_weights),
            "student_loss_weight": self.student_loss_weight,
        }

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile`, as numbers, strings and dicts; None before `compile`.

        >>> teacher, student = [ef.Sequential([ef.Input((1,)), ef.layers.Dense(1)]) for _ in range(2)]
        >>> model = ef.distillation.Distiller(teacher, student, ef.distillation.FeatureDistillation())
        >>> model.compile("sgd", "mse")
        >>> model.get_compile_config()["optimizer"]["class_name"]
        'SGD'
        """
        config = super().get_compile_config()
        return {**config, "loss": described_losses(self._student_loss)} if config else config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates a model from the dict that `get_config` returned.

        Args:
            config: that dict.
            custom_objects: custom classes and functions by name.

        >>> teacher, student = [ef.Sequential([ef.Input((1,)), ef.layers.Dense(1)]) for _ in range(2)]
        >>> model = ef.distillation.Distiller(teacher, student, ef.distillation.FeatureDistillation())
        >>> type(ef.distillation.Distiller.from_config(model.get_config()).teacher).__name__
        'Sequential'
        """
        read = {name: deserialize_keras_object(config[name], custom_objects) for name in ("teacher", "student")}
        found = [deserialize_keras_object(loss, custom_objects) for loss in config["distillation_losses"]]
        return cls(**{**config, **read, "distillation_losses": found})


def _layer(loss: Any, of: str) -> str:
    """The layer that a loss looks at; "" for the model's output."""
    return getattr(loss, f"{of}_layer_name", None) or ""


def _with_parts(model: Any, of: str, losses: list[Any]) -> Any:
    """A model that gives its output and that of the layers the losses look at; None where the output is all."""
    wanted = list(filter(None, dict.fromkeys([_layer(loss, of) for loss in losses])))
    if not wanted:
        return None
    outputs = {"": model.output, **{name: model.get_layer(name).output for name in wanted}}
    return Model(model.inputs, outputs, name=f"{model.name}_with_parts")


def _checked_weight(weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, (int, float, numpy.number)):
        raise ValueError(f"Distiller(student_loss_weight={weight!r}): must be a number.")
    if not 0 <= weight <= 1:
        raise ValueError(f"Distiller(student_loss_weight={weight!r}): must be between 0.0 and 1.0.")
    return float(weight)


def _check_models(teacher: Any, student: Any) -> None:
    for name, model in (("Teacher", teacher), ("Student", student)):
        if not isinstance(model, Model):
            raise ValueError(f"{name} must be a keras.Model, got {type(model).__name__}.")
    for what in ("inputs", "outputs"):
        one, other = getattr(teacher, what, None), getattr(student, what, None)
        if one is None or other is None:
            continue
        if len(one) != len(other):
            raise ValueError(f"Teacher and student have {len(one)} and {len(other)} {what}; they must match.")
        for a, b in zip(one, other, strict=True):
            pairs = zip(a.shape, b.shape, strict=False)
            if len(a.shape) != len(b.shape):
                raise ValueError(f"Teacher and student {what[:-1]} shapes have different dimensions: {a!r} and {b!r}.")
            if any(m is not None and n is not None and m != n for m, n in pairs):
                raise ValueError(f"Teacher and student {what[:-1]} shapes are incompatible: {a.shape} and {b.shape}.")
            if a.dtype != b.dtype:
                raise ValueError(f"Teacher and student {what[:-1]} dtypes must match: {a.dtype} and {b.dtype}.")
