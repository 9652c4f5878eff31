"""`viz.SummaryWriter`: everything that TensorBoard shows, written from any program."""

from __future__ import annotations

import csv
import os
import pathlib
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from eagerflow.base.notebook import shown_short
from eagerflow.preprocessing.audio_folder import written_wav
from viz.export import hparams
from viz.export.tensorboard_events import EventLog, protos
from viz.facts.formatting import nearest

__all__ = ["SummaryWriter", "projector_config"]


# For what PyTorch's writer has and this one does otherwise.
_NONE = ". There is none for this"
_HINTS = {
    "add_graph": ". The graph of a step: with viz.trace() as t: ...; t.to_tensorboard(log_dir)",
    "add_scalars": '. Write scalars({"a": 1.0, "b": 2.0}, step); for one chart, one tag in a writer for each curve',
    "add_scalar": "; did you mean 'scalar'? scalar(tag, value, step)",
    **dict.fromkeys(("add_mesh", "add_video", "add_custom_scalars", "add_tensor", "add_onnx_graph"), _NONE),
}


class SummaryWriter(EventLog):
    """A run of TensorBoard's: one folder, with numbers, distributions, pictures and texts by tag and step.

    What can't be shown is left out and counted, never a reason to stop training: non-finite elements of histograms
    (`<tag>/nonfinite` counts them), empty arrays, numbers too large for single precision (written as infinite).

    Args:
        log_dir: the run's folder; made when missing. Look with `tensorboard --logdir <log_dir>`.

    Raises:
        ImportError: without tensorboardX.

    >>> import tempfile, viz
    >>> with viz.SummaryWriter(tempfile.mkdtemp()) as log:
    ...     log.scalar("loss", 0.5, step=1)
    ...     log.histogram("weights", [1.0, 2.0, 2.5], step=1)
    ...     log.text("notes", "a *good* run", step=1)
    """

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        if not isinstance(log_dir, (str, os.PathLike)):
            raise shown_short(TypeError(f"log_dir={log_dir!r:.60}: expected a folder; got {type(log_dir).__name__}"))
        super().__init__(log_dir)
        self.log_dir = pathlib.Path(log_dir)
        self._settings: dict[str, Any] | None = None

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    if not TYPE_CHECKING:  # for which a name that isn't here is an error

        def __getattr__(self, name: str) -> Any:
            own = name.removeprefix("add_")
            known = [each for each in dir(type(self)) if not each.startswith("_")]
            near = f"; did you mean {own!r}?" if own != name and own in known else nearest(own, known)
            near = _HINTS.get(name, near)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{near}")

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """One number.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.scalar("loss", 0.5, step=1)
        ...     log.scalar("loss", 0.25, step=2)
        """
        self.scalars({tag: value}, step)

    def images(self, tag: str, pixels: Any, step: int, channels_first: bool = False) -> None:
        """One picture or several under one tag.

        Args:
            tag: the name.
            pixels: (height, width), (height, width, channels) or (number, height, width, channels); whole numbers
                from 0 to 255, or 0 and 1, or floats from 0 to 1; uint8 is taken as it is. One channel is grey, three
                are red, green and blue; one more, the second or the fourth, says how opaque a pixel is.
            step: the step.
            channels_first: the channels stand before height and width.

        Raises:
            ValueError: for another shape.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.images("digits", np.zeros((4, 8, 8, 1)), step=1)
        """
        found = _as_pictures(pixels, channels_first)
        if found.size:
            self.pictures(tag, list(found), step)

    image = images

    def figure(self, tag: str, figure: Any, step: int) -> None:
        """A figure of matplotlib's, as a picture.

        Args:
            tag: the name.
            figure: a `matplotlib.figure.Figure`.
            step: the step.

        Raises:
            TypeError: for anything else.
        """
        canvas: Any = getattr(figure, "canvas", None)
        if not hasattr(canvas, "buffer_rgba"):
            raise shown_short(
                TypeError(
                    f"figure({tag!r}): expected a matplotlib Figure; got {type(figure).__name__}. For arrays: images()"
                )
            )
        canvas.draw()
        self.images(tag, numpy.asarray(canvas.buffer_rgba()), step)

    def audio(self, tag: str, samples: Any, step: int, sample_rate: int = 44100) -> None:
        """One sound or several under one tag, for the Audio tab.

        Args:
            tag: the name.
            samples: (frames,), (frames, channels) or (number, frames, channels) of numbers from -1 to 1; larger ones
                are cut.
            step: the step.
            sample_rate: frames per second.

        Raises:
            ValueError: for another shape or rate.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.audio("a", np.sin(np.arange(8000) / 8000 * 440 * 2 * np.pi), step=1, sample_rate=8000)
        """
        given = numpy.asarray(samples, dtype="float64")
        found = given[:, numpy.newaxis] if given.ndim == 1 else given
        found = found[numpy.newaxis] if found.ndim == 2 else found
        if found.ndim != 3 or not 1 <= found.shape[-1] <= 255:
            raise ValueError(
                "audio(): expected (frames,), (frames, channels) or (number, frames, channels) with 1 to 255 channels; "
                f"got {given.shape}"
            )
        if sample_rate < 1:
            raise ValueError(f"audio(sample_rate={sample_rate!r}): expected frames per second, 1 or more")
        self.sounds(tag, [written_wav(sound, int(sample_rate)) for sound in found], step)

    def hparams(self, settings: Mapping[str, Any], metrics: Mapping[str, float] | None = None) -> None:
        """What a run was made with and what came of it, for the HParams tab: once per run, or again with the same.

        Args:
            settings: numbers, texts and truth values by name; other objects by their `repr`.
            metrics: tags of scalars that the tab is to compare, and their values. These are written too: at the step
                that was written last of them, or 0.

        Raises:
            ValueError: when this run was said to be made with something else.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.hparams({"rate": 0.1, "units": 32}, {"accuracy": 0.9})
        """
        plain = {str(name): _setting(value) for name, value in settings.items()}
        if self._settings not in (None, plain):
            raise ValueError(
                f"hparams(): this run was made with {self._settings}; got {plain}. Each trial is a run of its own: "
                "viz.SummaryWriter(f'{log_dir}/trial-{number}')"
            )
        self._settings = plain
        values = {str(tag): float(value) for tag, value in (metrics or {}).items()}
        for made in self._protos.summaries.hparams(plain, values):
            self.add(self._protos.event.Event(summary=made), 0)
        for tag, value in values.items():  # an earlier step would have TensorBoard forget all later ones
            self.scalars({tag: value}, self.last_steps.get(tag, 0))

    def hparams_config(
        self, settings: Mapping[str, Any], metrics: Mapping[tuple[str, str], str] | Sequence[str] = ()
    ) -> None:
        """What the runs of a study may be made with, for the HParams tab: once, in the folder above those of the runs.

        Args:
            settings: a list of values by name, or a pair of the least and the largest number, or None.
            metrics: tags of scalars that runs are compared by; or what the tab is to call them by pairs of the run
                below a trial's folder and the tag.

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
        """What this run of a study is made with.

        Args:
            settings: as for `hparams`; None: nothing more is written than that the run has ended.
            has_ended: whether that is written.

        >>> import viz
        >>> with viz.SummaryWriter("study/run-2") as log:
        ...     log.hparams_session({"units": 64})
        """
        _, begins, ends = self._protos.summaries.hparams(
            {str(name): _setting(value) for name, value in (settings or {}).items()}, {}
        )
        for made in [*([] if settings is None else [begins]), *([ends] if has_ended else [])]:
            self.add(self._protos.event.Event(summary=made), 0)

    def pr_curve(self, tag: str, labels: Any, predictions: Any, step: int, thresholds: int = 127) -> None:
        """Precision and recall over thresholds, for the PR Curves tab.

        Args:
            tag: the name.
            labels: truth values or 0 and 1, of any shape.
            predictions: probabilities, of the same shape. Those that are not finite are left out.
            step: the step.
            thresholds: the number of thresholds.

        Raises:
            ValueError: when the shapes differ or there are fewer than two thresholds.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as log:
        ...     log.pr_curve("cats", labels=[1, 0, 1], predictions=[0.9, 0.2, 0.6], step=1)
        """
        truth, chance = (numpy.asarray(labels).reshape(-1), numpy.asarray(predictions, dtype="float64").reshape(-1))
        if truth.shape != chance.shape:
            raise ValueError(
                f"pr_curve(): as many labels as predictions are needed; got {truth.size} and {chance.size}"
            )
        if thresholds < 2:
            raise ValueError(f"pr_curve(thresholds={thresholds}): expected at least 2")
        kept = numpy.isfinite(chance)
        if not kept.any():
            return
        made = self._protos.summaries.pr_curve(
            tag, truth[kept].astype(bool), chance[kept].clip(0, 1), min(thresholds, 127)
        )
        self.add(self._protos.event.Event(summary=made), step)

    def embedding(
        self, name: str, vectors: Any, labels: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None
    ) -> None:
        """Points for the Projector tab.

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
        table = numpy.asarray(vectors, dtype="float64")
        if table.ndim != 2 or not table.size:
            raise ValueError(f"embedding({name!r}): expected vectors of shape (points, dimensions); got {table.shape}")
        stem = _file_name(name)
        entry = {"tensor_name": name, "tensor_path": f"{stem}.tsv"}
        if labels is not None:
            entry["metadata_path"] = f"{stem}-labels.tsv"
            _write_labels(self.log_dir / entry["metadata_path"], name, labels, len(table))
        numpy.savetxt(self.log_dir / entry["tensor_path"], numpy.nan_to_num(table), delimiter="\t", fmt="%.6g")
        config = self.log_dir / "projector_config.pbtxt"
        told = config.read_text(encoding="utf-8") if config.exists() else ""
        others = [block for block in _BLOCK.findall(told) if f"tensor_name: {_quoted(name)}\n" not in block]
        config.write_text("".join(others) + projector_config([entry]), encoding="utf-8")


def projector_config(entries: Sequence[Mapping[str, Any]]) -> str:
    """The file that tells TensorBoard's projector which tables there are.

    Args:
        entries: fields by name: texts, numbers, lists of them, and messages as mappings.
    """
    return "".join(["".join(line + "\n" for line in _lines("embeddings", entry)) for entry in entries])


_BLOCK = re.compile(r"^embeddings \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)


def _lines(field: str, value: Any) -> list[str]:
    """A field in protobuf's text format."""
    if isinstance(value, Mapping):
        inner = [f"  {line}" for name, each in value.items() for line in _lines(name, each)]
        return [f"{field} {{", *inner, "}"]
    if isinstance(value, list):
        return [line for each in value for line in _lines(field, each)]
    return [f"{field}: {_quoted(value) if isinstance(value, str) else value}"]


def _quoted(text: str) -> str:
    """A string of protobuf's text format, which are bytes with C's escapes."""
    plain = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join([plain.get(c, c) for c in text]) + '"'


def _write_labels(path: pathlib.Path, name: str, labels: Any, count: int) -> None:
    columns = dict(labels) if isinstance(labels, Mapping) else {"": list(labels)}
    for column, values in columns.items():
        if len(values) != count:
            which = f" {column!r}" if column else ""
            raise ValueError(f"embedding({name!r}): {count} points, but {len(values)} labels{which}")
    rows: list[list[str]] = [[re.sub(r"\s+", " ", str(v)) for v in row] for row in zip(*columns.values())]
    if len(columns) > 1:  # a table of one column has no heading, says the projector
        rows.insert(0, list(columns))
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\").writerows(rows)


def _setting(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float, numpy.number)):
        return float(value)
    return repr(value)[:200]


def _file_name(name: str) -> str:
    return "".join([c if c.isalnum() or c in "-_" else "_" for c in name])[:80] or "_"


def _as_pictures(pixels: Any, channels_first: bool) -> numpy.ndarray:
    """Bytes of shape (number, height, width, 1 to 4)."""
    given = numpy.asarray(pixels)
    found = given
    if found.ndim == 2:
        found = found[numpy.newaxis, :, :, numpy.newaxis]
    else:
        if found.ndim == 3:
            found = found[numpy.newaxis]
        found = numpy.moveaxis(found, 1, -1) if channels_first and found.ndim == 4 else found
    if found.ndim != 4 or (found.size and found.shape[-1] not in (1, 2, 3, 4)):
        raise ValueError(
            "images(): expected (height, width), (height, width, channels) or (number, height, width, channels), with "
            "1 to 4 channels"
            f"; got {given.shape}{_about_channels(given, channels_first)}"
        )
    if found.dtype.kind in "iu":  # of other integers, too, 255 is white; of a mask, 1
        white = 255 if found.dtype != numpy.uint8 and found.size and found.max() <= 1 else 1
        found = (found.clip(0, 255) * white).astype("uint8")
    elif found.dtype != numpy.uint8:
        if found.size and float(numpy.nanmax(found, initial=0.0)) > _BRIGHTEST:
            warnings.warn(
                "images(): numbers beyond 1 are cut off, and shown white; of pixels from 0 to 255 make bytes: "
                'pixels.astype("uint8")',
                stacklevel=4,
            )
        found = (numpy.nan_to_num(found.astype("float64"), nan=0.0).clip(0, 1) * 255).round().astype("uint8")
    return found


def _about_channels(given: numpy.ndarray, channels_first: bool) -> str:
    if channels_first:
        return " with channels first"
    is_first = given.ndim in (3, 4) and given.shape[-3] in (1, 2, 3, 4)
    return ". If these are channels, height and width, pass channels_first=True" if is_first else ""


_BRIGHTEST = 1.5  # a float that is a pixel of 0 to 1, with some noise


def check_installed() -> None:
    """Raise the ImportError that tells how to get what writing needs, when it is missing."""
    protos()
