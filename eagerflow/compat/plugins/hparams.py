"""`from tensorboard.plugins.hparams import api as hp`: what a study tries, and what each of its runs was made with."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Mapping
from typing import Any

from eagerflow import _viz
from eagerflow.callbacks import Callback
from eagerflow.compat.tensorflow.summaries import summary

__all__ = ["Discrete", "Domain", "HParam", "IntInterval", "KerasCallback", "Metric", "RealInterval", "hparams"]
__all__ += ["hparams_config"]


class Domain:
    """What values a setting may have."""

    dtype: type = object

    def told(self) -> Any:
        """The same for `viz.SummaryWriter.hparams_config`."""
        raise NotImplementedError

    def sample_uniform(self, rng: Any = random) -> Any:
        """One of the values, by chance.

        Args:
            rng: a `random.Random`.
        """
        raise NotImplementedError


class _Interval(Domain):
    """All numbers from one to another.

    Args:
        min_value: the least.
        max_value: the largest.

    Raises:
        TypeError: for numbers of another kind.
        ValueError: when the least is larger than the largest.
    """

    def __init__(self, min_value: Any = None, max_value: Any = None) -> None:
        for name, value in (("min_value", min_value), ("max_value", max_value)):
            if not isinstance(value, self.dtype):
                wanted = self.dtype.__name__
                raise TypeError(
                    f"{type(self).__name__}({name}={value!r}): expected {wanted}; got {type(value).__name__}"
                )
        if min_value > max_value:
            raise ValueError(
                f"{type(self).__name__}({min_value!r}, {max_value!r}): the first is larger than the second"
            )
        self.min_value, self.max_value = min_value, max_value

    def told(self) -> tuple[Any, Any]:
        return self.min_value, self.max_value


class IntInterval(_Interval):
    """All whole numbers from one to another, both counted in; arguments as those of `RealInterval`."""

    dtype = int

    def sample_uniform(self, rng: Any = random) -> int:
        return int(rng.randint(self.min_value, self.max_value))


class RealInterval(_Interval):
    """All numbers from one to another.

    Args:
        min_value: the least, a float.
        max_value: the largest.

    Raises:
        TypeError: for numbers of another kind.
        ValueError: when the least is larger than the largest.
    """

    dtype = float

    def sample_uniform(self, rng: Any = random) -> float:
        return float(rng.uniform(self.min_value, self.max_value))


class Discrete(Domain):
    """Some values.

    Args:
        values: numbers, texts or truth values, all of one kind.
        dtype: that kind; default: that of the first.

    Raises:
        ValueError: without values and without a kind.
        TypeError: for values of several kinds.
    """

    def __init__(self, values: Iterable[Any], dtype: type | None = None) -> None:
        found = list(values)
        if not found and dtype is None:
            raise ValueError("Discrete([]): expected values, or dtype=...")
        self.dtype = dtype or type(found[0])
        for value in found:
            if not isinstance(value, self.dtype):
                raise TypeError(f"Discrete: expected values of {self.dtype.__name__}; got {value!r}")
        self.values = sorted(found)

    def told(self) -> list[Any]:
        return self.values

    def sample_uniform(self, rng: Any = random) -> Any:
        return rng.choice(self.values)


class HParam:
    """A setting that runs of a study differ in.

    Args:
        name: its name.
        domain: what values it may have, None: any.
        display_name: accepted for TensorBoard's signature.
        description: likewise.
    """

    def __init__(
        self, name: str, domain: Domain | None = None, display_name: str | None = None, description: str | None = None
    ) -> None:
        self.name, self.domain, self.display_name, self.description = name, domain, display_name, description

    def __repr__(self) -> str:
        return f"<HParam {self.name!r}>"


class Metric:
    """A scalar that runs are compared by.

    Args:
        tag: its tag, such as `"epoch_accuracy"`.
        group: the run below the trial's folder that it is written to, such as `"validation"`.
        display_name: what the tab calls it.
        description: more about it.
        dataset_type: `Metric.TRAINING` or `Metric.VALIDATION`; accepted.
    """

    TRAINING, VALIDATION = 1, 2

    def __init__(
        self,
        tag: str,
        group: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        dataset_type: int | None = None,
    ) -> None:
        self.tag, self.group, self.display_name, self.description = tag, group, display_name, description
        self.dataset_type = dataset_type


def _plain(settings: Mapping[Any, Any]) -> dict[str, Any]:
    return {getattr(name, "name", name): value for name, value in settings.items()}


def _log() -> Any:
    """Where the writer of `tf.summary` writes to; None where there is no writer, or one that writes nothing."""
    writer = summary.current_writer()
    return None if writer is None else writer.log


def hparams(settings: Mapping[Any, Any], trial_id: str | None = None, start_time_secs: float | None = None) -> bool:
    """Write what this run is made with, by the writer of `tf.summary`.

    Args:
        settings: values by `HParam` or by name.
        trial_id: accepted for TensorBoard's signature; a run is known by its folder.
        start_time_secs: likewise.

    Returns:
        Whether there was a writer.
    """
    if (log := _log()) is None:
        return False
    log.hparams_session(_plain(settings))
    return True


def hparams_config(
    hparams: Iterable[HParam], metrics: Iterable[Metric], time_created_secs: float | None = None
) -> bool:
    """Write what runs of a study may be made with, and what they are compared by, by the writer of `tf.summary`.

    Args:
        hparams: the settings.
        metrics: the scalars.
        time_created_secs: accepted for TensorBoard's signature.

    Returns:
        Whether there was a writer.
    """
    if (log := _log()) is None:
        return False
    domains = {each.name: None if each.domain is None else each.domain.told() for each in hparams}
    compared = {(each.group or "", each.tag): each.display_name or "" for each in metrics}
    log.hparams_config(domains, compared)
    return True


class KerasCallback(Callback):
    """Write what a training is made with when it begins, and that it went to its end.

    Args:
        writer: a folder, or a writer of `tf.summary`.
        hparams: values by `HParam` or by name.
        trial_id: accepted for TensorBoard's signature.

    Raises:
        TypeError: for another writer.
    """

    def __init__(self, writer: Any, hparams: Mapping[Any, Any], trial_id: str | None = None) -> None:
        super().__init__()
        if not isinstance(writer, (str, os.PathLike, summary.SummaryWriter)):
            raise TypeError(f"KerasCallback({writer!r:.60}): expected a folder, or a writer of tf.summary")
        self._writer, self._settings = writer, _plain(hparams)

    def on_train_begin(self, logs: Any = None) -> None:
        writer = self._writer
        self._log = writer.log if isinstance(writer, summary.SummaryWriter) else _viz.package().SummaryWriter(writer)
        if self._log is not None:
            self._log.hparams_session(self._settings, has_ended=False)

    def on_train_end(self, logs: Any = None) -> None:
        if self._log is not None:
            self._log.hparams_session(None)
            if isinstance(self._writer, summary.SummaryWriter):
                self._log.flush()
            else:
                self._log.close()
