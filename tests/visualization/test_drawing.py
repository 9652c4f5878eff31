"""Boxes and masks drawn on images."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import visualization

BLACK = np.zeros((1, 12, 16, 3), "uint8")
BOX = {"boxes": np.array([[[4.0, 3.0, 10.0, 9.0], [0, 0, 1, 1]]]), "labels": np.array([[7, -1]])}
RED = (255, 0, 0)


def test_a_frame_lies_around_its_box():
    drawn = visualization.draw_bounding_boxes(BLACK, BOX, "xyxy", color=RED, line_thickness=1)
    frame = np.zeros((12, 16), bool)
    frame[3:10, 4:11] = True
    frame[4:9, 5:10] = False
    assert (drawn[0, ..., 0] == np.where(frame, 255, 0)).all()
    assert not drawn[..., 1:].any()
    assert not BLACK.any()


def test_frames_are_cut_at_the_borders_and_made_of_any_format():
    box = {"boxes": [[[-0.5, 0.5, 2.0, 2.0]]], "labels": [[0]]}
    first = visualization.draw_bounding_boxes(
        BLACK.transpose(0, 3, 1, 2) / 255, box, "rel_xyxy", data_format="channels_first", color=RED
    )
    assert first.shape == BLACK.shape
    assert (first[0, 5:7, :, 0] == 255).all()
    assert first[..., 0].sum() == 2 * 16 * 255


def test_names_of_classes_are_written():
    pytest.importorskip("PIL")
    big = np.zeros((1, 60, 90, 1), "uint8")
    box = {"boxes": [[[10.0, 30.0, 40.0, 50.0]]], "labels": [[7]]}
    plain = visualization.draw_bounding_boxes(big, box, "xyxy", color=(200,))
    named = visualization.draw_bounding_boxes(big, box, "xyxy", {7: "cat"}, color=(200,))
    sure = visualization.draw_bounding_boxes(big, {**box, "confidences": [[0.5]]}, "xyxy", {7: "cat"}, color=(200,))
    assert plain.sum() < named.sum() < sure.sum()
    assert (visualization.draw_bounding_boxes(big, box, "xyxy", {8: "dog"}, color=(200,)) == plain).all()


def test_pixels_take_the_colors_of_their_classes():
    images = np.full((1, 2, 2, 3), 100, "uint8")
    masks = np.array([[[0, 1], [2, -1]]])
    colors = {0: (0, 0, 0), 1: (200, 0, 0), 2: (0, 0, 200)}
    drawn = visualization.draw_segmentation_masks(images, masks, color_mapping=colors, alpha=0.5)
    assert drawn.tolist() == [[[[50, 50, 50], [150, 50, 50]], [[50, 50, 150], [100, 100, 100]]]]
    bare = visualization.draw_segmentation_masks(
        images, masks[..., None], num_classes=2, color_mapping=colors, blend=False, ignore_index=0
    )
    assert bare.tolist() == [[[[100] * 3, [200, 0, 0]], [[100] * 3, [100] * 3]]]
    own = visualization.draw_segmentation_masks(images, masks, alpha=1.0)[0]
    assert len({tuple(pixel) for pixel in own.reshape(-1, 3).tolist()}) == 4


def test_what_is_refused():
    draw = visualization.draw_bounding_boxes
    with pytest.raises(ValueError, match=r"expected a batch \(batch, height, width, channels\); got uint8"):
        draw(BLACK[0], BOX, "xyxy")
    with pytest.raises(TypeError, match="expected a dict with 'boxes' and 'labels'"):
        draw(BLACK, BOX["boxes"], "xyxy")
    with pytest.raises(ValueError, match=r"\['labels'\] missing"):
        draw(BLACK, {"boxes": BOX["boxes"]}, "xyxy")
    with pytest.raises(ValueError, match=r"for 1 images; got shapes \(2, 1, 4\) and \(2, 1\)"):
        draw(BLACK, {"boxes": np.zeros((2, 1, 4)), "labels": np.zeros((2, 1))}, "xyxy")
    masks = np.zeros((1, 12, 16), int)
    with pytest.raises(TypeError, match="expected integers; got float"):
        visualization.draw_segmentation_masks(BLACK, masks / 2)
    with pytest.raises(ValueError, match="no color for the class 0"):
        visualization.draw_segmentation_masks(BLACK, masks, color_mapping={1: RED})
    with pytest.raises(ValueError, match=r"alpha=2\): expected a number from 0 to 1"):
        visualization.draw_segmentation_masks(BLACK, masks, alpha=2)
    with pytest.raises(ValueError, match="a class for each pixel"):
        visualization.draw_segmentation_masks(BLACK, masks[:, :2])
