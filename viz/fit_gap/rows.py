"""The batches of an epoch once more, without taking anything from the data that training goes on with."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow.data.arrays import as_batch
from eagerflow.data.feed import ArrayFeed, Feed
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.data.weights import weigh

__all__ = ["Rows"]


class _Still:
    """What stands for an `ImageDataGenerator` where images are only put on their scale."""

    def __init__(self, generator: Any) -> None:
        self.standardize = generator.standardize

    def draw_transform(self, shape: Any, draw: Any) -> dict[str, Any]:
        """Nothing is drawn."""
        return {}

    def apply_transform(self, image: Any, transformation: Any) -> Any:
        """Nothing is changed."""
        return image


class Rows:
    """The batches of the last epoch.

    Batches of arrays are cut again in the order of that epoch, those of an `ImageDataGenerator` are made again (with
    other random changes), and any others were kept.
    """

    def __init__(self, feed: Feed, kept: list[Any] | None) -> None:
        self._images = _images_of(feed)
        self._class_weights = getattr(feed, "weights", None)
        self._again = copy.copy(feed) if isinstance(feed, ArrayFeed) and Rows.can_repeat(feed) else None
        self._kept = kept

    @staticmethod
    def can_repeat(feed: Feed) -> bool:
        """Whether the batches of an epoch can be had again without keeping them."""
        return (isinstance(feed, ArrayFeed) and not feed.goes_on) or _images_of(feed) is not None

    @property
    def augmented(self) -> bool:
        """Whether the rows can be had as they were before they were changed at random."""
        return self._images is not None

    def batches(self, augmented: bool = True) -> Iterator[Any]:
        """The batches, as steps get them."""
        if self._images is not None:
            yield from (self._weighed(batch) for batch in _made(self._images, augmented))
        elif self._again is not None:
            yield from self._again.make(self._again._pieces)
        elif self._kept is None:
            raise ValueError(
                "gap: the batches of an epoch take more than 2 GB and can't be had again from a generator or data set. "
                "Train on arrays, or on fewer steps_per_epoch."
            )
        else:
            yield from self._kept

    def _weighed(self, batch: Any) -> Any:
        if self._class_weights is None:
            return batch
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        return x, y, weigh(y, sample_weight, self._class_weights)


def _images_of(feed: Feed) -> Any:
    """The iterator of an `ImageDataGenerator` whose images all come in an epoch."""
    found: Any = getattr(feed, "dataset", None)
    if getattr(found, "image_data_generator", None) is None or not hasattr(found, "_batch"):
        return None
    return found if feed.steps is not None and feed.steps >= len(found) - 1 else None


def _made(images: Any, augmented: bool) -> Iterator[Any]:
    iterator = copy.copy(images)
    iterator.save_to_dir = None
    if not augmented:
        iterator.image_data_generator = _Still(images.image_data_generator)
    draw = numpy.random.RandomState(0)
    order = draw.permutation(iterator.n) if iterator.shuffle else numpy.arange(iterator.n)
    for start in range(0, iterator.n, iterator.batch_size):
        batch = iterator._batch(order[start : start + iterator.batch_size], draw)
        yield as_batch(tuple(batch) if isinstance(batch, list) else batch)
