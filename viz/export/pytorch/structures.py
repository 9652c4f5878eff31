"""Graphs, points and meshes: `add_graph`, `add_embedding`, `add_mesh` and the like."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from eagerflow.base.output import write
from viz.boundary import boundaries
from viz.export import model_graph, onnx_graph
from viz.export.pytorch.run import Run
from viz.export.tensorboard_events import as_array, checked_tag
from viz.export.values import meshes
from viz.export.values.pixels import as_pictures
from viz.export.values.projector_files import add_entry, write_labels, write_points, write_sprite

__all__ = ["Structures"]


@boundaries
class Structures(Run):
    """Graphs, points and meshes by PyTorch's names."""

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
        names = model_graph.write(self, model, input_to_model)
        if verbose:
            write("".join([f"{name}\n" for name in names]))

    def add_onnx_graph(self, prototxt: str | os.PathLike[str]) -> None:
        """Writes the graph of an ONNX file for the Graphs tab.

        Args:
            prototxt: the path of the file.

        Raises:
            FileNotFoundError: when there is no such file.
            eagerflow.onnx.LoadError: when it isn't an ONNX file.
        """
        self.graph(onnx_graph.definition(prototxt))

    def add_embedding(
        self,
        mat: Any,
        metadata: Sequence[Any] | None = None,
        label_img: Any = None,
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: Sequence[str] | None = None,
    ) -> None:
        """Writes points for the Projector tab; see `embedding`.

        Args:
            mat: (points, dimensions).
            metadata: a label for each point, or a row of labels.
            label_img: a small picture for each point: (points, channels, height, width).
            global_step: the number of the step, which is a part of the table's name.
            tag: the name of the table.
            metadata_header: the names of the columns, where there are rows of labels.

        Raises:
            ValueError: for another shape, or another number of labels or pictures.
        """
        what, table = f"add_embedding(tag={tag!r})", as_array(mat, "add_embedding(mat)").astype("float64")
        if table.ndim != 2 or not table.size:
            raise ValueError(f"{what}: expected vectors of shape (points, dimensions); got {table.shape}")
        step = f"{int(global_step or 0):05d}"
        inside = f"{step}/{tag.replace('%', '%25').replace('/', '%2f').replace(chr(92), '%5c')}"
        root = pathlib.Path(self.log_dir)
        folder = root / inside
        folder.mkdir(parents=True, exist_ok=True)
        entry: dict[str, Any] = {"tensor_name": f"{tag}:{step}", "tensor_path": f"{inside}/tensors.tsv"}
        if metadata is not None:
            labels = _columns(what, metadata, metadata_header) if metadata_header else metadata
            write_labels(folder / "metadata.tsv", what, labels, len(table))
            entry["metadata_path"] = f"{inside}/metadata.tsv"
        if label_img is not None:
            given = as_array(label_img, what)
            if given.ndim != 4 or given.shape[1] not in (1, 2, 3, 4):
                raise ValueError(
                    f"{what}: expected label_img of shape (points, channels, height, width); got {given.shape}"
                )
            pictures = as_pictures(given, True, self._tell)
            size = write_sprite(folder / "sprite.png", what, pictures, len(table))
            entry["sprite"] = {"image_path": f"{inside}/sprite.png", "single_image_dim": size}
        write_points(folder / "tensors.tsv", table)
        add_entry(root, entry)

    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: Mapping[str, Any] | None = None,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Writes points in space, or surfaces made of triangles, for the Mesh tab.

        Args:
            tag: the name under which TensorBoard shows it.
            vertices: the coordinates of the points, (number, points, 3).
            colors: their colors, (number, points, 3): red, green and blue from 0 to 255.
            faces: the corners of triangles, (number, triangles, 3), as indices of points from 0.
            config_dict: settings of camera, lights and material for three.js.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.

        Raises:
            ValueError: for another shape.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_mesh("triangle", [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], faces=[[[0, 1, 2]]])
        """
        checked_tag(tag, "add_mesh(tag, vertices, colors, faces, ...)")
        made = meshes.summary(tag, vertices, colors, faces, config_dict)
        self.add(self._protos.event.Event(summary=made), global_step or 0, walltime)


def _columns(what: str, rows: Sequence[Any], heading: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Labels by the names of their columns."""
    lengths = {len(row) for row in rows}
    if lengths != {len(heading)}:
        raise ValueError(f"{what}: metadata_header has {len(heading)} names, but rows have {sorted(lengths)} labels")
    return dict(zip(heading, zip(*rows)))
