"""What models keep about themselves: that of layers, their training, and their graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eagerflow.layer.state import LayerState

if TYPE_CHECKING:
    from eagerflow.layer.symbolic.graph import Graph
    from eagerflow.training.added_losses import Added
    from eagerflow.training.compiled import Compiled

__all__ = ["ModelState"]


class ModelState(LayerState):
    """The state of a model, its `_ef_state`. The model finds the layers of its graph in `tracked`, by these names.

    Attributes:
        compiled: what `compile` made, and None before; `optimizer` and `loss` were set without it.
        held_metrics: those that the model and its layers hold, after the value of `changes.count` then.
        resumption: what `BackupAndRestore` read, with which the next `fit` begins.
        fitted_from: the steps that the optimizer had made before the model was first fitted.
        graph: between the ends of the model; `doors`: names and shapes of its inputs; `added`: symbolic losses.
        input_layer: of a `Sequential`, as the following; `names` are those of its layers.
        ends: the symbolic tensors between its layers.
        remembered: the shape and type of data that it was called on; `of_data`: whether it was built by them.
    """

    __slots__ = tuple(
        """
        added compiled doors ends fitted_from graph held_metrics input_layer loss names of_data optimizer remembered
        resumption
        """.split()
    )
    LAYERS, GRAPH_LAYERS, GRAPH_VARIABLES = "<layers>", "<graph layers>", "<graph variables>"  # no attributes

    doors: Any
    input_layer: Any
    loss: Any
    optimizer: Any
    remembered: Any

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.added: Added | None = None
        self.compiled: Compiled | None = None
        self.graph: Graph | None = None
        self.ends: list[Any] = []
        self.names: set[str] = set()
        self.of_data = False
        self.held_metrics: tuple[int, list[Any]] = (-1, [])
        self.doors = self.fitted_from = self.input_layer = self.loss = self.optimizer = None
        self.remembered = self.resumption = None

    @property
    def sequence(self) -> Any:
        """The layers of a `Sequential`; None of other models."""
        return self.tracked.get(self.LAYERS)

    def kept(self) -> dict[str, Any]:
        """The graph first: its calls are copied in their order, so a deep model needs no deep recursion."""
        kept = super().kept() | {"held_metrics": (-1, []), "resumption": None}
        if self.graph is not None:
            kept["arguments"] = ((), {})
        return {"graph": self.graph, **kept}
