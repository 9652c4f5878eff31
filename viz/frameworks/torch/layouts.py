"""PyTorch's weights, modules and losses as the doctor's checks know them: kernels are (*window, in, out)."""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import Any

import numpy
from torch import nn

from eagerflow import losses
from viz.frameworks.contract import Owner, Tensor, Variable
from viz.frameworks.objects import is_tensor
from viz.frameworks.torch.asking import answer_with
from viz.frameworks.torch.modules import owner_of
from viz.frameworks.torch.objects import Weight, made_at

__all__ = ["Layer", "LaidOut", "answers_last", "classes_last", "is_as_drawn", "layer_of", "loss_of"]

_FLIPPED = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)
_ROLES = {"recurrent": nn.RNNBase, "multi_head_attention": nn.MultiheadAttention, "embedding": nn.Embedding}
_CLASSES = {"Linear": "Dense", "LayerNorm": "LayerNormalization"}
_CLASSES |= dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"), "BatchNormalization")
_CLASSES |= dict.fromkeys(("Dropout1d", "Dropout2d", "Dropout3d"), "Dropout")


class LaidOut(Variable):
    """A weight in the layout that checks know: kernels are (*window, in, out)."""

    __slots__ = ("flips", "identity", "last", "path", "raw")

    def __init__(self, raw: Weight, flips: bool) -> None:
        self.raw, self.flips, self.last, self.serial = raw, flips, None, None
        self.identity, self.path = raw.identity, raw.path

    @property
    def data(self) -> Any:
        if self.last is None or self.raw.data.source is not None:
            self.last = self.laid_out(self.raw.data.get())
        return self.last  # of a model that is gone, as it was at last

    @property
    def key(self) -> int | None:  # type: ignore[override]
        return self.raw.key

    @property
    def trainable(self) -> bool:
        found = self.raw.data.source
        return found is not None and bool(found.requires_grad)

    @property
    def frozen(self) -> bool:
        return self.raw.made_trainable and not self.trainable

    def laid_out(self, values: Any) -> Any:
        return values.transpose(*range(2, values.ndim), 1, 0) if self.flips and values.ndim > 1 else values


class Layer(Owner):
    """A module."""

    built, compute_dtype, data_format, axis = True, "float32", None, -1
    mask_zero = False

    def __init__(self, canonical: Any, raw: Any) -> None:
        self._canonical, self._raw = canonical, raw
        module = raw.thing
        self.created_at = made_at(module)
        self.role = next((role for role, kinds in _ROLES.items() if isinstance(module, kinds)), "")
        self.both_ways = bool(getattr(module, "bidirectional", False))
        self.steps_first = getattr(module, "batch_first", True) is False
        self.rate = float(getattr(module, "p", 0.0) or 0.0)
        self.momentum = 1 - float(getattr(module, "momentum", 0.0) or 0.0)
        self.epsilon = getattr(module, "eps", 1e-5)

    @property
    def name(self) -> str:  # type: ignore[override]
        return str(self._raw.name)

    @property
    def path(self) -> str:  # type: ignore[override]
        return str(self._raw.path)

    @property
    def weights(self) -> list[Any]:
        return [self._canonical.of(x) for x in self._raw.variables]

    variables = weights

    @property
    def trainable_variables(self) -> list[Any]:
        return [x for x in self.weights if x.trainable]

    @property
    def trainable(self) -> bool:
        return bool(self.trainable_variables) or not self.weights

    @property
    def gamma(self) -> Any:
        return next((x for x in self.weights if x.name == "weight"), None)

    @property
    def layers(self) -> list[Any]:
        """Of a container: what it holds, as often as it holds it."""
        module = self._raw.thing
        held = module._modules.values() if isinstance(module, (nn.Sequential, nn.ModuleList)) else ()
        return [self._canonical.owner(owner_of(each)) for each in held]

    @property
    def seems_frozen(self) -> bool:
        """Did somebody set on the module itself what only parameters have?"""
        return vars(self._raw.thing).get("requires_grad") is False

    @property
    def kernel(self) -> Any:
        module = self._raw.thing
        return self.gamma if isinstance(module, _FLIPPED[:2]) else None

    def is_as_drawn(self, kernel: Any) -> bool:
        """Are these the random numbers that the kernel began with?"""
        return is_as_drawn(kernel.raw.data.source)

    def answer_with(self, given: Any, x: Any, values: numpy.ndarray) -> numpy.ndarray | None:
        """See `viz.doctor.facts.asked_again`."""
        tensors = list({id(each): each for each in given if isinstance(each, Tensor)}.values())
        held = [self._canonical.held(each) for each in tensors]
        at = next((i for i, each in enumerate(tensors) if each is x), None)
        if at is None or any(each is None for each in held):
            return None
        values = values if held[at].shape[1:] == values.shape[1:] else numpy.moveaxis(values, -1, 1)
        return answer_with(self._raw.thing, held, at, values)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        found = [self._canonical.owner(each) for each in self._raw._flatten_layers()]
        return found if include_self else found[1:]


def is_as_drawn(x: Any) -> bool:
    """Does a kernel look as `reset_parameters` draws it: uniform, up to 1 / √inputs? Trained ones don't."""
    if x is None or x.ndim < 2:
        return False
    highest, noise = x[0].numel() ** -0.5, 2.0 * x.numel() ** -0.5
    size = float(x.detach().float().pow(2).mean()) ** 0.5 * 3.0**0.5
    return float(x.detach().abs().max()) <= highest * 1.0001 and abs(size / highest - 1) <= noise


def loss_of(name: str, kind: str, ignores: int | None) -> Any:
    """A loss of eagerflow's that compares as torch's does.

    Args:
        name: what it is called in torch, in small letters without `_`.
        kind: that of the targets' numbers.
        ignores: the class that isn't judged, where it is among the targets.
    """
    if name in ("crossentropy", "crossentropyloss", "nllloss"):
        if kind == "f":
            return losses.CategoricalCrossentropy(from_logits=True)
        return losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignores)
    if name.startswith(("bce", "binarycrossentropy")):
        return losses.BinaryCrossentropy(from_logits="logits" in name)
    if name == "mseloss":
        return losses.MeanSquaredError()
    if name == "l1loss":
        return losses.MeanAbsoluteError()
    return SimpleNamespace(name=name, settings={}, created_at=None)


def answers_last(name: str, answers: Any) -> Any:
    """The answers of a loss with their classes on the last axis: PyTorch has them on axis 1."""
    if is_tensor(answers) and answers.data.ndim > 2 and name == "cross_entropy":
        return Tensor(classes_last(name, answers.data), answers.key)
    return answers


def classes_last(name: str, values: Any) -> Any:
    """The same of an array."""
    return numpy.moveaxis(values, 1, -1) if name == "cross_entropy" and values.ndim > 2 else values


def layer_of(canonical: Any, raw: Any, flips: dict[int, tuple[weakref.ref[Any], bool]]) -> Layer:
    """What stands for a module, of a class that is called as eagerflow's; notes which parameters are flipped."""
    module = raw.thing
    for each in module.modules():
        for x in each.parameters(recurse=False):
            flips.setdefault(id(x), (weakref.ref(x), isinstance(each, _FLIPPED)))
    name = type(module).__name__
    about = {"is_library": type(module).__module__.startswith("torch.")}
    made: type[Layer] = type(_CLASSES.get(name, name), (Layer,), about)
    return made(canonical, raw)
