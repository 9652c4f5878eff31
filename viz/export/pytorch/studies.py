"""Trials of a study, and charts of several curves: `add_hparams`, `add_custom_scalars` and the like."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from viz.boundary import boundaries
from viz.export import hparams
from viz.export.pytorch.run import Run
from viz.export.tensorboard_events import EventLog, named, number_of
from viz.export.values import custom_scalars

__all__ = ["Studies"]


@boundaries
class Studies(Run):
    """Trials and charts by PyTorch's names."""

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
        name = run_name or str(time.time())
        self._write_trial(name, settings, values, global_step or 0, hparam_domain_discrete)

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

    def add_custom_scalars(self, layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        """Defines the charts of the Custom Scalars tab, which show several curves each. To be called once per run.

        Args:
            layout: a dict of categories, each a dict of charts by title: `["Multiline", tags]`, or
                `["Margin", [value, lower, upper]]`. Tags may be regular expressions.

        Raises:
            ValueError: for another kind of chart, or a margin chart without three tags.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_custom_scalars({"losses": {"both": ["Multiline", ["loss/train", "loss/val"]]}})
        """
        self.add(self._protos.event.Event(summary=custom_scalars.summary(layout)), 0)

    def add_custom_scalars_multilinechart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Defines one chart of the Custom Scalars tab with several curves.

        Args:
            tags: the tags of the curves.
            category: the heading above the chart.
            title: the title of the chart.
        """
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """Defines one chart of the Custom Scalars tab with a curve and a band around it.

        Args:
            tags: the tags of the value, of the lower and of the upper end of the band.
            category: the heading above the chart.
            title: the title of the chart.

        Raises:
            ValueError: for another number of tags.
        """
        self.add_custom_scalars({category: {title: ["Margin", tags]}})
