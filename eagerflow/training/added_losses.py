"""Losses and metrics that are symbolic tensors of the model itself: `model.add_loss(tensor)`, as tf.keras 2 had it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.layer.added_losses import feed_metric
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.graph import Graph
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["Added"]


class Added:
    """The terms that were added to a model of a graph, and the graph that leads to them and to the outputs.

    Attributes:
        losses: symbolic tensors.
        metrics: symbolic tensors, with the names that their means are reported under.
        captured: symbolic tensors that a loss function uses, see `captured.py`.
        values: of those in the last call.
        graph: from the model's inputs to its outputs and the terms.
    """

    graph: Graph | None = None

    def __init__(self) -> None:
        self.losses: list[SymbolicTensor] = []
        self.metrics: list[tuple[SymbolicTensor, str]] = []
        self.captured: list[SymbolicTensor] = []
        self.values: list[Any] = []

    def connect(
        self,
        model: Any,
        losses: Sequence[Any] = (),
        metrics: Sequence[tuple[Any, str]] = (),
        captured: Sequence[Any] | None = None,
    ) -> None:
        """Add terms, and replace the captured tensors if there are new ones.

        Raises:
            ValueError: when a term needs an `Input` that is not among the model's. Then nothing has changed.
        """
        losses, metrics = [*self.losses, *losses], [*self.metrics, *metrics]
        own: Graph = model._ef_state.graph
        captured = self.captured if captured is None else list(captured)
        terms = [[*losses], [tensor for tensor, _ in metrics], captured]
        graph = Graph(own.inputs_structure, [own.outputs_structure, terms], own.name)
        self.losses, self.metrics, self.captured, self.graph = losses, metrics, captured, graph
        further = [x for x in graph.operations if isinstance(x, Layer) and x not in own.operations]
        model._added_layers = further  # their weights are the model's too

    @property
    def whole(self) -> Graph:
        """The graph."""
        assert self.graph is not None
        return self.graph

    def run(self, model: Any, values: list[Any]) -> Any:
        """The outputs; the terms are noted with the model."""
        outputs, (losses, measured, self.values) = self.whole.run(values)
        for term in losses:
            model.add_loss(term)
        for (_, name), term in zip(self.metrics, measured):
            feed_metric(model, term, name)
        return outputs
