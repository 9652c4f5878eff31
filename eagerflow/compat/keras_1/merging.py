"""`merge` and `Merge`: several tensors, or several models, as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eagerflow import layers, models, ops
from eagerflow.compat.backend.arithmetic import batch_dot
from eagerflow.layers.merging import merge as of_keras_3

__all__ = ["Merge", "_Merge", "merge"]

_MERGES: dict[str, Callable[..., layers.Layer]] = {
    "ave": layers.Average,
    "concat": layers.Concatenate,
    "max": layers.Maximum,
    "min": layers.Minimum,
    "mul": layers.Multiply,
    "sum": layers.Add,
}


def merge(
    inputs: Sequence[Any],
    mode: Any = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    output_mask: Any = None,
    arguments: Any = None,
    name: str | None = None,
) -> Any:
    """Several tensors as one, as Keras 1 wrote it.

    Raises:
        ValueError: for another mode, or an `output_mask`.
    """
    return _merging("merge", mode, concat_axis, dot_axes, output_mask, arguments, name)(list(inputs))


class Merge(layers.Layer):
    """The layer behind `merge`; or, with models, the first layer of a `Sequential` that joins them.

    Raises:
        TypeError: for fewer than two models, or something else in their place.
        ValueError: for another mode.
    """

    def __init__(
        self,
        layers: Any = None,
        mode: Any = "sum",
        concat_axis: int = -1,
        dot_axes: Any = -1,
        output_shape: Any = None,
        output_mask: Any = None,
        arguments: Any = None,
        node_indices: Any = None,
        tensor_indices: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.autocast = False  # what is joined casts its own inputs
        if any(node_indices or ()) or any(tensor_indices or ()):
            raise ValueError("Merge(node_indices, tensor_indices): only zeros are possible; call it on tensors.")
        self.branches = [] if layers is None else list(layers)
        if layers is not None and not (len(layers) > 1 and all(isinstance(x, models.Model) for x in layers)):
            raise TypeError(
                f"Merge(layers): expected a list of at least two models; got {layers!r:.120}. To join layers, call "
                "merge([first.output, second.output], mode=...)."
            )
        self.joining = _merging("Merge", mode, concat_axis, dot_axes, output_mask, arguments, None)

    def doors(self) -> list[tuple[int, int]]:
        """Which input of which model each input goes to, by identity: what occurs twice is one."""
        return list(dict.fromkeys([door for branch in self.branches for door in _doors(branch)]))

    def call(self, inputs: Any) -> Any:
        """What is joined: the inputs, or what the models make of them.

        Raises:
            ValueError: for another number of inputs than the models have.
        """
        if not self.branches:
            return self.joining(inputs)
        doors = self.doors()
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(given) != len(doors):
            raise ValueError(
                f'Merge "{self.name}": the models that it joins have {len(doors)} inputs; got {len(given)}.'
            )
        at = dict(zip(doors, given))
        return self.joining([_run(branch, [at[door] for door in _doors(branch)]) for branch in self.branches])


class _Merge(of_keras_3._Merge):
    """What scripts of Keras 2 derive layers with several inputs from: they write `_merge_function`.

    As a gradient penalty's layer that draws a point between a real image and a generated one.
    """

    def _merge_function(self, inputs: list[Any]) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define _merge_function(self, inputs).")

    def merge(self, inputs: list[Any]) -> Any:
        """What the subclass makes of the inputs."""
        return self._merge_function(inputs)


class _Cosine(layers.Layer):
    """Products along an axis, divided by the lengths of both; with Keras 1's additional axis."""

    def __init__(self, axes: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = axes

    def call(self, inputs: Any) -> Any:
        """The cosines."""
        first, second = inputs
        squares = batch_dot(first, first, self.axes) * batch_dot(second, second, self.axes)
        return ops.expand_dims(batch_dot(first, second, self.axes) / ops.maximum(ops.sqrt(squares), 1e-7), axis=1)


def _merging(
    caller: str, mode: Any, concat_axis: int, dot_axes: Any, output_mask: Any, arguments: Any, name: str | None
) -> layers.Layer:
    """The layer that joins in this way."""
    if output_mask is not None:
        raise ValueError(f"{caller}(output_mask=...) isn't possible here: write a Layer with compute_mask.")
    if callable(mode):
        return layers.Lambda(mode, arguments=arguments, name=name)
    axes = dot_axes if isinstance(dot_axes, int) else tuple(dot_axes)
    if mode == "dot":
        return layers.Dot(axes=axes, name=name)
    if mode == "cos":
        return _Cosine(axes, name=name)
    if mode not in _MERGES:
        raise ValueError(
            f"{caller}(mode={mode!r}): expected one of {', '.join([*_MERGES, 'dot', 'cos'])}, or a function of a list."
        )
    return _MERGES[mode](name=name, **({"axis": concat_axis} if mode == "concat" else {}))


def _doors(branch: models.Model) -> list[tuple[int, int]]:
    """The inputs of a model: those of the models that it joins first, else its own."""
    first = branch.layers[0] if isinstance(branch, models.Sequential) and branch.layers else None
    if isinstance(first, Merge) and first.branches:
        return first.doors()
    count = 1 if isinstance(branch, models.Sequential) else len(branch.inputs)
    return [(id(branch), i) for i in range(count)]


def _run(branch: models.Model, inputs: list[Any]) -> Any:
    return branch(inputs[0] if len(inputs) == 1 else inputs)
