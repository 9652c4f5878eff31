"""An event file of TensorBoard's, written through tensorboardX without its background threads."""

from __future__ import annotations

import functools
import itertools
import math
import os
import pathlib
import time
from types import SimpleNamespace
from typing import Any

import numpy

from eagerflow.base.notebook import shown_short
from viz.export.png import png

__all__ = ["EventLog", "protos"]

BINS = 30
_counter = itertools.count()
_FLUSH_SECONDS = 10
_WAV = b"\x10\x0b"  # AudioPluginData: encoding (2) is WAV (11)
_LARGEST = 3.4028235e38  # of single precision


@functools.cache
def protos() -> Any:
    """What is used of tensorboardX.

    Raises:
        ImportError: without it; says how to get it.
    """
    try:
        from tensorboardX import event_file_writer, summary as summaries
        from tensorboardX.proto import (
            api_pb2,
            attr_value_pb2,
            event_pb2,
            graph_pb2,
            plugin_hparams_pb2,
            summary_pb2,
            tensor_pb2,
            tensor_shape_pb2,
            types_pb2,
        )
    except ImportError as error:
        raise ImportError(
            f"writing for TensorBoard needs tensorboardX: pip install 'tensorboardX>=2.6.2' ({error})"
        ) from None
    return SimpleNamespace(
        api=api_pb2,
        hparams=plugin_hparams_pb2,
        writer=event_file_writer.EventsWriter,
        attr=attr_value_pb2,
        event=event_pb2,
        graph=graph_pb2,
        summary=summary_pb2,
        summaries=summaries,
        tensor=tensor_pb2,
        shape=tensor_shape_pb2,
        types=types_pb2,
    )


class EventLog:
    """One event file in a run's folder, which is made when missing; the file, as soon as there is something to write.

    Numbers that aren't finite are written as they are in scalars (TensorBoard shows them so), and left out
    of histograms, which then get a scalar `<tag>/nonfinite` that counts them.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        self._protos = protos()
        self._folder = folder
        self._writer: Any = None
        self._flushed = time.monotonic()
        self.last_steps: dict[str, int] = {}  # of the scalars

    def scalars(self, values: dict[str, Any], step: int) -> None:
        """Numbers by tag.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.scalars({"loss": 0.5, "accuracy": 0.9}, step=1)
        """
        made = self._protos.summary.Summary()
        for tag, value in values.items():
            try:
                made.value.add(tag=tag, simple_value=_single(value))
                self.last_steps[tag] = int(step)
            except (TypeError, ValueError) as error:
                raise shown_short(type(error)(f"scalar {tag!r}: expected a number; got {value!r:.60}")) from None
        self.add(self._protos.event.Event(summary=made), step)

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """The distribution of an array's elements; nothing for an empty one.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.histogram("weights", [1.0, 2.0, 2.5], step=1)
        """
        flat = numpy.asarray(values).reshape(-1).astype("float64")
        finite = flat[numpy.isfinite(flat)].clip(-_LARGEST, _LARGEST)  # TensorBoard can't count with larger ones
        if finite.size < flat.size:
            self.scalars({f"{tag}/nonfinite": flat.size - finite.size}, step)
        if not finite.size:
            return
        summary = self._protos.summary
        made = summary.Summary(value=[summary.Summary.Value(tag=tag, histo=_histogram(finite, summary))])
        self.add(self._protos.event.Event(summary=made), step)

    def pictures(self, tag: str, pictures: list[numpy.ndarray], step: int) -> None:
        """Pictures of one size under one tag, as Keras writes them; each is (height, width, 1 to 4) of bytes."""
        height, width, _ = pictures[0].shape
        parts = [str(width).encode(), str(height).encode(), *[png(pixels) for pixels in pictures]]
        self._texts(tag, parts, (len(parts),), step, "images")

    def model(self, config: str, step: int = 0) -> None:
        """A Keras model's JSON, for the Graphs tab's conceptual graph."""
        self._texts("keras", [config.encode("utf-8", "replace")], (), step, "graph_keras_model", b"1")

    def text(self, tag: str, text: Any, step: int = 0) -> None:
        """A text in Markdown; several, as a list or an array, are shown as a table: of rows and columns with two axes.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.text("notes", "a *good* run", step=1)
        """
        is_one = not isinstance(text, (numpy.ndarray, list, tuple))
        several = numpy.array(str(text) if is_one else text, dtype=object)
        self._texts(tag, [str(part).encode("utf-8", "replace") for part in several.flat], several.shape, step, "text")

    def sounds(self, tag: str, files: list[bytes], step: int) -> None:
        """WAV files under one tag, as TensorFlow writes them: each with a label, which is empty."""
        self._texts(tag, [part for file in files for part in (file, b"")], (len(files), 2), step, "audio", _WAV)

    def _texts(
        self, tag: str, parts: list[bytes], shape: tuple[int, ...], step: int, plugin: str, about: bytes = b""
    ) -> None:
        """A tensor of strings, and which tab it is for."""
        summary = self._protos.summary
        told = summary.SummaryMetadata.PluginData(plugin_name=plugin, content=about)
        value = summary.Summary.Value(tag=tag, metadata=summary.SummaryMetadata(plugin_data=told))
        made = self._protos.tensor.TensorProto(dtype=self._protos.types.DT_STRING, string_val=parts)
        for length in shape:
            made.tensor_shape.dim.add(size=length)
        value.tensor.CopyFrom(made)
        self.add(self._protos.event.Event(summary=summary.Summary(value=[value])), step)

    def graph(self, definition: Any) -> None:
        """A `GraphDef`, for the Graphs tab."""
        self.add(self._protos.event.Event(graph_def=definition.SerializeToString()), 0)

    def run_metadata(self, tag: str, metadata: Any, step: int) -> None:
        """A `RunMetadata` (see `step_stats`) for the graph."""
        event = self._protos.event
        tagged = event.TaggedRunMetadata(tag=tag, run_metadata=metadata.SerializeToString())
        self.add(event.Event(tagged_run_metadata=tagged), step)

    def add(self, event: Any, step: int) -> None:
        """Any event."""
        event.step, event.wall_time = int(step), time.time()
        if self._writer is None:  # several files of one second in one folder must not meet
            name = f".{os.getpid()}.{next(_counter)}.v2"
            self._writer = self._protos.writer(os.path.join(self._folder, "events"), name)
        self._writer.write_event(event)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Let readers see everything up to here.

        >>> import viz
        >>> from pathlib import Path
        >>> with viz.SummaryWriter("run") as log:
        ...     log.scalar("loss", 0.5, step=1)
        ...     log.flush()  # TensorBoard sees it from here on
        ...     print(any(path.stat().st_size for path in Path("run").iterdir()))
        True
        """
        if self._writer is not None:
            self._writer.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Finish the file.

        >>> import viz
        >>> from pathlib import Path
        >>> log = viz.SummaryWriter("logs")
        >>> log.scalar("loss", 0.5, step=1)
        >>> log.close()
        >>> any(path.stat().st_size for path in Path("logs").iterdir())
        True
        """
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def _single(value: Any) -> float:
    """A number as the nearest of single precision; too large ones become infinite."""
    number = float(value)
    if math.isfinite(number) and abs(number) > _LARGEST:
        return math.copysign(math.inf, number)
    return number


def _histogram(values: numpy.ndarray, summary: Any) -> Any:
    low, high = float(values.min()), float(values.max())
    edges = numpy.linspace(low, high, BINS + 1) if math.isfinite(high - low) and high > low else _around(low, high)
    counts, edges = numpy.histogram(values, edges)
    with numpy.errstate(over="ignore"):  # the sum of squares may be infinite; TensorBoard doesn't show it
        squares = float(numpy.square(values).sum())
        total = float(values.sum())
    return summary.HistogramProto(
        min=low,
        max=high,
        num=values.size,
        sum=total,
        sum_squares=squares,
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )


def _around(low: float, high: float) -> numpy.ndarray:
    """Two edges for equal values; edges without overflow for the largest ones."""
    if low == high:
        margin = abs(low) * 1e-6 or 1e-6
        return numpy.array([low - margin, high + margin])
    return numpy.array([low, low / 2, 0.0, high / 2, high])
