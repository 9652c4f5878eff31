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
        """What a trial was made with and what came of it, for the HParams tab: a run of its own below this one.

        `hparams` tells the same of this run itself.

        Args:
            hparam_dict: numbers, texts and truth values by name.
            metric_dict: numbers by tag, which are written as scalars of the trial, too.
            hparam_domain_discrete: all values that a setting may have, by name.
            run_name: what the trial's run is called; default: the time.
            global_step: the step of the scalars.

        Raises:
            TypeError: when these are no dicts.

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
        """Which curves the Custom Scalars tab shows in one chart: once, before or after they are written.

        Args:
            layout: by category, charts by title: `["Multiline", tags]`, or `["Margin", [value, lower, upper]]`. Tags
                may be regular expressions.

        Raises:
            ValueError: for another kind of chart, or another number of tags of a margin.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_custom_scalars({"losses": {"both": ["Multiline", ["loss/train", "loss/val"]]}})
        """
        self.add(self._protos.event.Event(summary=custom_scalars.summary(layout)), 0)

    def add_custom_scalars_multilinechart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """One chart of several curves for the Custom Scalars tab.

        Args:
            tags: those of the scalars.
            category: the heading.
            title: of the chart.
        """
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(
        self, tags: Sequence[str], category: str = "default", title: str = "untitled"
    ) -> None:
        """One chart of a curve and the band around it, for the Custom Scalars tab.

        Args:
            tags: those of the value, the lower and the upper end.
            category: the heading.
            title: of the chart.

        Raises:
            ValueError: for another number of tags.
        """
        self.add_custom_scalars({category: {title: ["Margin", tags]}})
