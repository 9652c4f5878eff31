"""`viz.SummaryWriter`: everything that TensorBoard shows, written from any program."""

from __future__ import annotations

import itertools
import numbers
import os
import pathlib
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from eagerflow.preprocessing.audio_folder import written_wav
from viz.boundary import boundaries, boundary
from viz.export import hparams, tensorboard_graph
from viz.export.pixels import NOISE, as_pictures
from viz.export.projector_files import add_entry, file_name, write_labels, write_points
from viz.export.pytorch_names import PyTorchNames
from viz.export.tensorboard_events import as_array, checked_tag, named, number_of
from viz.facts.formatting import nearest
from viz.facts.schema import Record

__all__ = ["SummaryWriter"]


@boundaries
class SummaryWriter(PyTorchNames):
    """Writes logs for TensorBoard: one run (folder) with numbers, distributions, pictures and texts by tag and step.

    Values that TensorBoard can't show never stop training: non-finite elements of histograms are left out
    (`<tag>/nonfinite` counts them), and so are empty arrays; numbers too large for float32 are written as infinity.

    It also has the methods of PyTorch's `SummaryWriter` (`add_scalar`, `add_scalars`, `add_image` and so on): in a
    script that was written for PyTorch, only the import changes. Those that aren't listed here are tensorboardX'.

    Args:
        log_dir: the folder of the run, which is created if it doesn't exist. Look at it with
            `tensorboard --logdir <log_dir>`. Default: `runs/<date and time>_<host><comment>`, a new run for each start
            of a program.
        comment: the end of the default folder's name.
        purge_step: TensorBoard ignores what earlier writers wrote to the folder from this step on, for a training that
            was interrupted and goes on from a checkpoint.
        max_queue: after how many events what was written can be read, whenever that is.
        flush_secs: the largest number of seconds before what was written can be read.
        filename_suffix: the end of the file's name.

    Raises:
        ImportError: without tensorboardX.
        OSError: when the folder can't be made or written to.
        TypeError, ValueError: for a `flush_secs` or `max_queue` that is no number, or below 0.

    >>> import tempfile, viz
    >>> with viz.SummaryWriter(tempfile.mkdtemp()) as log:
    ...     log.scalar("loss", 0.5, step=1)
    ...     log.histogram("weights", [1.0, 2.0, 2.5], step=1)
    ...     log.text("notes", "a *good* run", step=1)
    """

    @boundary
    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 10,
        filename_suffix: str = "",
    ) -> None:
        if log_dir is not None and not isinstance(log_dir, (str, os.PathLike)):
            raise TypeError(f"log_dir={log_dir!r:.60}: expected a folder; got {type(log_dir).__name__}")
        for name, given in (("flush_secs", flush_secs), ("max_queue", max_queue)):
            if isinstance(given, bool) or not isinstance(given, numbers.Real):
                raise TypeError(f"SummaryWriter({name}={given!r:.60}): expected a number")
            if not given >= 0:
                raise ValueError(f"SummaryWriter({name}={given!r:.60}): expected 0 or more")
        usual = f"{time.strftime('%b%d_%H-%M-%S')}_{socket.gethostname()}{comment}"  # as PyTorch's writer calls it
        folder = os.fspath(log_dir or os.path.join("runs", usual))
        super().__init__(folder, f"SummaryWriter(log_dir={folder!r})", purge_step, flush_secs, filename_suffix)
        self._most_waiting = max(1, max_queue)
        self._settings: dict[str, Any] | None = None

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    if not TYPE_CHECKING:  # for which a name that isn't here is an error

        def __getattr__(self, name: str) -> Any:
            if (method := self._as_tensorboardx_has_it(name)) is not None:
                return method
            known = [each for each in dir(type(self)) if not each.startswith("_")]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{nearest(name, known)}")

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Writes a number, which becomes a point of a curve.

        Args:
            tag: the name of the curve.
            value: the number, or a tensor of one element.
            step: the number of the step.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.scalar("loss", 0.5, step=1)
        ...     log.scalar("loss", 0.25, step=2)
        """
        self.scalars({tag: value}, step)

    def images(self, tag: str, pixels: Any, step: int, channels_first: bool = False) -> None:
        """Writes one or several pictures under one tag.

        Args:
            tag: the name under which TensorBoard shows it.
            pixels: (height, width), (height, width, channels) or (number, height, width, channels); integers from 0 to
                255, or 0 and 1, or floats from 0 to 1; uint8 is used as it is. One channel is gray, three are red,
                green and blue; a second or fourth channel is the opacity.
            step: the number of the step.
            channels_first: whether the channels come before height and width.

        Raises:
            ValueError: for another shape.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.images("digits", np.zeros((4, 8, 8, 1)), step=1)
        """
        checked_tag(tag, "images(tag, pixels, step)")
        found = as_pictures(as_array(pixels, f"images({tag!r})"), channels_first, self._tell)
        if found.size:
            self.pictures(tag, list(found), step)

    image = images

    def figure(self, tag: str, figure: Any, step: int) -> None:
        """Writes a matplotlib figure as a picture.

        Args:
            tag: the name under which TensorBoard shows it.
            figure: a `matplotlib.figure.Figure`.
            step: the number of the step.

        Raises:
            TypeError: for anything else.
        """
        self.images(tag, figure_pixels(figure, f"figure({tag!r})"), step)

    def audio(self, tag: str, samples: Any, step: int, sample_rate: int = 44100) -> None:
        """Writes one or several sounds for the Audio tab.

        Args:
            tag: the name under which TensorBoard shows it.
            samples: (frames,), (frames, channels) or (number, frames, channels) of numbers from -1 to 1; larger ones
                are cut.
            step: the number of the step.
            sample_rate: frames per second.

        Raises:
            ValueError: for another shape or rate.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.audio("a", np.sin(np.arange(8000) / 8000 * 440 * 2 * np.pi), step=1, sample_rate=8000)
        """
        self.sounds(
            checked_tag(tag, "audio(tag, samples, step)"),
            wav_files(as_array(samples, f"audio({tag!r})"), sample_rate, self._tell),
            step,
        )

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Writes a sound with one channel; see `audio`.

        Args:
            tag: the name under which TensorBoard shows it.
            snd_tensor: (1, frames) or (frames,), from -1 to 1.
            global_step: the number of the step.
            sample_rate: frames per second.
            walltime: accepted for PyTorch's signature.
        """
        self.audio(tag, as_array(snd_tensor, f"add_audio({tag!r})").reshape(-1), global_step or 0, sample_rate)

    def graph(self, definition: Any) -> None:
        """Writes a graph for the Graphs tab.

        Args:
            definition: a recording, whose last whole step it is, with the time and memory of its steps; or a `GraphDef`
                protocol buffer.

        Raises:
            TypeError: for anything else.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> with viz.trace() as t:
        ...     y = model(ef.ops.ones((2, 3)))
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.graph(t)
        """
        if isinstance(definition, Record):
            tensorboard_graph.append(definition, self)
        elif hasattr(definition, "SerializeToString"):
            super().graph(definition)
        else:
            told = f"graph(definition): expected a recording or a GraphDef; got {type(definition).__name__}"
            raise TypeError(f"{told}. add_graph(model, inputs) writes that of a model")

    def hparams(
        self, settings: Mapping[str, Any], metrics: Mapping[str, float] | None = None, run_name: str | None = None
    ) -> None:
        """Writes the hyperparameters of a run, and its results, for the HParams tab.

        The first call is about this run, and its curves belong to it. Each further call with other settings, as in a
        loop, is about a separate trial: a run below this one, `trial-2` and so on.

        Args:
            settings: a dict of hyperparameters: numbers, texts and bools by name; other objects are written by their
                `repr`.
            metrics: a dict from tags of scalars that the tab compares to their values. These are written as scalars,
                too, at the last step that was written of them, or 0. Default: all scalars of the run and of those in
                its folder, as `ef.callbacks.TensorBoard(log_dir)` writes them.
            run_name: the name of a run below this one that everything is written to.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     for units in (16, 32):
        ...         log.hparams({"rate": 0.1, "units": units}, {"accuracy": 0.9}, run_name=f"units-{units}")
        """
        plain = hparams.plain(named(settings, "hparams(settings)"))
        values = {str(tag): number_of(tag, x) for tag, x in named(metrics or {}, "hparams(metrics)").items()}
        if run_name is None and self._settings in (None, plain):
            self._settings = plain
            hparams.write_trial(self, plain, values)
        else:
            self._write_trial(run_name or self._next_trial(), plain, values)

    def _next_trial(self) -> str:
        """A name that no earlier trial of the folder has."""
        names = (f"trial-{number}" for number in itertools.count(2))
        return next(name for name in names if not os.path.exists(os.path.join(self.log_dir, name)))

    def hparams_config(
        self, settings: Mapping[str, Any], metrics: Mapping[tuple[str, str], str] | Sequence[str] = ()
    ) -> None:
        """Defines the hyperparameters of a study for the HParams tab: once, in the folder above those of the runs.

        Args:
            settings: a dict from names to the possible values: a list, a pair of the smallest and the largest number,
                or None for any.
            metrics: the tags of scalars that runs are compared by; or a dict from pairs of the run below a trial's
                folder and the tag, to the names that the tab shows.

        >>> import viz
        >>> with viz.SummaryWriter("study") as log:
        ...     log.hparams_config({"units": [16, 32], "rate": (1e-4, 1e-1)}, ["epoch_accuracy"])
        >>> for number, units in enumerate((16, 32)):
        ...     with viz.SummaryWriter(f"study/run-{number}") as log:
        ...         log.hparams_session({"units": units, "rate": 0.01})
        ...         log.scalar("epoch_accuracy", 0.9, step=0)
        """
        named = metrics if isinstance(metrics, Mapping) else {("", tag): "" for tag in metrics}
        self.add(self._protos.event.Event(summary=hparams.experiment(settings, named)), 0)

    def hparams_session(self, settings: Mapping[str, Any] | None, has_ended: bool = True) -> None:
        """Writes the hyperparameters of this run of a study; see `hparams_config`.

        Args:
            settings: as for `hparams`; None: only the end of the run is written.
            has_ended: whether to write that the run has ended.

        >>> import viz
        >>> with viz.SummaryWriter("study/run-2") as log:
        ...     log.hparams_session({"units": 64})
        """
        _, begins, ends = self._protos.summaries.hparams(hparams.plain(settings or {}), {})
        for made in [*([] if settings is None else [begins]), *([ends] if has_ended else [])]:
            self.add(self._protos.event.Event(summary=made), 0)

    def pr_curve(self, tag: str, labels: Any, predictions: Any, step: int, thresholds: int = 127) -> None:
        """Writes a precision-recall curve for the PR Curves tab.

        Args:
            tag: the name under which TensorBoard shows it.
            labels: bools, or 0 and 1, of any shape.
            predictions: probabilities, of the same shape. Those that are not finite are left out.
            step: the number of the step.
            thresholds: the number of thresholds.

        Raises:
            ValueError: when the shapes differ or there are fewer than two thresholds.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.pr_curve("cats", labels=[1, 0, 1], predictions=[0.9, 0.2, 0.6], step=1)
        """
        checked_tag(tag, "pr_curve(tag, labels, predictions, step)")
        truth, chance = (as_array(each, f"pr_curve({tag!r})").reshape(-1) for each in (labels, predictions))
        chance = chance.astype("float64")
        if truth.shape != chance.shape:
            raise ValueError(
                f"pr_curve(): as many labels as predictions are needed; got {truth.size} and {chance.size}"
            )
        if thresholds < 2:
            raise ValueError(f"pr_curve(thresholds={thresholds}): expected at least 2")
        kept = numpy.isfinite(chance)
        if kept.any():
            made = self._protos.summaries.pr_curve(
                tag, truth[kept].astype(bool), chance[kept].clip(0, 1), min(thresholds, 127), None
            )
            self.add(self._protos.event.Event(summary=made), step)

    def embedding(
        self, name: str, vectors: Any, labels: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None
    ) -> None:
        """Writes points, such as embeddings, for the Projector tab.

        Args:
            name: the name of the table.
            vectors: (points, dimensions).
            labels: a label for each point, or columns of labels by name.

        Raises:
            ValueError: for another shape, or another number of labels.

        >>> import viz
        >>> from pathlib import Path
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.embedding("words", [[0.0, 1.0], [2.0, 3.0]], labels=["cat", "dog"])
        >>> Path("logs", "projector_config.pbtxt").exists()
        True
        """
        checked_tag(name, "embedding(name, vectors)")
        table = as_array(vectors, f"embedding({name!r})").astype("float64")
        if table.ndim != 2 or not table.size:
            raise ValueError(f"embedding({name!r}): expected vectors of shape (points, dimensions); got {table.shape}")
        stem, folder = file_name(name), pathlib.Path(self.log_dir)
        entry = {"tensor_name": name, "tensor_path": f"{stem}.tsv"}
        if labels is not None:
            entry["metadata_path"] = f"{stem}-labels.tsv"
            write_labels(folder / entry["metadata_path"], f"embedding({name!r})", labels, len(table))
        write_points(folder / entry["tensor_path"], table)
        add_entry(folder, entry)


def figure_pixels(figure: Any, what: str) -> numpy.ndarray:
    """Bytes (height, width, 4), also of a figure that a window or nothing at all was going to show."""
    if not hasattr(figure, "set_canvas") or not hasattr(figure, "canvas"):
        raise TypeError(f"{what}: expected a matplotlib Figure; got {type(figure).__name__}. For arrays: images()")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    before = figure.canvas
    try:
        canvas = FigureCanvasAgg(figure)  # which becomes the figure's own
        canvas.draw()
        return numpy.array(canvas.buffer_rgba())
    finally:
        figure.set_canvas(before)


def wav_files(samples: Any, sample_rate: int, tell: Callable[[str], None]) -> list[bytes]:
    """A file for each sound."""
    given = numpy.asarray(samples).astype("float64")
    found = given[:, numpy.newaxis] if given.ndim == 1 else given
    found = found[numpy.newaxis] if found.ndim == 2 else found
    if found.ndim != 3 or not 1 <= found.shape[-1] <= 255:
        raise ValueError(
            "audio(): expected (frames,), (frames, channels) or (number, frames, channels) with 1 to 255 channels; "
            f"got {given.shape}"
        )
    if sample_rate < 1:
        raise ValueError(f"audio(sample_rate={sample_rate!r}): expected frames per second, 1 or more")
    if numpy.abs(found).max(initial=0.0) > 1 + NOISE:
        tell("samples of a sound beyond -1 and 1 are cut off: divide them by the largest, or by 32768 for 16 bits")
    return [written_wav(sound, int(sample_rate)) for sound in found]
