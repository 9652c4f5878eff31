"""The methods of PyTorch's `SummaryWriter`: some of our own, the others as tensorboardX has them."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from eagerflow.base.output import write
from eagerflow.core.random import frozen
from viz.boundary import boundaries
from viz.export import histograms, hparams, tensorboard_graph
from viz.export.conceptual_graph import conceptual_of
from viz.export.event_protos import protos
from viz.export.tensorboard_events import EventLog, checked_tag, named, number_of, whole_step
from viz.frameworks.objects import is_tensor
from viz.recorder.capture import Options
from viz.recorder.model_inputs import symbolic_ends, zeros_for
from viz.recorder.record_builder import record_of

__all__ = ["PyTorchNames"]


@boundaries
class PyTorchNames(EventLog):
    """A run, and the runs below it. Steps are 0 where none is given."""

    def get_logdir(self) -> str:
        """The folder of the run."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Writes a number; see `scalar`.

        Args:
            tag: the name under which TensorBoard shows it.
            scalar_value: a number, or a tensor of one element.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
            new_style: accepted for PyTorch's signature.
            double_precision: accepted for PyTorch's signature.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     for step in range(3):
        ...         writer.add_scalar("loss", 1 / (step + 1), step)
        """
        checked_tag(tag, "add_scalar(tag, scalar_value, global_step)")
        self.value(global_step or 0, walltime, tag=tag, simple_value=number_of(tag, scalar_value))
        self.last_steps[tag] = whole_step(global_step or 0)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Writes several numbers that are shown in one chart; each curve is a run `<log_dir>/<main_tag>_<tag>`.

        Args:
            main_tag: the name of the chart.
            tag_scalar_dict: a dict of numbers by the names of their curves.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_scalars("loss", {"training": 0.5, "validation": 0.6}, 1)
        """
        checked_tag(main_tag, "add_scalars(main_tag, tag_scalar_dict, global_step)")
        given = named(tag_scalar_dict, f"add_scalars({main_tag!r})")
        when = time.time() if walltime is None else walltime
        for tag, value in given.items():
            log = self._below(f"{main_tag.replace('/', '_')}_{tag}")
            log.value(global_step or 0, when, tag=main_tag, simple_value=number_of(main_tag, value))

    def _below(self, name: str) -> EventLog:
        """The run of that name below this one."""
        if name not in self._others:
            folder = os.path.join(self.log_dir, name)
            self._others[name] = EventLog(folder, "log_dir", self._purge_step, self._flush_seconds, self._suffix)
        return self._others[name]

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Writes a histogram of a tensor's elements; see `histogram`.

        Args:
            tag: the name under which TensorBoard shows it.
            values: numbers of any shape.
            global_step: the number of the step.
            bins: the bins, as `numpy.histogram` accepts them; default: 30 of the same width.
            walltime: the time of the event, in seconds since 1970; default: now.
            max_bins: about how many bins of those there are at most; default: no limit.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_histogram("weights", np.arange(10.0), 0)
        """
        checked_tag(tag, "add_histogram(tag, values, global_step)")
        finite = self._finite(tag, values, global_step or 0, walltime)
        if finite.size and isinstance(bins, str) and bins == "tensorflow":
            self.value(global_step or 0, walltime, tag=tag, histo=histograms.even(finite))
        elif finite.size:
            self._tensorboardx.add_histogram(tag, finite, global_step, bins, walltime, max_bins)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """Writes the graph of a model for the Graphs tab: its layers, and the ops that one call of it runs.

        The model's variables aren't changed. (`viz.trace` records whole training steps.)

        Args:
            model: a model, a layer or a function.
            input_to_model: the argument of the call, or a tuple of several; default: zeros, if the model's input shape
                is known.
            verbose: whether to print the nodes.
            use_strict_trace: accepted for PyTorch's signature.

        Raises:
            TypeError: when `model` can't be called.
            ValueError: when there is no input and the model's input shape is unknown.

        >>> import viz
        >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_graph(model, np.zeros((1, 4)))
        """
        if not callable(model) or isinstance(model, type):
            raise TypeError(f"add_graph(model): expected a model, a layer or a function; got {type(model).__name__}")
        given = zeros_for(model, "add_graph(model, x)") if input_to_model is None else input_to_model
        is_several = isinstance(given, tuple) and (symbolic_ends(model) is None or len(given) == 1)
        arguments = given if is_several else (given,)  # a functional model takes all its inputs as one argument
        name = str(getattr(model, "name", getattr(model, "__name__", type(model).__name__)))
        with frozen():
            record = record_of(lambda: model(*arguments), Options(name, backward=False))
        if not record.ops:
            raise ValueError(f"add_graph(model): {name} ran no operation, so there is no graph to write")
        if (layers := conceptual_of(model)) is not None:
            self.model(layers)
        names = sorted(tensorboard_graph.append(record, self))
        if verbose:
            write("".join([f"{name}\n" for name in names]))

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Sequence[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Writes the hyperparameters and results of a trial for the HParams tab, as a separate run below this one.

        (`hparams` does so for this run itself.)

        Args:
            hparam_dict: a dict of hyperparameters: numbers, texts and bools by name.
            metric_dict: a dict of results by tag, which are also written as scalars of the trial.
            hparam_domain_discrete: a dict of all possible values of hyperparameters, by name.
            run_name: the name of the trial's run; default: the time.
            global_step: the number of the step of the scalars.

        Raises:
            TypeError: when these aren't dicts.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     for units in (16, 32):
        ...         writer.add_hparams({"units": units}, {"hparam/accuracy": 0.9})
        """
        settings = hparams.plain(named(hparam_dict, "add_hparams(hparam_dict)"))
        given = named(metric_dict, "add_hparams(metric_dict)")
        values = {str(tag): number_of(tag, value) for tag, value in given.items()}
        self._write_trial(run_name or str(time.time()), settings, values, global_step or 0, hparam_domain_discrete)

    def _write_trial(
        self,
        name: str,
        settings: Mapping[str, Any],
        metrics: Mapping[str, float],
        step: int = 0,
        values: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        log = EventLog(os.path.join(self.log_dir, name), filename_suffix=self._suffix)
        try:
            hparams.write_trial(log, settings, metrics, step, values)
        finally:
            log.close()

    # ------------------------------------------------------------------ tensorboardX' methods

    def _as_tensorboardx_has_it(self, name: str) -> Callable[..., None] | None:
        """A method `add_...` of tensorboardX' writer, which also takes tensors; None where it has no such."""
        method = getattr(self._tensorboardx, name, None) if name.startswith("add_") else None
        if method is None:
            return None
        return lambda *args, **kwargs: method(*map(_plain, args), **{key: _plain(x) for key, x in kwargs.items()})

    @functools.cached_property
    def _tensorboardx(self) -> Any:
        """tensorboardX' writer, which writes to this log."""
        into = _Into(self)

        class Writer(protos().writer.SummaryWriter):  # type: ignore[misc]
            def _get_file_writer(self) -> _Into:
                self.file_writer = into
                return into

        return Writer(self.log_dir)


class _Into:
    """Takes what tensorboardX' writer gives to its file."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def get_logdir(self) -> Any:
        return self._log.log_dir

    def add_summary(self, summary: Any, global_step: int | None = None, walltime: float | None = None) -> None:
        self._log.add(protos().event.Event(summary=summary), global_step or 0, walltime)

    def add_onnx_graph(self, graph: Any, walltime: float | None = None) -> None:
        self._log.graph(graph)


def _plain(given: Any) -> Any:
    """Tensors as arrays of NumPy's, also in lists."""
    if isinstance(given, (list, tuple)):
        return type(given)(map(_plain, given))
    return numpy.asarray(given) if is_tensor(given) else given
