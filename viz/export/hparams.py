"""What TensorBoard's HParams tab reads of a study: which settings there are, and what its runs are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from viz.export.tensorboard_events import protos

__all__ = ["experiment"]

_TAG = "_hparams_/experiment"


def experiment(settings: Mapping[str, Any], metrics: Mapping[tuple[str, str], str]) -> Any:
    """The `Summary` that tells of a study.

    Args:
        settings: by name a list of values, a pair of the least and the largest number, or None.
        metrics: what the tab calls a scalar, by pairs of the run below a trial's folder and the tag.

    Raises:
        ImportError: without tensorboardX.
        TypeError: for values that are neither numbers, texts nor truth values.
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
