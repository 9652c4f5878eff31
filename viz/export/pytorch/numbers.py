"""Numbers and distributions: `add_scalar`, `add_histogram`, `add_pr_curve` and the like."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy

from viz.boundary import boundaries
from viz.export.pytorch.run import Run
from viz.export.tensorboard_events import as_array, checked_tag, named, number_of, whole_step
from viz.export.values import histograms
from viz.export.values.tensor_messages import tensor_message

__all__ = ["Numbers"]


@boundaries
class Numbers(Run):
    """Numbers by PyTorch's names. Steps are 0 where none is given."""

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
            new_style: whether to write it as a tensor, as TensorFlow 2 does.
            double_precision: with `new_style`, whether that tensor is float64.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     for step in range(3):
        ...         writer.add_scalar("loss", 1 / (step + 1), step)
        """
        checked_tag(tag, "add_scalar(tag, scalar_value, global_step)")
        number = number_of(tag, scalar_value, double=new_style and double_precision)
        step = global_step or 0
        if new_style:
            told = tensor_message(numpy.asarray(number, "float64" if double_precision else "float32"))
            self.value(step, walltime, tag=tag, tensor=told, metadata=self._for_tab("scalars"))
        else:
            self.value(step, walltime, tag=tag, simple_value=number)
        self.last_steps[tag] = whole_step(step)

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

    def add_tensor(self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None) -> None:
        """Writes a whole tensor, for programs that read the file; TensorBoard doesn't show it.

        Args:
            tag: the name under which TensorBoard shows it.
            tensor: numbers of any shape.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
        """
        checked_tag(tag, "add_tensor(tag, tensor, global_step)")
        told = tensor_message(as_array(tensor, f"add_tensor({tag!r})"))
        self.value(global_step or 0, walltime, tag=tag, tensor=told, metadata=self._for_tab("tensor"))

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
            bins: the bins: `"tensorflow"`, or any value that `numpy.histogram` accepts.
            walltime: the time of the event, in seconds since 1970; default: now.
            max_bins: the largest number of bins; default: no limit.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_histogram("weights", np.arange(10.0), 0)
        """
        checked_tag(tag, "add_histogram(tag, values, global_step)")
        finite = self._finite(tag, values, global_step or 0, walltime)
        if finite.size:
            self.value(global_step or 0, walltime, tag=tag, histo=histograms.binned(finite, bins, max_bins))

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Writes a histogram that was computed elsewhere.

        Args:
            tag: the name under which TensorBoard shows it.
            min: the smallest value.
            max: the largest value.
            num: the number of values.
            sum: the sum of the values.
            sum_squares: the sum of their squares.
            bucket_limits: the upper edges of the bins.
            bucket_counts: the number of values in each bin.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.

        Raises:
            ValueError: for fewer edges than counts, or more.
        """
        checked_tag(tag, "add_histogram_raw(tag, min, max, ...)")
        limits, counts = (
            as_array(each, f"add_histogram_raw({tag!r})").astype("float64").tolist()
            for each in (bucket_limits, bucket_counts)
        )
        if len(limits) != len(counts):
            raise ValueError(
                f"add_histogram_raw({tag!r}): {len(limits)} bucket_limits, but {len(counts)} bucket_counts. Limits are "
                "the upper edges: of what numpy.histogram gives, edges[1:]"
            )
        made = histograms.told(float(min), float(max), float(num), float(sum), float(sum_squares), limits, counts)
        self.value(global_step or 0, walltime, tag=tag, histo=made)

    def _write_pr_curve(
        self,
        call: str,
        tag: str,
        labels: Any,
        predictions: Any,
        thresholds: int,
        weights: Any,
        step: int,
        walltime: float | None = None,
    ) -> None:
        truth, chance = (as_array(each, f"{call}({tag!r})").reshape(-1) for each in (labels, predictions))
        chance = chance.astype("float64")
        if truth.shape != chance.shape:
            raise ValueError(f"{call}(): as many labels as predictions are needed; got {truth.size} and {chance.size}")
        if thresholds < 2:
            raise ValueError(f"{call}(thresholds={thresholds}): expected at least 2")
        kept = numpy.isfinite(chance)
        if not kept.any():
            return
        weighed = None if weights is None else numpy.broadcast_to(as_array(weights).reshape(-1), truth.shape)[kept]
        made = self._protos.summaries.pr_curve(
            tag, truth[kept].astype(bool), chance[kept].clip(0, 1), min(thresholds, 127), weighed
        )
        self.add(self._protos.event.Event(summary=made), step, walltime)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Writes a precision-recall curve; see `pr_curve`.

        Args:
            tag: the name under which TensorBoard shows it.
            labels: bools, or 0 and 1.
            predictions: probabilities, as many as labels.
            global_step: the number of the step.
            num_thresholds: the number of thresholds, at most 127.
            weights: the weight of each prediction; default: 1.
            walltime: the time of the event, in seconds since 1970; default: now.
        """
        checked_tag(tag, "add_pr_curve(tag, labels, predictions, global_step)")
        self._write_pr_curve(
            "add_pr_curve", tag, labels, predictions, num_thresholds, weights, global_step or 0, walltime
        )

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Writes a precision-recall curve that was computed elsewhere, with one value per threshold from 0 to 1.

        Args:
            tag: the name under which TensorBoard shows it.
            true_positive_counts: the numbers of true positives.
            false_positive_counts: the numbers of false positives.
            true_negative_counts: the numbers of true negatives.
            false_negative_counts: the numbers of false negatives.
            precision: the precisions.
            recall: the recalls.
            global_step: the number of the step.
            num_thresholds: the number of thresholds.
            weights: accepted for PyTorch's signature; the counts contain them already.
            walltime: the time of the event, in seconds since 1970; default: now.

        Raises:
            ValueError: when they don't all have the same length.
        """
        checked_tag(tag, "add_pr_curve_raw(tag, true_positive_counts, ...)")
        counts = (true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts)
        given = [as_array(each, f"add_pr_curve_raw({tag!r})").reshape(-1) for each in (*counts, precision, recall)]
        lengths = sorted({len(each) for each in given})
        if len(lengths) > 1:
            raise ValueError(f"add_pr_curve_raw({tag!r}): expected numbers of one length; got {lengths}")
        made = self._protos.summaries.pr_curve_raw(tag, *given, num_thresholds, weights)
        self.add(self._protos.event.Event(summary=made), global_step or 0, walltime)
