"""Galleries of images, through matplotlib. The one file which imports it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from eagerflow.base.text.extras import missing_package
from eagerflow.base.typing import BoxFormat, DataFormat
from eagerflow.core.tensor import convert_to_tensor
from eagerflow.visualization.boxes import draw_bounding_boxes
from eagerflow.visualization.images import channels_last
from eagerflow.visualization.masks import draw_segmentation_masks

__all__ = ["plot_bounding_box_gallery", "plot_image_gallery", "plot_segmentation_mask_gallery"]


def _pyplot(purpose: str) -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise missing_package("matplotlib", "matplotlib", purpose) from None
    return pyplot


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: Sequence[float] = (0, 255),
    scale: float = 2,
    path: Any = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: float = 60,
    legend_handles: Any = None,
    data_format: DataFormat | None = None,
) -> None:
    """Shows images in rows and columns, or writes them to a file.

    Args:
        images: (batch, height, width, channels), or channels first.
        y_true: the class of each image, for its title.
        y_pred: the predicted class of each image, for its title.
        label_map: a dict from classes to names.
        rows: the number of rows; default: so that the gallery is about square.
        cols: the number of columns; default: so that all images are shown.
        value_range: the pixel values of black and white.
        scale: the width and height of an image, in inches.
        path: the path of a file to write; default: the gallery is shown.
        show: whether the gallery is shown; default: if there is no `path`.
        transparent: whether the background of the file is transparent.
        dpi: pixels per inch in the file.
        legend_handles: matplotlib handles for a legend.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ImportError: without matplotlib.
        ValueError: for `path` and `show` together, or classes without `label_map`.

    Source: the interface of `keras.visualization.plot_image_gallery` 3.15.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> images = np.linspace(0, 255, 4 * 8 * 8 * 3).reshape(4, 8, 8, 3)
    >>> ef.visualization.plot_image_gallery(images, rows=2, path="gallery.png", dpi=20)
    >>> ef.utils.load_img("gallery.png").size[0] > 0
    True
    """
    if path is not None and show:
        raise ValueError("plot_image_gallery: either path=... writes a file, or show=True shows the gallery.")
    if label_map is None and (y_true is not None or y_pred is not None):
        raise ValueError("plot_image_gallery: y_true and y_pred need label_map={class: name}.")
    pyplot = _pyplot("plot_image_gallery")
    pictures = channels_last("plot_image_gallery", images, data_format).astype("float64")
    low, high = value_range
    pictures = numpy.clip((pictures - low) / (high - low), 0, 1)
    rows = rows or math.ceil((len(pictures) / cols) if cols else math.sqrt(len(pictures)))
    cols = cols or math.ceil(len(pictures) / rows)
    figure, axes = pyplot.subplots(rows, cols, figsize=(cols * scale, rows * scale), squeeze=False, frameon=False)
    titles = _titles(len(pictures), {"Label": y_true, "Pred": y_pred}, label_map or {})
    for place in axes.flat:
        place.axis("off")
    for place, picture, title in zip(axes.flat, pictures, titles):
        gray = picture.shape[-1] == 1
        place.imshow(picture[..., 0] if gray else picture, vmin=0, vmax=1, cmap="gray" if gray else None)
        place.set_title(title, fontsize=8)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    elif show is None or show:
        pyplot.show()
    pyplot.close(figure)


def _titles(count: int, classes: Mapping[str, Any], names: Mapping[int, str]) -> list[str]:
    known = {word: convert_to_tensor(y).numpy().tolist() for word, y in classes.items() if y is not None}
    return [
        "  ".join([f"{word}: {names.get(y[i], 'Unknown')}" for word, y in known.items() if i < len(y)])
        for i in range(count)
    ]


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: BoxFormat,
    y_true: Mapping[str, Any] | None = None,
    y_pred: Mapping[str, Any] | None = None,
    value_range: Sequence[float] = (0, 255),
    true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Any = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: DataFormat | None = None,
    **kwargs: Any,
) -> None:
    """Shows images in rows and columns, with their bounding boxes and the predicted ones.

    Args:
        images: (batch, height, width, channels), or channels first.
        bounding_box_format: the format of the boxes; see `utils.bounding_boxes.convert_format`.
        y_true: the true boxes, as for `draw_bounding_boxes`.
        y_pred: the predicted boxes, in the same form.
        value_range: the pixel values of black and white.
        true_color: the color of the true boxes: red, green and blue, from 0 to 255.
        pred_color: the color of the predicted boxes.
        line_thickness: the thickness of the lines in pixels.
        font_scale: the size of the letters; 1 is about 12 pixels.
        text_thickness: the thickness of the letters; default: `line_thickness`.
        class_mapping: a dict from labels to names.
        ground_truth_mapping: the same for `y_true` only.
        prediction_mapping: the same for `y_pred` only.
        legend: whether to show a legend.
        legend_handles: matplotlib handles for another legend.
        rows: see `plot_image_gallery`.
        cols: see `plot_image_gallery`.
        data_format: see `plot_image_gallery`.
        **kwargs: more arguments of `plot_image_gallery`.

    Raises:
        ImportError: without matplotlib.
        ValueError: for `legend` and `legend_handles` together.

    Source: the interface of `keras.visualization.plot_bounding_box_gallery` 3.15.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> images = np.zeros((1, 8, 8, 3))
    >>> boxes = {"boxes": [[[1, 1, 4, 4]]], "labels": [[0]]}
    >>> ef.visualization.plot_bounding_box_gallery(images, "xyxy", y_true=boxes, path="boxes.png", dpi=20)
    >>> ef.utils.load_img("boxes.png").size[0] > 0
    True
    """
    if legend and legend_handles:
        raise ValueError("plot_bounding_box_gallery: give legend=True or legend_handles=..., not both.")
    pictures = _bytes("plot_bounding_box_gallery", images, value_range, data_format)
    for boxes, color, names in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            pictures = draw_bounding_boxes(
                pictures,
                boxes,
                bounding_box_format,
                names,
                color,
                line_thickness,
                text_thickness or line_thickness,
                font_scale,
                "channels_last",
            )
    if legend:
        line = _pyplot("plot_bounding_box_gallery").Line2D
        shown = {"Ground Truth": true_color, "Prediction": pred_color}
        legend_handles = [
            line([], [], color=[c / 255 for c in color], linewidth=6, label=name) for name, color in shown.items()
        ]
    plot_image_gallery(
        pictures, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last", **kwargs
    )


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int,
    value_range: Sequence[float] = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: Mapping[int, Any] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: DataFormat | None = None,
    **kwargs: Any,
) -> None:
    """Shows a row for each image: the image, its segmentation mask, and the predicted mask.

    Args:
        images: (batch, height, width, 3), or channels first.
        num_classes: classes from this number on aren't drawn.
        value_range: the pixel values of black and white.
        y_true: the true masks, as for `draw_segmentation_masks`.
        y_pred: the predicted masks, in the same form.
        color_mapping: see `draw_segmentation_masks`.
        blend: see `draw_segmentation_masks`.
        alpha: see `draw_segmentation_masks`.
        ignore_index: see `draw_segmentation_masks`.
        data_format: see `plot_image_gallery`.
        **kwargs: more arguments of `plot_image_gallery`.

    Raises:
        ImportError: without matplotlib.

    Source: the interface of `keras.visualization.plot_segmentation_mask_gallery` 3.15.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> images, masks = np.zeros((1, 8, 8, 3)), np.eye(8, dtype=int)[None]
    >>> ef.visualization.plot_segmentation_mask_gallery(images, 2, y_true=masks, path="masks.png", dpi=20)
    >>> ef.utils.load_img("masks.png").size[0] > 0
    True
    """
    pictures = _bytes("plot_segmentation_mask_gallery", images, value_range, data_format)
    settings = (num_classes, color_mapping, alpha, blend, ignore_index)
    columns = [pictures]
    for masks in (y_true, y_pred):
        if masks is not None:
            columns.append(draw_segmentation_masks(pictures, _classes(masks, data_format), *settings, "channels_last"))
    shown = numpy.stack(columns, axis=1).reshape(-1, *pictures.shape[1:])
    plot_image_gallery(shown, rows=len(pictures), cols=len(columns), data_format="channels_last", **kwargs)


def _classes(masks: Any, data_format: DataFormat | None) -> numpy.ndarray:
    """Masks as whole numbers, channels last where there are any."""
    found: numpy.ndarray = convert_to_tensor(masks).numpy().astype("int32")
    return channels_last("plot_segmentation_mask_gallery", found, data_format) if found.ndim == 4 else found


def _bytes(function: str, images: Any, value_range: Sequence[float], data_format: DataFormat | None) -> numpy.ndarray:
    low, high = value_range
    pictures = channels_last(function, images, data_format).astype("float64")
    return (numpy.clip((pictures - low) / (high - low), 0, 1) * 255).astype("uint8")
