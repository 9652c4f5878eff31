"""`TensorBoard` with Keras 2's arguments. A file of its own: importing it loads all that draws."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import UnknownArgumentError
from eagerflow.callbacks import TensorBoard
from eagerflow.compat.tensorflow.summaries import summary

__all__ = ["OlderTensorBoard"]


class OlderTensorBoard(TensorBoard):
    """`callbacks.TensorBoard`; the arguments that only Keras 2 had change nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for name in ("batch_size", "embeddings_data", "embeddings_layer_names", "write_grads"):
            kwargs.pop(name, None)
        try:
            super().__init__(*args, **kwargs)
        except UnknownArgumentError as error:  # which names the class
            error.args = (str(error).removeprefix("Older"),)
            raise
        self._writers: dict[str, summary.SummaryWriter] = {}

    @property
    def _train_writer(self) -> summary.SummaryWriter:
        """The training run as a writer of `tf.summary`, to which subclasses write their own numbers."""
        return self._writer("train")

    @property
    def _val_writer(self) -> summary.SummaryWriter:
        return self._writer("validation")

    def _writer(self, run: str) -> summary.SummaryWriter:
        log = self._log(run)
        if run not in self._writers or self._writers[run].log is not log:  # a later training has files of its own
            self._writers[run] = summary.SummaryWriter(log)
        return self._writers[run]
