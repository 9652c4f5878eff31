"""`from tensorboard.plugins import projector`: points for the Projector tab, from checkpoints of `tf.train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy

from eagerflow import _viz
from eagerflow.compat.tensorflow.train import latest_checkpoint, values_of

__all__ = ["EmbeddingInfo", "ProjectorConfig", "SpriteMetadata", "visualize_embeddings"]

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"  # behind the names of variables in TensorFlow's checkpoints
_Kind = TypeVar("_Kind")


class _Several(list[_Kind], Generic[_Kind]):
    """A list of messages, to which a new one is added as in protobuf."""

    def __init__(self, kind: type[_Kind]) -> None:
        super().__init__()
        self._kind = kind

    def add(self, **fields: Any) -> _Kind:
        """A new one, with these fields."""
        made = self._kind()
        for name, value in fields.items():
            setattr(made, name, value)
        self.append(made)
        return made


class SpriteMetadata:
    """One picture that is made of small ones, one for each point, row by row.

    Attributes:
        image_path: the file, as seen from the log folder.
        single_image_dim: width and height of each.
    """

    def __init__(self) -> None:
        self.image_path = ""
        self.single_image_dim: list[int] = []


class EmbeddingInfo:
    """A table of points.

    Attributes:
        tensor_name: the variable's name in the checkpoint, such as `"embedding/.ATTRIBUTES/VARIABLE_VALUE"`.
        tensor_path: a file of tab-separated numbers instead.
        metadata_path: a file with the points' labels.
        bookmarks_path: a file with views.
        sprite: pictures of the points.
    """

    def __init__(self) -> None:
        self.tensor_name = self.tensor_path = self.metadata_path = self.bookmarks_path = ""
        self.sprite = SpriteMetadata()


class ProjectorConfig:
    """What the Projector tab shows.

    Attributes:
        embeddings: tables; `embeddings.add()` makes one.
        model_checkpoint_path: the checkpoint that holds them; default: the newest of the log folder.
    """

    def __init__(self) -> None:
        self.model_checkpoint_path = ""
        self.embeddings: _Several[EmbeddingInfo] = _Several(EmbeddingInfo)


def visualize_embeddings(logdir: str | os.PathLike[str], config: ProjectorConfig) -> None:
    """Write the file that TensorBoard's projector reads, and the points of variables as tables in the same folder.

    Args:
        logdir: TensorBoard's folder.
        config: what it is to show.

    Raises:
        ValueError: for a variable that no checkpoint holds.
    """
    folder = Path(logdir)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = config.model_checkpoint_path or latest_checkpoint(folder)
    entries = []
    for number, info in enumerate(config.embeddings):
        entry: dict[str, Any] = {"tensor_name": info.tensor_name, "tensor_path": info.tensor_path}
        if not info.tensor_path:
            entry["tensor_path"] = f"embedding-{number}.tsv"
            points = _points(info.tensor_name, checkpoint)
            numpy.savetxt(folder / entry["tensor_path"], points, delimiter="\t", fmt="%.6g")
        entry |= {"metadata_path": info.metadata_path, "bookmarks_path": info.bookmarks_path}
        if info.sprite.image_path:
            sizes = list(info.sprite.single_image_dim)
            entry["sprite"] = {"image_path": info.sprite.image_path, "single_image_dim": sizes}
        entries.append({field: value for field, value in entry.items() if value})
    (folder / "projector_config.pbtxt").write_text(_viz.projector_config(entries), encoding="utf-8")


def _points(name: str, checkpoint: str | None) -> numpy.ndarray:
    """The values of a variable, whose name in our files is that of the object and a number."""
    wanted = name.removesuffix(_VALUE)
    found = {} if checkpoint is None else values_of(checkpoint)
    points = found.get(f"{wanted}/0", found.get(wanted))
    if points is None:
        known = sorted(each.removesuffix("/0") for each in found if each != "save_counter")
        raise ValueError(
            f"visualize_embeddings: no variable {name!r} in {checkpoint or 'any checkpoint of the log folder'}; it has "
            f"{', '.join(map(repr, known)) or 'none'}. Save it first: "
            f"tf.train.Checkpoint({wanted or 'embedding'}=variable).save(os.path.join(logdir, 'embedding.ckpt'))"
        )
    return points.reshape(len(points), -1)
