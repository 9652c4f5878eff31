"""`tf.summary`: files for TensorBoard, written by `viz.SummaryWriter`."""

from __future__ import annotations

import contextlib
import os
import re
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow import _viz, ops
from eagerflow.base.capturing import not_replayable
from eagerflow.compat.arguments import Older, taking
from eagerflow.compat.tensorflow.summaries.name_scopes import name_scope, within

__all__ = ["SummaryWriter", "audio", "create_file_writer", "create_noop_writer", "flush", "get_step", "histogram"]
__all__ += ["image", "record_if", "scalar", "set_step", "should_record_summaries", "summary_scope", "text"]
__all__ += ["trace_export", "trace_off", "trace_on"]


class SummaryWriter:
    """Where `scalar`, `image` and the like write to, inside of `as_default()`."""

    def __init__(self, log: Any = None) -> None:
        self.log = log
        if log is not None:
            weakref.finalize(self, log.close)  # nobody need close a writer, says TensorFlow

    @contextlib.contextmanager
    def as_default(self, step: Any = None) -> Iterator[SummaryWriter]:
        """What is written inside of the block goes here, by default with this step."""
        before = _State.writer, _State.step
        self.set_as_default(step)
        try:
            yield self
        finally:
            _State.writer, _State.step = before
            self.flush()

    def set_as_default(self, step: Any = None) -> None:
        """What is written from now on goes here."""
        _State.writer, _State.step = self, _State.step if step is None else step

    def init(self) -> None:
        """Accepted: there is nothing to begin."""

    def flush(self) -> None:
        """Let TensorBoard see all that was written."""
        if self.log is not None:
            self.log.flush()

    def close(self) -> None:
        """Finish the file."""
        if self.log is not None:
            self.log.close()


class _Recorder:
    """Records by viz, as `with viz.trace()` does, between `begin` and `end`."""

    def __init__(self) -> None:
        self._open: tuple[Any, Any] | None = None  # the tracer, and what it records

    @property
    def is_running(self) -> bool:
        """Whether something is being recorded."""
        return self._open is not None

    def begin(self) -> None:
        """Record what runs from now on."""
        tracer = _viz.package().trace()
        self._open = tracer, tracer.__enter__()

    def end(self) -> Any:
        """Stop; gives the recording, None where there is none."""
        if self._open is None:
            return None
        (tracer, recording), self._open = self._open, None
        tracer.__exit__()
        return recording


class _State:
    """What counts where nothing is said: the writer, the step, and whether anything is recorded."""

    writer: SummaryWriter | None = None
    step: Any = None
    records: Any = True
    trace = _Recorder()


@taking(Older(ignored=["experimental_trackable", "filename_suffix", "flush_millis", "max_queue", "name"]))
def create_file_writer(logdir: str | os.PathLike[str]) -> SummaryWriter:
    """A writer of files in a folder, which TensorBoard shows: `tensorboard --logdir <logdir>`.

    >>> from pathlib import Path
    >>> writer = create_file_writer("logs/train")
    >>> with writer.as_default(step=1):
    ...     scalar("loss", 0.5)
    True
    >>> writer.close()
    >>> any(path.stat().st_size for path in Path("logs/train").iterdir())
    True
    """
    return SummaryWriter(_viz.package().SummaryWriter(os.fspath(logdir)))


def create_noop_writer() -> SummaryWriter:
    """A writer that writes nothing."""
    return SummaryWriter()


def written(name: str, step: Any, write: Callable[[Any, str, int], None]) -> bool:
    """Whether there was a writer. TensorFlow says nothing where there is none, either."""
    if _State.writer is None or not should_record_summaries():
        return False
    not_replayable("it writes with tf.summary: do that outside")
    step = _State.step if step is None else step
    if step is None:
        raise ValueError(
            f"tf.summary: no step is known for {name!r}. Pass step=..., or say it once: writer.as_default(step=...) or "
            "tf.summary.experimental.set_step(step)."
        )
    if _State.writer.log is not None:
        write(_State.writer.log, within(name), int(step))
    return True


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> bool:
    """Write a number."""
    return written(name, step, lambda log, tag, at: log.scalar(tag, data, at))


def histogram(name: str, data: Any, step: Any = None, buckets: Any = None, description: str | None = None) -> bool:
    """Write the distribution of a tensor's elements; arguments and result as those of `scalar`."""
    return written(name, step, lambda log, tag, at: log.histogram(tag, _array(data), at))


def image(name: str, data: Any, step: Any = None, max_outputs: int = 3, description: str | None = None) -> bool:
    """Write pictures (number, height, width, channels), the first `max_outputs` of them; else as `scalar`.

    Raises:
        ValueError: for another number of axes.
    """
    pixels = _array(data)
    if pixels.ndim != 4:
        raise ValueError(
            f"tf.summary.image({name!r}): expected (number, height, width, channels); got {pixels.shape}. For one "
            "picture: tf.expand_dims(picture, 0)"
        )
    return written(name, step, lambda log, tag, at: log.images(tag, pixels[: int(max_outputs)], at))


def audio(
    name: str,
    data: Any,
    sample_rate: Any,
    step: Any = None,
    max_outputs: int = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> bool:
    """Write sounds (number, frames, channels), the first `max_outputs` of them, of numbers from -1 to 1."""
    return written(
        name, step, lambda log, tag, at: log.audio(tag, _array(data)[: int(max_outputs)], at, int(sample_rate))
    )


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> bool:
    """Write a text in Markdown, or several, shown as a list or a table of rows and columns; else as `scalar`."""
    given = numpy.asarray(getattr(data, "numpy", lambda: data)())
    texts = numpy.array([part.decode() if isinstance(part, bytes) else str(part) for part in given.flat], dtype=object)
    whole = texts.reshape(given.shape) if given.ndim else texts[0]
    return written(name, step, lambda log, tag, at: log.text(tag, whole, at))


@contextlib.contextmanager
def summary_scope(name: str, default_name: str = "summary", values: Any = None) -> Iterator[tuple[str, str]]:
    """Within the block, tags begin with a name; gives the tag of the scope itself, and the scope."""
    with name_scope(name or default_name) as scope:
        yield scope.rstrip("/"), scope


def trace_on(graph: bool = True, profiler: bool = False, profiler_outdir: Any = None) -> None:
    """Record what runs from now on, for `trace_export`."""
    trace_off()
    _State.trace.begin()


def trace_off() -> None:
    """Stop recording; what was recorded is dropped."""
    _State.trace.end()


def trace_export(name: str, step: Any = None, profiler_outdir: Any = None) -> None:
    """Write what ran since `trace_on` for the Graphs and the Profile tab, and stop recording.

    Raises:
        RuntimeError: without a writer, or where nothing is recorded.
    """
    if _State.writer is None:
        raise RuntimeError("tf.summary.trace_export: expected a default writer; write: with writer.as_default(): ...")
    if not _State.trace.is_running:
        raise RuntimeError("tf.summary.trace_export: nothing is recorded; call tf.summary.trace_on() before the step.")
    recording = _State.trace.end()
    if _State.writer.log is not None and recording.ops:
        recording.to_tensorboard(os.path.join(_State.writer.log.log_dir, re.sub(r"[^\w.-]", "_", name)))


def current_writer() -> SummaryWriter | None:
    """The writer that counts where none is named."""
    return _State.writer


def flush(writer: SummaryWriter | None = None) -> None:
    """Let TensorBoard see all that was written."""
    chosen = _State.writer if writer is None else writer
    if chosen is not None:
        chosen.flush()


def should_record_summaries() -> bool:
    """Whether what is written is recorded: see `record_if`."""
    return _is_recorded()


def _is_recorded() -> bool:
    return bool(_State.records() if callable(_State.records) else _State.records)


@contextlib.contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Inside of the block, write only where this holds: a truth value, or a function that gives one."""
    before, _State.records = _State.records, condition
    try:
        yield
    finally:
        _State.records = before


def set_step(step: Any) -> None:
    """The step of all that is written without one; a variable counts with the value that it has then."""
    _State.step = step


def get_step() -> Any:
    """What `set_step` or the writer said."""
    return _State.step


def _array(data: Any) -> numpy.ndarray:
    return numpy.asarray(ops.convert_to_numpy(data))
