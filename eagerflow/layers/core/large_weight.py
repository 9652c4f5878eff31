"""Layers with one large weight, which `quantizers` may keep in another form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.base.config_from_init import automatic
from eagerflow.base.errors import no_attribute
from eagerflow.base.typing import InitializerLike
from eagerflow.core.links import above
from eagerflow.core.variable import Variable
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.settings import integer, settled_weight

__all__ = ["LargeWeight", "LargeWeightLayer", "StoredWeight"]


class LargeWeight:
    """An attribute that is the weight itself, and where an adapter or integers stand for it, what they amount to.

    A weight that is kept as an attribute of the same name goes before, so that a plain layer pays nothing.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, owner: type) -> Any:
        if layer is None:
            return self
        if not layer.built:
            asked = f"You must build the layer before accessing `{self.name}`: {describe(layer)}."
            raise no_attribute(f"{asked} Call it, or layer.build(input_shape).", self.name)
        return above.quantization().weight_of(layer)


class StoredWeight:
    """The variable behind it, under the name with an underscore."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name[1:]

    def __get__(self, layer: Any, owner: type) -> Any:
        return self if layer is None else getattr(layer, self.name)


def enable_lora(  # noqa: D417 # a method of `LargeWeightLayer`
    self: Any,
    rank: int,
    lora_alpha: float | None = None,
    a_initializer: InitializerLike = "he_uniform",
    b_initializer: InitializerLike = "zeros",
) -> None:
    """Freezes the layer's large weight and trains a low-rank update of it instead (LoRA).

    The large weight is the kernel, or the table of an `Embedding`. The update is the product of two small matrices,
    `a @ b`, which is added to it. Saved files contain the sum. When a layer with an adapter loads such a file, its
    `b` is set to zero, and training can go on from there. (Keras sets `a` to zero as well, after which neither can
    learn.)

    Args:
        rank: the rank of the update: `a` has this many columns, and `b` this many rows.
        lora_alpha: the update is multiplied by `lora_alpha / rank`; default: `rank`, so that it is used as it is.
        a_initializer: initializer of `a`.
        b_initializer: initializer of `b`; with zeros, the outputs are the same as before at first.

    Raises:
        ValueError: in a layer that isn't built, has an adapter already, or has a constraint on the weight.

    Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685.

    >>> layer = ef.layers.Dense(8)
    >>> layer.build((None, 16))
    >>> before = sum(w.size for w in layer.trainable_weights)  # 16 * 8 + 8
    >>> layer.enable_lora(rank=2)
    >>> before, sum(w.size for w in layer.trainable_weights)  # (16 + 8) * 2 + 8
    (136, 56)
    """
    above.quantization().add_adapter(self, rank, lora_alpha, a_initializer, b_initializer)


class LargeWeightLayer(Layer):
    """Base of dense layers, embeddings and convolutions, and the seam of `quantizers`.

    Attributes:
        lora_enabled: whether an adapter of low rank is trained instead of the large weight.
        lora_rank: its rank.
        lora_alpha: what its product is multiplied with, times the rank.
        quantization_config: how the weights were quantized.
    """

    _large = "kernel"
    lora_enabled = False
    lora_rank: int | None = None
    lora_alpha: float | None = None
    quantization_config: Any = None
    inputs_quantizer: Any = None
    _packed_weights: tuple[Any, ...] = ()  # as small integers

    def _set_weight_form(self, lora_rank: Any, lora_alpha: Any, quantization_config: Any = None) -> None:
        """Set the arguments of `__init__` that this class handles."""
        self.lora_rank = None if lora_rank is None else integer(self, "lora_rank", lora_rank, least=0)
        self.lora_alpha = lora_rank if lora_alpha is None else lora_alpha
        if quantization_config is not None:
            self.quantization_config = above.quantization().config_of(quantization_config)

    def _make_large(self, shape: tuple[int, ...], **others: Any) -> None:
        """Make the large weight, in the form that the layer's policy asks for."""
        if self.quantization_mode is not None:
            self.quantized_build(shape, self.quantization_mode, self.quantization_config)
        if not self._packed_weights:
            setattr(self, self._large, settled_weight(self, self._large, shape, **others))

    def _make_adapter(self) -> None:
        """At the end of `build`: make the adapter that `__init__` asked for."""
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    enable_lora = enable_lora

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as values that fit into JSON."""
        adapter = {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}
        return super().get_config() | adapter

    def quantized_build(self, input_shape: Any, mode: str, config: Any = None) -> None:
        """Make the variables of quantized weights; `input_shape` is that of the large weight."""
        above.quantization().make_quantized(self, input_shape, mode, config)

    def _variables_in_files(self) -> list[Variable]:
        if not (self.built and (self.lora_enabled or self._is_quantized)):
            return super()._variables_in_files()
        return list(above.quantization().variables_in_files(self))

    def _values_in_files(self) -> Sequence[Any]:
        own = self._variables_in_files()
        return above.quantization().values_in_files(self, own) if self.lora_enabled else own

    def _cleared_by_files(self) -> list[Variable]:
        return [getattr(self, f"lora_{self._large}_b")] if self.lora_enabled else []
