"""Callbacks of `fit` that record: `TensorBoard`, with Keras' arguments, runs and tags; and `Trace`."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import time
import warnings
from collections.abc import Collection, Iterable
from typing import Any

import numpy

from eagerflow.callbacks import Callback
from viz.export import tensorboard_graph
from viz.export.conceptual_graph import conceptual_of
from viz.export.projector_files import file_name, projector_config, write_points
from viz.export.summary_writer import SummaryWriter
from viz.export.tensorboard_events import make_folder
from viz.facts import formatting
from viz.facts.schema import Logs
from viz.recorder.capture import Options
from viz.recorder.loops.reported import single_numbers
from viz.recorder.steps import checked_steps
from viz.recording import Recording
from viz.tracer import Tracer, trace

__all__ = ["TensorBoard", "Trace"]


class TensorBoard(Callback):
    """Writes logs for TensorBoard, in the folders and under the tags that Keras uses.

    Runs are `<log_dir>/train` and `<log_dir>/validation`. Tags: `epoch_<metric>` and `epoch_learning_rate` by epoch,
    `batch_<metric>` by batch, `evaluation_<metric>_vs_iterations`, `<weight's path>/histogram` and `/image`, the
    layers of a `Sequential` or functional model (`keras`) and the ops of one training step in the Graphs tab. Look with
    `tensorboard --logdir <log_dir>`. In a training that is resumed, the numbers of batches go on from the optimizer's
    `iterations`.

    Args:
        log_dir: the folder for the logs.
        histogram_freq: write histograms of all weights every this many epochs; 0: never.
        write_graph: whether to write the graph of the model's layers, and that of the ops of the second training step.
        write_images: whether to write kernels as pictures, too, where histograms are written.
        write_steps_per_second: whether to write the speed of each epoch, and of batches as `update_freq` says.
        update_freq: `"batch"`, `"epoch"`, or a number of batches between `batch_...` numbers.
        profile_batch: the number of a batch of this `fit` (from 1), or a first and a last one (`(5, 10)` or `"5,10"`),
            of which compute times and memory are written for the Graphs tab; 0: none.
        embeddings_freq: write the weights of embedding layers for the projector every this many epochs; 0: never.
        embeddings_metadata: a file with the names of the rows, or a dict of such files by layer name; paths are
            relative to `log_dir` or to the current folder.

    Raises:
        TypeError: for a `log_dir` that is no path.
        ValueError: for another argument out of range.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> from pathlib import Path
    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> board = ef.callbacks.TensorBoard("logs")
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), validation_split=0.5, verbose=0, callbacks=board)
    >>> sorted(path.name for path in Path("logs").iterdir())
    ['train', 'validation']
    """

    _writes = True  # where ranks train together, one of them does

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | tuple[int, int] | str = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(log_dir, (str, os.PathLike)):
            raise TypeError(f"TensorBoard(log_dir={log_dir!r:.60}): expected a folder; got {type(log_dir).__name__}")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._profiled = _batches(profile_batch)
        if self.update_freq != "epoch" and (not isinstance(self.update_freq, int) or self.update_freq < 1):
            near = formatting.nearest(update_freq, ("batch", "epoch")) if isinstance(update_freq, str) else ""
            raise ValueError(
                f"TensorBoard(update_freq={update_freq!r}): expected 'batch', 'epoch' or a number ≥ 1{near}"
            )
        for name, value in (("histogram_freq", histogram_freq), ("embeddings_freq", embeddings_freq)):
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"TensorBoard({name}={value!r}): expected a whole number of epochs; 0 writes none")
        self._logs: dict[str, SummaryWriter] = {}
        self._batch = self._before = self._epoch = 0  # batches of this `fit`, and before it; and the epoch
        self._told: set[str] = set()  # the names of arrays
        self._tracer: Tracer | None = None
        self._traced_from = 0  # the number of the first batch of what is recorded
        self._has_profiled = False
        self._wrote_model: Any = None  # whose layers were written last
        self._drawn: Collection[str] | None = None  # the names in the graph that was written
        self._epoch_batch = 0
        self._epoch_began = self._batch_began = 0.0

    # ------------------------------------------------------------------ files

    @property
    def train_dir(self) -> str:
        """The folder of the training run.

        >>> from pathlib import Path
        >>> Path(ef.callbacks.TensorBoard("logs").train_dir).name
        'train'
        """
        return os.path.join(self.log_dir, "train")

    @property
    def validation_dir(self) -> str:
        """The folder of the validation run.

        >>> from pathlib import Path
        >>> Path(ef.callbacks.TensorBoard("logs").validation_dir).name
        'validation'
        """
        return os.path.join(self.log_dir, "validation")

    @property
    def _training(self) -> None:
        """The `fit` that runs puts itself here, and None when it is over, however it ends."""

    @_training.setter
    def _training(self, fit: Any) -> None:
        is_open = bool(self._logs) or self._tracer is not None
        if fit is None and is_open:  # it broke off: else `on_train_end` has closed them
            self._end_trace()
            self._close()

    @property
    def _step(self) -> int:
        """The number of the batch, counted on from where the training was resumed."""
        return self._before + self._batch

    def _log(self, run: str) -> SummaryWriter:
        if run not in self._logs:
            self._logs[run] = SummaryWriter(os.path.join(self.log_dir, run))
        return self._logs[run]

    def _close(self) -> None:
        for log in self._logs.values():
            log.close()
        self._logs.clear()

    # ------------------------------------------------------------------ what happens

    def on_train_begin(self, logs: Any = None) -> None:
        self._batch = self._before = 0
        if not os.path.isdir(self.train_dir):  # somebody removed it since the last `fit`, with its graph
            self._wrote_model = self._drawn = None
        make_folder(self.train_dir, f"TensorBoard(log_dir={self.log_dir!r})")  # an error, before any batch runs
        if self.embeddings_freq:
            self._check_embeddings()

    def on_train_end(self, logs: Any = None) -> None:
        self._end_trace()
        if self._profiled and not self._has_profiled:
            warnings.warn(
                f"TensorBoard(profile_batch={min(self._profiled)}): nothing was profiled, since fit ended after "
                f"{self._batch} batches",
                stacklevel=2,
            )
        self._has_profiled = False
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._epoch_batch, self._epoch_began = epoch, self._batch, time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self._batch:
            self._before = self._done_before(batch)
        self._batch += 1
        self._batch_began = time.perf_counter()
        is_wanted = self._batch in self._profiled
        is_wanted |= self.write_graph and self._batch == 2 and not self._profiled  # the first also builds layers
        if is_wanted and self._tracer is None:
            self._tracer = Tracer(Options(name=f"batch {self._batch}"), crashed=lambda error: self._end_trace())
            self._recording, self._traced_from = self._tracer.__enter__(), self._step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        took = time.perf_counter() - self._batch_began
        if self._batch + 1 not in self._profiled:  # else it goes on: in the first step, a recording costs most
            self._end_trace()
        if self.write_graph and self._wrote_model is not self.model:
            self._wrote_model = self.model
            if (layers := conceptual_of(self.model)) is not None:
                self._log("train").model(layers)
        if isinstance(self.update_freq, int) and self._step % self.update_freq == 0:
            values = {f"batch_{name}": value for name, value in self._curves(logs).items()}
            if self.write_steps_per_second:
                values["batch_steps_per_second"] = 1 / took if took else 0.0
            self._log("train").scalars(values, self._step)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs = self._curves(logs)
        train = {f"epoch_{name}": value for name, value in logs.items() if not name.startswith("val_")}
        validation = {f"epoch_{name[4:]}": value for name, value in logs.items() if name.startswith("val_")}
        if (rate := _of_optimizer(self.model, "learning_rate")) is not None:
            train["epoch_learning_rate"] = float(rate)
        if self.write_steps_per_second:
            elapsed = time.perf_counter() - self._epoch_began
            train["epoch_steps_per_second"] = (self._batch - self._epoch_batch) / elapsed if elapsed else 0.0
        for run, values in (("train", train), ("validation", validation)):
            if values:
                self._log(run).scalars(values, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)
        for log in self._logs.values():
            log.flush()

    def _curves(self, logs: Any) -> dict[str, float]:
        """What is reported and has a curve: single numbers. Arrays, which a step of one's own may return, have none."""
        numbers = single_numbers(logs or {})
        for name in (logs or {}).keys() - numbers.keys() - self._told:
            self._told.add(name)
            shape = numpy.shape(logs[name])
            warnings.warn(
                f"TensorBoard: {name!r} has no curve, as it is no number, but an array of shape {shape}: return its "
                "mean, or each number under a name of its own",
                stacklevel=2,
            )
        return numbers

    def _done_before(self, batch: int) -> int:
        """How many batches ran before the first one of this `fit`, which may go on with a training.

        Optimizers know only of their updates: those of several batches, or, of a GAN's own `train_step`, none.
        """
        steps = (self.params or {}).get("steps") or 0
        return max(_iterations(self.model), self._epoch * steps + batch)

    def show_measured(self, values: dict[str, float], words: str) -> None:
        """Writes what another callback, such as `Cockpit`, measured at this step.

        Args:
            values: numbers by tag.
            words: a text, written under `cockpit/advice`.
        """
        log = self._log("train")
        log.scalars(values, self._step)
        log.text("cockpit/advice", words, self._step)

    def on_test_begin(self, logs: Any = None) -> None:
        self._end_trace()  # which is of training

    def on_test_end(self, logs: Any = None) -> None:
        values = {f"evaluation_{name}_vs_iterations": value for name, value in self._curves(logs).items()}
        if values:
            self._log("validation").scalars(values, _iterations(self.model) or self._step)
        if not self._batch:  # evaluate() by itself: nobody will say that training has ended
            self._close()

    # ------------------------------------------------------------------ what is written

    def _end_trace(self) -> None:
        """Write the ops of the batch that is being traced."""
        if self._tracer is None:
            return
        tracer, self._tracer = self._tracer, None
        tracer.__exit__()
        if self._recording.ops:
            self._has_profiled = True
            first = self._traced_from
            self._drawn = tensorboard_graph.append(self._recording, self._log("train"), first, self._drawn)

    def _write_weights(self, epoch: int) -> None:
        log = self._log("train")
        for weight in self.model.weights:
            values = weight.numpy()
            path = weight.path.replace(":", "_")
            log.histogram(f"{path}/histogram", values, epoch)
            if self.write_images:
                pictures = _pictures(values)
                if pictures:
                    log.pictures(f"{path}/image", pictures, epoch)
        log.flush()

    def _write_embeddings(self, epoch: int) -> None:
        """The weights as Keras names their file, and the tables and the file that TensorBoard's projector reads."""
        folder = pathlib.Path(self.train_dir)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_weights(folder / f"keras_embedding.ckpt-{epoch}.weights.h5")
        entries = []
        for layer in self._embedding_layers():
            name = f"{file_name(layer.name)}-embedding-{epoch}.tsv"
            write_points(folder / name, layer.embeddings.numpy())
            entry = {"tensor_name": f"{layer.path}/embeddings", "tensor_path": name}
            metadata = self._metadata_of(layer, folder)
            entries.append({**entry, "metadata_path": metadata} if metadata else entry)
        # Keras writes it beside the runs, where TensorBoard looks if it is given that very folder, and else in runs.
        beside = [{k: f"train/{v}" if k.endswith("_path") else v for k, v in entry.items()} for entry in entries]
        for place, told in ((pathlib.Path(self.log_dir), beside), (folder, entries)):
            (place / "projector_config.pbtxt").write_text(projector_config(told), encoding="utf-8")

    def _metadata_of(self, layer: Any, folder: pathlib.Path) -> str | None:
        """The name of the file with the names of a layer's rows, copied to the run: TensorBoard reads no other.

        It is meant as seen from the log folder, as Keras has it, or else from where the program runs.
        """
        given = self.embeddings_metadata
        given = given.get(layer.name) if isinstance(given, dict) else given
        if not given:
            return None
        found = next(
            (path for path in (pathlib.Path(self.log_dir, given), pathlib.Path(given)) if path.is_file()), None
        )
        if found is None:
            warnings.warn(
                f"TensorBoard(embeddings_metadata=...): there is no file {str(given)!r}, neither in {self.log_dir} nor "
                "here, so the rows have no names",
                stacklevel=2,
            )
            return None
        name = f"{file_name(layer.name)}-{found.name}"
        shutil.copyfile(found, folder / name)
        return name

    def _embedding_layers(self) -> list[Any]:
        return [layer for layer in self.model.layers if type(layer).__name__ == "Embedding"]

    def _check_embeddings(self) -> None:
        """Refuse names that are no embedding layer's before any training is done."""
        if isinstance(self.embeddings_metadata, dict):
            known = [layer.name for layer in self._embedding_layers()]
            for name in self.embeddings_metadata:
                if name not in known:
                    raise ValueError(
                        f"TensorBoard(embeddings_metadata=...): the model has no Embedding layer {name!r}; "
                        f"it has {', '.join(map(repr, known)) or 'none'}{formatting.nearest(name, known)}"
                    )


class Trace(Callback):
    """Records chosen training steps of `fit`, to be drawn and measured with viz.

    Args:
        steps: a step or several, counted from 0 over all epochs.
        folder: where to write each as `step_<n>.efz` and `step_<n>.svg`; None: nowhere.
        **options: as for `viz.trace`: `backward`, `stats`, `time`, `memory`, `source`, `max_ops`, `values`.

    Attributes:
        recordings: the `Recording` of each step that ran, by number.

    Raises:
        TypeError: for an unknown option, or steps that are no whole numbers.
        ValueError: for an option out of range.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> trace = ef.callbacks.Trace(steps=[1, 3])
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), batch_size=2, verbose=0, callbacks=trace)
    >>> {number: len(recording.find(phase="backward")) > 0 for number, recording in trace.recordings.items()}
    {1: True, 3: True}
    """

    _writes = True

    def __init__(
        self, steps: int | Iterable[int] = (1,), folder: str | os.PathLike[str] | None = None, **options: Any
    ) -> None:
        super().__init__()
        self.steps = checked_steps("Trace(steps=...)", steps)
        self.folder = None if folder is None else pathlib.Path(folder)
        self.recordings: dict[int, Recording] = {}
        self._options = _trace_options(options)
        self._step = -1
        self._tracer: Tracer | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._step = -1

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        if self._step in self.steps:
            options = self._options._replace(name=f"step {self._step}")
            self._tracer = Tracer(options, crashed=lambda error: self._end())
            self.recordings[self._step] = self._tracer.__enter__()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._end(batch, logs)

    def _end(self, batch: int = 0, logs: dict[str, float] | None = None) -> None:
        if self._tracer is None:
            return
        tracer, self._tracer = self._tracer, None
        tracer.__exit__()
        recording = self.recordings[self._step]
        if logs and not recording.logs:  # of `fit`, which announces them when callbacks have been called: too late
            time = recording.steps[-1].end if recording.steps else None
            recording.logs.append(Logs("batch", batch, single_numbers(logs), time))
        if self.folder is not None and recording.ops:  # of a step that failed before its first op there is nothing
            self.folder.mkdir(parents=True, exist_ok=True)
            recording.save(self.folder / f"step_{self._step}.efz")
            recording.draw(self.folder / f"step_{self._step}.svg")


def _trace_options(options: dict[str, Any]) -> Options:
    """The options of `viz.trace`, checked as it does."""
    known = ("backward", "stats", "time", "memory", "source", "max_ops", "values")
    for name in options:
        if name not in known:
            raise TypeError(f"Trace({name}=...): no such option{formatting.nearest(name, known)}")
    return trace(None, **options).options


def _batches(profile_batch: Any) -> frozenset[int]:
    """The batches to profile, counted from 1."""
    if isinstance(profile_batch, str) and re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)?", profile_batch):
        numbers = [int(number) for number in profile_batch.split(",")]  # TensorFlow's way to write a pair
        profile_batch = numbers if len(numbers) == 2 else numbers[0]
    if isinstance(profile_batch, int):
        first = last = profile_batch
    elif isinstance(profile_batch, (tuple, list)) and len(profile_batch) == 2:
        first, last = profile_batch
    else:
        raise ValueError(f"TensorBoard(profile_batch={profile_batch!r}): expected a batch or a pair of batches")
    if first < 0 or last < first:
        raise ValueError(f"TensorBoard(profile_batch={profile_batch!r}): expected 0 ≤ first ≤ last")
    return frozenset(range(max(first, 1), last + 1))


def _of_optimizer(model: Any, name: str) -> Any:
    """What a model's optimizer has under a name; None without one."""
    return getattr(getattr(model, "optimizer", None), name, None)


def _iterations(model: Any) -> int:
    """How many updates the optimizer has made; 0 where it can't say."""
    iterations = _of_optimizer(model, "iterations")
    return 0 if iterations is None else int(iterations)


def _pictures(values: numpy.ndarray) -> list[numpy.ndarray]:
    """A weight as up to three pictures of bytes; none for more than three dimensions."""
    values = numpy.squeeze(values)
    if values.ndim == 1:
        values = values[numpy.newaxis, :]
    elif values.ndim == 2 and values.shape[0] > values.shape[1]:
        values = values.T
    elif values.ndim == 3:
        values = values.transpose(2, 0, 1)
    if values.ndim not in (2, 3) or not values.size:
        return []
    finite = values[numpy.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    scaled = (numpy.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / ((high - low) or 1.0)
    pixels = (scaled * 255).round().astype(numpy.uint8)[..., numpy.newaxis]
    return list(pixels[:3]) if pixels.ndim == 4 else [pixels]  # three, as Keras
