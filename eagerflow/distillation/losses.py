"""How far a student is from its teacher: in what they give at last, or in what a layer of each gives."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import losses, ops
from eagerflow.base import tree
from eagerflow.base.serialization import serialize_keras_object
from eagerflow.layer.configuration import enter
from eagerflow.losses import KLDivergence, kl_divergence

__all__ = ["DistillationLoss", "FeatureDistillation", "LogitsDistillation"]


class DistillationLoss:
    """Base class of losses that compare the outputs of a student model with its teacher's.

    A subclass writes `compute_loss`.

    >>> import eagerflow as ef
    >>> class Distance(ef.distillation.DistillationLoss):
    ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
    ...         return ef.ops.mean(abs(teacher_outputs - student_outputs))
    >>> float(Distance().compute_loss(ef.Tensor([[1.0, 2.0]]), ef.Tensor([[1.0, 6.0]])))
    2.0
    """

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Computes the loss, a scalar tensor.

        Args:
            teacher_outputs: the teacher's outputs: a tensor, or a structure of tensors.
            student_outputs: the student's outputs, in the same structure.
            **kwargs: further arguments that a subclass takes.

        >>> class Distance(ef.distillation.DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        ...         return ef.ops.mean(abs(teacher_outputs - student_outputs))
        >>> float(Distance().compute_loss(ef.Tensor([[1.0, 2.0]]), ef.Tensor([[1.0, 6.0]])))
        2.0
        """
        raise NotImplementedError(
            f"{type(self).__name__} needs a method compute_loss(teacher_outputs, student_outputs)"
        )

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises an error for outputs that this loss can't compare.

        Args:
            teacher_outputs: the teacher's outputs.
            student_outputs: the student's outputs.

        Raises:
            ValueError: for structures that differ.

        >>> loss = ef.distillation.LogitsDistillation()
        >>> loss.validate_outputs(ef.ops.ones((2, 3)), ef.ops.ones((2, 3)))  # nothing to refuse
        """
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raises an error for models that this loss can't compare. The base class accepts all.

        Args:
            teacher: the teacher model.
            student: the student model.

        >>> teacher, student = ef.Sequential([ef.layers.Dense(3)]), ef.Sequential([ef.layers.Dense(3)])
        >>> ef.distillation.LogitsDistillation().validate_model_compatibility(teacher, student)  # nothing to refuse
        """


class FeatureDistillation(DistillationLoss):
    """A distillation loss between the outputs of a layer of the teacher and a layer of the student.

    Args:
        loss: a loss or its name, or a structure of them, one for each output; None leaves an output out.
        teacher_layer_name: the teacher's layer; None for the model's own output.
        student_layer_name: the student's layer; None for the model's own output.

    Raises:
        ValueError: when all losses are None. In `Distiller`: for a layer's name that a model doesn't have, or a name in
            a model that isn't functional.

    Source: Romero et al. 2014, https://arxiv.org/abs/1412.6550.

    >>> import eagerflow as ef
    >>> float(ef.distillation.FeatureDistillation("mse").compute_loss(ef.Tensor([[1.0, 2.0]]), ef.Tensor([[1.0, 4.0]])))
    2.0
    """

    def __init__(
        self, loss: Any = "mse", teacher_layer_name: str | None = None, student_layer_name: str | None = None
    ) -> None:
        self.loss = _found(type(self).__name__, loss)
        self.teacher_layer_name, self.student_layer_name = teacher_layer_name, student_layer_name

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raises an error for models that don't have the named layers.

        Args:
            teacher: the teacher model.
            student: the student model.

        Raises:
            ValueError: for a layer's name that a model doesn't have, or a name in a model that isn't functional.

        >>> teacher = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3, name="hidden")])
        >>> student = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3, name="small")])
        >>> loss = ef.distillation.FeatureDistillation("mse", "hidden", "small")
        >>> loss.validate_model_compatibility(teacher, student)  # both have their layer
        """
        named = {"teacher": (teacher, self.teacher_layer_name), "student": (student, self.student_layer_name)}
        if all(name is None for _, name in named.values()):
            return
        for who, (model, name) in named.items():
            if getattr(model, "inputs", None) is None:
                raise ValueError(
                    "FeatureDistillation with specific layer names requires Functional or Sequential models; the "
                    f"{who} appears to be subclassed. Leave the names away, or use LogitsDistillation."
                )
            if name is not None:
                try:
                    model.get_layer(name)
                except ValueError as error:
                    raise ValueError(f"In {who} model: {error}") from None

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raises an error for outputs whose structures differ from each other or from the losses'.

        Args:
            teacher_outputs: the teacher's outputs.
            student_outputs: the student's outputs.

        Raises:
            ValueError: for structures that differ.

        >>> loss = ef.distillation.FeatureDistillation(["mse", None])
        >>> outputs = [ef.ops.ones((2, 3)), ef.ops.ones((2, 4))]
        >>> loss.validate_outputs(outputs, outputs)  # two losses (one of them None) for two outputs
        """
        super().validate_outputs(teacher_outputs, student_outputs)
        try:
            tree.assert_same_structure(self.loss, teacher_outputs)
        except ValueError as error:
            raise ValueError(f"Loss structure mismatch: one loss is needed for each output. {error}") from None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The mean of the loss, summed over the outputs.

        Args:
            teacher_outputs: the outputs of the teacher: a tensor, or a structure of them.
            student_outputs: those of the student, in the same structure.
            **kwargs: ignored.

        >>> loss = ef.distillation.FeatureDistillation("mae")
        >>> float(loss.compute_loss(ef.Tensor([[1.0, 2.0]]), ef.Tensor([[1.0, 6.0]])))
        2.0
        """
        return _total(self.loss, lambda loss, a, b: ops.mean(loss(a, b)), teacher_outputs, student_outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss, as values that fit into JSON.

        >>> ef.distillation.FeatureDistillation("mse", "hidden", "small").get_config()["teacher_layer_name"]
        'hidden'
        """
        names = {"teacher_layer_name": self.teacher_layer_name, "student_layer_name": self.student_layer_name}
        return {"loss": described_losses(self.loss), **names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates a loss from the dict that `get_config` returned.

        >>> config = ef.distillation.FeatureDistillation("mse", "hidden", "small").get_config()
        >>> ef.distillation.FeatureDistillation.from_config(config).student_layer_name
        'small'
        """
        return cls(**{**config, "loss": read_losses(config["loss"])})


class LogitsDistillation(DistillationLoss):
    """A distillation loss between the logits of teacher and student, softened by a temperature.

    With the default, it is the Kullback-Leibler divergence between the softmax of both, times the temperature squared.
    (Keras applies no softmax when the loss is given by its name.)

    Args:
        temperature: what logits are divided by; higher values make the teacher's probabilities more even.
        loss: a loss or its name, or a structure of them, one for each output; None leaves an output out.

    Raises:
        ValueError: when all losses are None, or for a temperature that isn't positive.

    Source: Hinton, Vinyals and Dean 2015, https://arxiv.org/abs/1503.02531.

    >>> import eagerflow as ef
    >>> logits = ef.Tensor([[1.0, 3.0]])
    >>> float(ef.distillation.LogitsDistillation(temperature=2.0).compute_loss(logits, logits))
    0.0
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        self.loss = _found(type(self).__name__, loss)
        if isinstance(temperature, bool) or not isinstance(temperature, (int, float, numpy.number)):
            raise ValueError(f"LogitsDistillation(temperature={temperature!r}): temperature must be a number.")
        if temperature <= 0:
            raise ValueError(f"LogitsDistillation(temperature={temperature!r}): temperature must be positive.")
        self.temperature = temperature

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The mean of the loss, summed over the outputs.

        Args:
            teacher_outputs: the outputs of the teacher: a tensor, or a structure of them.
            student_outputs: those of the student, in the same structure.
            **kwargs: ignored.

        >>> loss = ef.distillation.LogitsDistillation(temperature=2.0)
        >>> sure, unsure = ef.Tensor([[0.0, 4.0]]), ef.Tensor([[0.0, 0.0]])
        >>> round(float(loss.compute_loss(sure, sure)), 3), round(float(loss.compute_loss(sure, unsure)), 3)
        (0.0, 1.311)
        """
        heat = self.temperature

        def one(loss: Any, a: Any, b: Any) -> Any:
            if isinstance(loss, KLDivergence) or loss is kl_divergence:
                return ops.mean(loss(ops.softmax(a / heat), ops.softmax(b / heat))) * heat**2
            return ops.mean(loss(a / heat, b / heat))

        return _total(self.loss, one, teacher_outputs, student_outputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss, as values that fit into JSON.

        >>> ef.distillation.LogitsDistillation(temperature=2.0).get_config()["temperature"]
        2.0
        """
        return {"temperature": self.temperature, "loss": described_losses(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates a loss from the dict that `get_config` returned.

        >>> config = ef.distillation.LogitsDistillation(temperature=2.0).get_config()
        >>> ef.distillation.LogitsDistillation.from_config(config).temperature
        2.0
        """
        return cls(**{**config, "loss": read_losses(config["loss"])})


def _found(owner: str, loss: Any) -> Any:
    found = tree.map_structure(lambda item: losses.get(item) if isinstance(item, str) else item, loss)
    if all(item is None for item in tree.flatten(found)):
        raise ValueError(f"{owner}(loss=...): The `loss` argument must contain at least one non-`None` value.")
    return found


def _total(loss: Any, one: Any, teacher_outputs: Any, student_outputs: Any) -> Any:
    tree.assert_same_structure(loss, teacher_outputs)
    tree.assert_same_structure(teacher_outputs, student_outputs)
    pairs = zip(tree.flatten(loss), tree.flatten(teacher_outputs), tree.flatten(student_outputs), strict=True)
    return ops.sum(ops.stack([one(item, a, b) for item, a, b in pairs if item is not None]))


def described_losses(loss: Any) -> Any:
    """Losses in their structure, as values that fit into JSON."""
    return tree.map_structure(lambda item: item if item is None else serialize_keras_object(item), loss)


def read_losses(loss: Any) -> Any:
    """Losses of their descriptions, in the structure that they lie in."""
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: read_losses(item) for name, item in loss.items()}
    if isinstance(loss, (list, tuple)):
        return [read_losses(item) for item in loss]
    return losses.get(loss) if isinstance(loss, (dict, str)) else loss


for _cls in (FeatureDistillation, LogitsDistillation):
    enter(_cls)
