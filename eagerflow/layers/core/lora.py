"""An adapter of low rank (LoRA), which is trained instead of a layer's one large weight."""

from __future__ import annotations

from typing import Any

from eagerflow import initializers, ops
from eagerflow.base.config_from_init import automatic
from eagerflow.base.errors import no_attribute
from eagerflow.base.typing import InitializerLike
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.settings import integer

__all__ = ["LargeWeight", "LoraLayer", "StoredWeight"]


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
        return layer._seen_weight()


class StoredWeight:
    """The variable behind it, under the name with an underscore."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name[1:]

    def __get__(self, layer: Any, owner: type) -> Any:
        return self if layer is None else getattr(layer, self.name)


class LoraLayer(Layer):
    """Base of layers whose large weight can get an adapter: dense layers, embeddings, convolutions.

    Attributes:
        lora_enabled: whether an adapter of low rank is trained instead of the large weight.
        lora_rank: its rank.
        lora_alpha: what its product is multiplied with, times the rank.
    """

    _large = "kernel"
    lora_enabled = False
    lora_rank: int | None = None
    lora_alpha: float | None = None

    def _set_adapter_arguments(self, lora_rank: int | None, lora_alpha: float | None) -> None:
        """Set the arguments of `__init__` that this class handles."""
        self.lora_rank = None if lora_rank is None else integer(self, "lora_rank", lora_rank, least=0)
        self.lora_alpha = lora_rank if lora_alpha is None else lora_alpha

    def _make_adapter(self) -> None:
        """At the end of `build`: make the adapter that `__init__` asked for."""
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as values that fit into JSON."""
        adapter = {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}
        return super().get_config() | adapter

    def enable_lora(
        self,
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
        large = self._large
        if getattr(self, f"{large}_constraint") is not None:
            raise ValueError(
                f"{describe(self)}.enable_lora: Lora is incompatible with {large} constraints. Remove "
                f"`{large}_constraint`."
            )
        if not self.built:
            raise ValueError(f"{describe(self)}: Cannot enable lora on a layer that isn't yet built.")
        if self.lora_enabled:
            raise ValueError(f"{describe(self)}: lora is already enabled. This can only be done once per layer.")
        shape, penalty = self._weight_shape(), getattr(self, f"{large}_regularizer")
        for letter, sizes, first in (
            ("a", (*shape[:-1], rank), a_initializer),
            ("b", (rank, shape[-1]), b_initializer),
        ):
            name = f"lora_{large}_{letter}"
            made = self.add_weight(
                name=name, shape=sizes, initializer=initializers.get(first), dtype="float32", regularizer=penalty
            )
            setattr(self, name, made)
        stored = self._move_away()
        switched_off = self._ef_state.switched_off
        switched_off[:] = [v for v in switched_off if v is not stored]
        stored.trainable = False
        self.lora_enabled, self.lora_rank = True, rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _move_away(self) -> Variable:
        """Keep the variable of the large weight under its private name alone."""
        if self._large in self.__dict__:
            variable = getattr(self, self._large)
            delattr(self, self._large)
            setattr(self, f"_{self._large}", variable)
        stored: Variable = getattr(self, f"_{self._large}")
        return stored

    def _weight_shape(self) -> tuple[int, ...]:
        return tuple(getattr(self, f"_{self._large}").shape)

    def _adapter(self) -> tuple[Tensor, Tensor, float]:
        return getattr(self, f"lora_{self._large}_a"), getattr(self, f"lora_{self._large}_b"), self._lora_scale

    @property
    def _lora_scale(self) -> float:
        assert self.lora_rank
        return float(self.lora_alpha or 0) / self.lora_rank

    def _seen_weight(self) -> Any:
        """The large weight as numbers, with what the adapter adds."""
        weight = getattr(self, f"_{self._large}")
        return self._with_product(weight) if self.lora_enabled else weight

    def _with_product(self, weight: Any) -> Tensor:
        a, b, scale = self._adapter()
        return ops.cast(weight + scale * ops.matmul(a, b), self.compute_dtype)

    # Files: Keras' order, and its sum of weight and adapter

    def _variables_in_files(self) -> list[Variable]:
        if not (self.built and self._is_changed):
            return super()._variables_in_files()
        names = self._names_in_files()
        return [v for v in (getattr(self, name, None) for name in names) if v is not None]

    @property
    def _is_changed(self) -> bool:
        """Is the large weight more than a variable?"""
        return self.lora_enabled

    def _names_in_files(self) -> list[str]:
        return [f"_{self._large}", *(["bias"] if self._large == "kernel" else [])]

    def _values_in_files(self) -> Any:
        variables = self._variables_in_files()
        if not self.lora_enabled:
            return variables
        replaced = {id(getattr(self, name)): value for name, value in self._merged_values().items()}
        return [replaced.get(id(variable), variable) for variable in variables]

    def _merged_values(self) -> dict[str, Any]:
        """What files hold of the large weight, by the names of variables."""
        return {f"_{self._large}": self._seen_weight()}

    def _cleared_by_files(self) -> list[Variable]:
        return [getattr(self, f"lora_{self._large}_b")] if self.lora_enabled else []
