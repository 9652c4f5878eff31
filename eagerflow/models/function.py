"""`Function`: the calls between symbolic tensors as one operation."""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.layer.operation import Operation
from eagerflow.layer.symbolic.graph import Graph, checked_ends
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.models.functional import Functional
from eagerflow.models.inputs import Doors

__all__ = ["Function"]


class Function(Operation):
    """A graph of layers and ops, from inputs to outputs, that can be called. A `Model` can also be trained.

    Args:
        inputs: symbolic tensors made by `Input`: one, or a list, tuple or dict of them.
        outputs: symbolic tensors that layers and ops computed from the inputs: one, or a nested structure.
        name: the function's name.

    Raises:
        TypeError: for inputs or outputs that aren't symbolic.
        ValueError: when outputs need an `Input` that is not given.

    Source: the interface of `keras.Function` 3.15.

    >>> x = ef.Input((2,))
    >>> ef.Function(x, ef.ops.sum(x * x, axis=-1))(ef.Tensor([[3.0, 4.0]])).tolist()
    [25.0]
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name)
        checked_ends(inputs, outputs, type(self).__name__)
        self._graph = Graph(inputs, outputs, self.name)
        self._doors = Doors(inputs, self.name)

    @property
    def operations(self) -> list[Any]:
        """The layers and ops of the graph, sorted from the inputs to the outputs.

        >>> x = ef.Input((2,), name="x")
        >>> [operation.name for operation in ef.Function(x, ef.layers.Dense(1, name="out")(x)).operations]
        ['x', 'out']
        """
        return list(self._graph.operations)

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic inputs.

        >>> x = ef.Input((2,))
        >>> [tensor.shape for tensor in ef.Function(x, x * x).inputs]
        [(None, 2)]
        """
        return list(self._graph.inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic outputs.

        >>> x = ef.Input((2,))
        >>> [tensor.shape for tensor in ef.Function(x, ef.ops.sum(x, axis=-1)).outputs]
        [(None,)]
        """
        return list(self._graph.outputs)

    @property
    def input(self) -> Any:
        """The symbolic inputs, in the structure in which the function was made.

        >>> x = ef.Input((2,))
        >>> ef.Function({"x": x}, x * x).input["x"].shape
        (None, 2)
        """
        return self._graph.inputs_structure

    @property
    def output(self) -> Any:
        """The symbolic outputs, in the structure in which the function was made.

        >>> x = ef.Input((2,))
        >>> ef.Function(x, {"square": x * x}).output["square"].shape
        (None, 2)
        """
        return self._graph.outputs_structure

    def call(self, inputs: Any) -> Any:
        """Computes the outputs.

        Args:
            inputs: tensors, in the structure (list, tuple, dict) of `inputs` when the function was made.

        >>> x = ef.Input((2,))
        >>> ef.Function({"x": x}, x * x).call({"x": ef.Tensor([[3.0, 4.0]])}).tolist()
        [[9.0, 16.0]]
        """
        return self._graph.run(self._doors.arrange(inputs, self))

    def compute_output_spec(self, inputs: Any) -> Any:
        """The symbolic outputs for symbolic inputs.

        Args:
            inputs: symbolic tensors, in the structure of the function's inputs.
        """
        return super().compute_output_spec(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for given shapes of the inputs.

        Args:
            input_shape: a shape with the batch axis, or a nested structure of shapes; None for unknown lengths.

        >>> x = ef.Input((2,))
        >>> ef.Function(x, ef.ops.concatenate([x, x])).compute_output_shape((5, 2))
        (10, 2)
        """
        types = iter([x.dtype for x in self.inputs])
        inputs = tree.map_shape_structure(lambda shape: SymbolicTensor(shape, next(types)), input_shape)
        return tree.map_structure(lambda x: x.shape, self.compute_output_spec(inputs))

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        inputs = args[0] if args else kwargs["inputs"]
        return self._graph.infer(self._doors.arrange(inputs, self), size)

    def get_config(self) -> dict[str, Any]:
        """The graph as a dict that fits into JSON, in the format of a functional model's config."""
        return Functional(self.input, self.output, name=self.name).get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates a function from the dict that `get_config` returned.

        Args:
            config: that dict.
        """
        model = Functional.from_config(config)
        return cls(model.input, model.output, name=config.get("name"))
