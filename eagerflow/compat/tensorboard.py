"""`TensorBoard` with Keras 2's arguments. A file of its own: importing it loads all that draws."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import UnknownArgumentError
from eagerflow.base.spellings import ignores
from eagerflow.callbacks import TensorBoard

__all__ = ["OlderTensorBoard"]


class OlderTensorBoard(TensorBoard):
    """`callbacks.TensorBoard`; the arguments that only Keras 2 had change nothing."""

    @ignores("batch_size", "embeddings_data", "embeddings_layer_names", "write_grads")
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except UnknownArgumentError as error:  # which names the class
            error.args = (str(error).removeprefix("Older"),)
            raise
