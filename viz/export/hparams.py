"""What TensorBoard's HParams tab reads of a study: which settings there are, and what its runs are compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from viz.export.event_protos import protos
from viz.export.tensorboard_events import EventLog

__all__ = ["experiment", "plain", "write_trial"]

_TAG = "_hparams_/experiment"


def experiment(settings: Mapping[str, Any], metrics: Mapping[tuple[str, str], str]) -> Any:
    """The `Summary` that tells of a study.

    Args:
        settings: by name a list of values, a pair of the least and the largest number, or None.
        metrics: what the tab calls a scalar, by pairs of the run below a trial's folder and the tag.
    """
    proto = protos()
    made = proto.api.Experiment()
    for name, values in settings.items():
        info = made.hparam_infos.add(name=str(name))
        if isinstance(values, tuple):
            info.domain_interval.min_value, info.domain_interval.max_value = map(float, values)
            info.type = proto.api.DATA_TYPE_FLOAT64
        elif values is not None:
            info.type = getattr(proto.api, _kind(name, values))
            info.domain_discrete.extend(list(values))
    for (group, tag), shown in metrics.items():
        made.metric_infos.add(name=proto.api.MetricName(group=group, tag=tag), display_name=shown)
    content = proto.hparams.HParamsPluginData(experiment=made, version=0)
    about = proto.summary.SummaryMetadata.PluginData(plugin_name="hparams", content=content.SerializeToString())
    value = proto.summary.Summary.Value(tag=_TAG, metadata=proto.summary.SummaryMetadata(plugin_data=about))
    return proto.summary.Summary(value=[value])


def _kind(name: str, values: Any) -> str:
    for kind, told in ((bool, "BOOL"), (str, "STRING"), ((int, float), "FLOAT64")):
        if all(isinstance(value, kind) for value in values):
            return f"DATA_TYPE_{told}"
    raise TypeError(
        f"hparams_config({name!r}): expected numbers, texts or truth values, all of one kind; got {values!r:.80}"
    )


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as numbers, texts and truth values; other objects by their `repr`, and None not at all."""
    return {str(name): _setting(value) for name, value in settings.items() if value is not None}


def _setting(value: Any) -> Any:
    if isinstance(value, numpy.bool_):
        return bool(value)
    if isinstance(value, (bool, str)):
        return value
    is_single = getattr(value, "shape", None) == () and hasattr(value, "__float__")  # a tensor, or NumPy's number
    if isinstance(value, (int, float)) or is_single:
        return float(value)
    return repr(value)[:200]


def write_trial(
    log: EventLog,
    settings: Mapping[str, Any],
    metrics: Mapping[str, float],
    step: int | None = None,
    values: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Write what a run was made with and what came of it."""
    begins = protos().summaries.hparams(dict(settings), dict(metrics))
    if not metrics and not values:
        # Told of no metrics, the tab would show none; untold, it shows all that the run has, the callback's, too.
        begins = begins[1:]
    if values:
        begins = (_with_values(begins[0], values), *begins[1:])
    for made in begins:
        log.add(protos().event.Event(summary=made), step or 0)
    for tag, value in metrics.items():  # an earlier step would have TensorBoard forget all later ones
        log.scalars({tag: value}, log.last_steps.get(tag, 0) if step is None else step)


def _with_values(made: Any, values: Mapping[str, Sequence[Any]]) -> Any:
    """The `Summary` of an experiment in which the values of settings are told."""
    about = made.value[0].metadata.plugin_data
    content = protos().hparams.HParamsPluginData.FromString(about.content)
    for info in content.experiment.hparam_infos:
        info.domain_discrete.extend(list(values.get(info.name, ())))
    about.content = content.SerializeToString()
    return made
