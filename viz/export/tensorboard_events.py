"""An event file of TensorBoard's, written through tensorboardX; a timer is all that runs beside the program."""

from __future__ import annotations

import atexit
import errno
import itertools
import math
import os
import re
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy

from viz.export import histograms
from viz.export.conceptual_graph import conceptual_of
from viz.export.event_files import new_file, write
from viz.export.event_protos import protos
from viz.export.png import png

__all__ = ["EventLog", "as_array", "checked_tag", "make_folder", "named", "number_of"]
__all__ += ["whole_step"]

_counter = itertools.count()
_HERE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # viz itself
_WAV = b"\x10\x0b"  # AudioPluginData: encoding (2) is WAV (11)


def make_folder(folder: str | os.PathLike[str], call: str) -> None:
    """Make a folder for logs, with those around it."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        is_file = isinstance(error, (FileExistsError, NotADirectoryError))
        why = "there is a file of that name" if is_file else f"{error.strerror}: {str(error.filename)!r}"
        said = f"{call}: the folder can't be made or written to ({why}). Give another log_dir"
        raise type(error)(error.errno, said) from None
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, f"{call}: {os.fspath(folder)!r} can't be written to")


class EventLog:
    """One event file in a run's folder, which is made when missing; the file, as soon as there is something to write.

    Numbers that aren't finite are written as they are in scalars (TensorBoard shows them so), and left out
    of histograms, which then get a scalar `<tag>/nonfinite` that counts them.

    Attributes:
        log_dir: the run's folder, as a text.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        call: str = "log_dir",
        purge_step: int | None = None,
        flush_secs: float = 10,
        filename_suffix: str = "",
    ) -> None:
        self._protos = protos()
        self.log_dir = os.fspath(folder)
        make_folder(folder, call if call.endswith(")") else f"{call}={self.log_dir!r}")
        self._purge_step, self._suffix, self._flush_seconds = purge_step, filename_suffix, flush_secs
        self._has_purged = False
        self._writer: BinaryIO | None = None
        self._flushed = time.monotonic()
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None  # runs where something waits to be flushed
        self._waiting, self._most_waiting = 0, math.inf  # events
        self._told: set[str] = set()
        self.last_steps: dict[str, int] = {}  # of the scalars
        self._others: dict[str, EventLog] = {}  # the runs below this one

    def scalars(self, values: dict[str, Any], step: int) -> None:
        """Writes several numbers, each under its own tag.

        Args:
            values: a dict of numbers by tag.
            step: the number of the step.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.scalars({"loss": 0.5, "accuracy": 0.9}, step=1)
        """
        made = self._protos.summary.Summary()
        for tag, value in values.items():
            checked_tag(tag, "scalar(tag, value, step)")
            made.value.add(tag=tag, simple_value=number_of(tag, value))
        self.add(self._protos.event.Event(summary=made), step)
        self.last_steps |= dict.fromkeys(values, whole_step(step))

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """Writes a histogram of an array's elements; nothing for an empty array.

        Args:
            tag: the name under which TensorBoard shows it.
            values: numbers of any shape.
            step: the number of the step.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.histogram("weights", [1.0, 2.0, 2.5], step=1)
        """
        finite = self._finite(checked_tag(tag, "histogram(tag, values, step)"), values, step)
        if finite.size:
            self.value(step, tag=tag, histo=histograms.even(finite))

    def _finite(self, tag: str, values: Any, step: int, walltime: float | None = None) -> numpy.ndarray:
        """The finite numbers; the others are counted."""
        given = as_array(values, f"histogram {tag!r}").reshape(-1)
        if given.dtype.kind == "c":
            raise TypeError(f"histogram {tag!r}: expected real numbers; got complex ones. Write abs(values)")
        flat = given.astype("float64")
        finite = flat[numpy.isfinite(flat)]
        if finite.size < flat.size:
            self.value(step, walltime, tag=f"{tag}/nonfinite", simple_value=flat.size - finite.size)
        return finite.clip(-histograms.LARGEST, histograms.LARGEST)  # TensorBoard can't count with larger ones

    def pictures(self, tag: str, pictures: list[numpy.ndarray], step: int) -> None:
        """Writes pictures of the same size under one tag, as Keras does.

        Args:
            tag: the name under which TensorBoard shows them.
            pictures: uint8 arrays of shape (height, width, 1 to 4 channels).
            step: the number of the step.
        """
        height, width, _ = pictures[0].shape
        parts = [str(width).encode(), str(height).encode(), *[png(pixels) for pixels in pictures]]
        self._texts(tag, parts, (len(parts),), step, "images")

    def model(self, config: Any, step: int = 0) -> None:
        """Writes a model's layers for the conceptual graph of the Graphs tab.

        Args:
            config: a `Sequential` or functional model, or its configuration as JSON text.
            step: the number of the step.

        Raises:
            TypeError: for anything else; of a subclassed model nobody wrote down which layer follows which.
        """
        if not isinstance(config, str):
            given, config = config, conceptual_of(config)
            if config is None:
                raise TypeError(
                    f"model(config): expected a Sequential or functional model, or its JSON; got "
                    f"{type(given).__name__}. add_graph(model, inputs) writes what any model runs"
                )
        self._texts("keras", [config.encode("utf-8", "replace")], (), step, "graph_keras_model", b"1")

    def text(self, tag: str, text: Any, step: int = 0) -> None:
        """Writes a text in Markdown.

        Args:
            tag: the name under which TensorBoard shows it.
            text: the text; a list or array of texts is shown as a table, with rows and columns if it has two axes.
            step: the number of the step.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.text("notes", "a *good* run", step=1)
        """
        checked_tag(tag, "text(tag, text, step)")
        is_one = not isinstance(text, (numpy.ndarray, list, tuple))
        several = numpy.array(str(text) if is_one else text, dtype=object)
        self._texts(tag, [str(part).encode("utf-8", "replace") for part in several.flat], several.shape, step, "text")

    def sounds(self, tag: str, files: list[bytes], step: int) -> None:
        """Writes sounds under one tag, as TensorFlow does.

        Args:
            tag: the name under which TensorBoard shows them.
            files: the bytes of WAV files.
            step: the number of the step.
        """
        self._texts(tag, [part for file in files for part in (file, b"")], (len(files), 2), step, "audio", _WAV)

    def _texts(
        self, tag: str, parts: list[bytes], shape: tuple[int, ...], step: int, plugin: str, about: bytes = b""
    ) -> None:
        """A tensor of strings, and which tab it is for."""
        made = self._protos.tensor.TensorProto(dtype=self._protos.types.DT_STRING, string_val=parts)
        for length in shape:
            made.tensor_shape.dim.add(size=length)
        kind = self._protos.summary.SummaryMetadata
        for_tab = kind(plugin_data=kind.PluginData(plugin_name=plugin, content=about))
        self.value(step, tag=tag, metadata=for_tab, tensor=made)

    def value(self, step: int, walltime: float | None = None, **fields: Any) -> None:
        """Writes one summary value.

        Args:
            step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
            **fields: the fields of the protocol buffer `Summary.Value`.
        """
        summary = self._protos.summary
        made = summary.Summary(value=[summary.Summary.Value(**fields)])
        self.add(self._protos.event.Event(summary=made), step, walltime)

    def _tell(self, words: str) -> None:
        """Warn of what isn't written as it was given: once, as it may be so in every step."""
        kind = re.sub(r"\d", "", words)
        if kind not in self._told:
            self._told.add(kind)
            warnings.warn(f"{type(self).__name__}: {words}", stacklevel=_outside())

    def graph(self, definition: Any) -> None:
        """Writes a graph for the Graphs tab.

        Args:
            definition: a `GraphDef` protocol buffer.
        """
        self.add(self._protos.event.Event(graph_def=definition.SerializeToString()), 0)

    def run_metadata(self, tag: str, metadata: Any, step: int) -> None:
        """Writes compute times and memory for a graph.

        Args:
            tag: the name under which TensorBoard shows it.
            metadata: a `RunMetadata` protocol buffer (see `step_stats`).
            step: the number of the step.
        """
        event = self._protos.event
        tagged = event.TaggedRunMetadata(tag=tag, run_metadata=metadata.SerializeToString())
        self.add(event.Event(tagged_run_metadata=tagged), step)

    def add(self, event: Any, step: int, walltime: float | None = None) -> None:
        """Writes an event of any kind.

        Args:
            event: the event, as a protocol buffer.
            step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
        """
        event.step, event.wall_time = whole_step(step), time.time() if walltime is None else float(walltime)
        if isinstance(step, float) and event.step != step:
            self._tell(f"step {step!r:.30} is written as {event.step}: TensorBoard has whole steps only")
        with self._lock:
            if self._writer is not None and not self._waiting and not os.path.exists(self._writer.name):
                self._tell(
                    f"{self._writer.name!r} is gone, with what was written so far; what comes goes to a new file"
                )
                self.close()
            writer = self._writer or self._open()
            write(writer, event)
            self._waiting += 1
            if time.monotonic() - self._flushed > self._flush_seconds or self._waiting >= self._most_waiting:
                self._written(writer)
            elif self._timer is None or not self._timer.is_alive():  # after a fork there is none
                self._timer = threading.Timer(self._flush_seconds, self.flush)
                self._timer.daemon = True  # the program doesn't wait for it: see `_write_what_waits`
                self._timer.start()

    def _written(self, writer: BinaryIO) -> None:
        """What waits in memory is in the file from here on."""
        writer.flush()
        self._flushed, self._waiting = time.monotonic(), 0

    def _open(self) -> BinaryIO:
        make_folder(self.log_dir, f"log_dir={self.log_dir!r}")  # which somebody may have removed
        # Several files of one second in one folder must not meet, and readers take them in the order of their names.
        name = f".{os.getpid()}.{next(_counter):06d}.v2{self._suffix}"
        self._writer = writer = new_file(self.log_dir, name)
        _open_logs.add(self)
        if self._purge_step is not None and not self._has_purged:
            kind, self._has_purged = self._protos.event, True
            start = kind.SessionLog(status=kind.SessionLog.START)
            write(writer, kind.Event(step=int(self._purge_step), wall_time=time.time(), session_log=start))
        return writer

    def flush(self) -> None:
        """Writes everything to disk, so that TensorBoard can read it.

        >>> import viz
        >>> from pathlib import Path
        >>> with viz.SummaryWriter("run") as log:
        ...     log.scalar("loss", 0.5, step=1)
        ...     log.flush()  # TensorBoard sees it from here on
        ...     print(any(path.stat().st_size for path in Path("run").iterdir()))
        True
        """
        with self._lock:
            self._stop_timer()
            if self._writer is not None:
                self._written(self._writer)
            self._flushed = time.monotonic()
        for log in [*self._others.values()]:
            log.flush()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Closes the file. Later calls begin another file.

        >>> import viz
        >>> from pathlib import Path
        >>> log = viz.SummaryWriter("logs")
        >>> log.scalar("loss", 0.5, step=1)
        >>> log.close()
        >>> any(path.stat().st_size for path in Path("logs").iterdir())
        True
        """
        with self._lock:
            self._stop_timer()
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()
        for log in self._others.values():
            log.close()


_open_logs = weakref.WeakSet[EventLog]()


@atexit.register
def _write_what_waits() -> None:
    """At the end of the program: Python finishes no file that the thread of a timer still holds."""
    for log in [*_open_logs]:
        log.flush()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_write_what_waits)  # else the child would write it, too


def as_array(values: Any, what: str = "values") -> numpy.ndarray:
    """Numbers of any library, or in lists, as NumPy has them; `what` says whose they are, for errors."""
    several = ""
    try:
        found = numpy.asarray(values)
    except ValueError:  # it isn't rectangular
        found, several = numpy.empty(0, dtype=object), ". Write arrays of several shapes one by one"
    if found.dtype.kind in "OSUMm":
        told = " ".join(f"{values!r:.200}".split())
        raise TypeError(f"{what}: expected numbers, as an array, a tensor or a list; got {told:.60}{several}")
    return found


def named(given: Any, what: str) -> Mapping[Any, Any]:
    """A dict that is one; `what` is the call, for errors."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{what}: expected a dict; got {given!r:.60} ({type(given).__name__})")
    return given


def checked_tag(tag: Any, call: str) -> str:
    """A tag that is one; `call` says how it is written."""
    if not isinstance(tag, str):
        raise TypeError(f"{call}: the tag comes first, and is a text; got {tag!r:.60} ({type(tag).__name__})")
    if not tag.strip():
        raise ValueError(f"{call}: the tag is {tag!r}, but TensorBoard shows nothing without a name")
    return tag


def number_of(tag: str, value: Any) -> float:
    """One number; those too large for single precision become infinite."""
    try:
        number = float(value) if isinstance(value, (int, float)) else float(as_array(value).reshape(()))
    except (TypeError, ValueError):
        raise TypeError(f"scalar {tag!r}: expected a number; got {_shown(value)}") from None
    if math.isfinite(number) and abs(number) > histograms.LARGEST:
        return math.copysign(math.inf, number)
    return number


def _shown(value: Any) -> str:
    if shape := getattr(value, "shape", ()):
        return f"{type(value).__name__} of shape {tuple(shape)}; its mean, or several tags?"
    return f"{value!r:.60}"


def whole_step(step: Any) -> int:
    """A step as a number; a tensor or an array may hold it."""
    try:
        return int(step) if isinstance(step, (int, float)) else int(as_array(step).reshape(()))
    except (TypeError, ValueError):
        raise TypeError(f"step: expected a whole number; got {step!r:.60}") from None


def _outside() -> int:
    """How many frames above `_tell` the program is that writes, for warnings."""
    frame, level = sys._getframe(1), 1
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    return level
