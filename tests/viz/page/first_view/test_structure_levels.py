"""The levels that a page gives to a flat network whose layers have only numbers: blocks and stages."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import layers
from tests.viz.picture.architectures import conv, fitted, numbers
from viz import page
from viz.page.name_levels import rounds_as_parts


def stem():
    start = layers.Input((8, 8, 3))
    return start, layers.ReLU()(layers.BatchNormalization()(conv(2)(start)))


def step(start, x):
    x = layers.Dense(2)(layers.Flatten()(layers.AveragePooling2D(2)(x)))
    return fitted(ef.Model(start, x, name="net"), numbers(2, 8, 8, 3), numbers(2, 2))[0]


def residual():
    """Three sizes of images, each with a block that changes the width or size and equal ones."""
    start, x = stem()
    for size, filters in enumerate((4, 6, 8)):
        for i in range(4):
            strides = 2 if size and not i else 1
            y = conv(filters, 3, strides)(x)
            y = layers.ReLU()(layers.BatchNormalization()(y))
            y = layers.BatchNormalization()(conv(filters, 2)(y))
            x = layers.Add()([y, x if i else conv(filters, 1, strides)(x)])
            x = layers.ReLU()(x)
    return step(start, x)


def branches():
    """Modules of branches that end in a concatenation, each of other widths."""
    start, x = stem()
    for filters in range(2, 11):
        x = layers.Concatenate()([conv(filters, kernel, activation="relu")(x) for kernel in (1, 2, 3)])
    return step(start, x)


def plain():
    """One layer behind the other, of other widths: images get smaller three times."""
    start, x = stem()
    for size in range(4):
        for filters in range(6):
            x = conv(2 + size + filters, activation="relu")(x)
        x = layers.MaxPooling2D(2, padding="same")(x)
    return fitted(ef.Model(start, layers.Flatten()(x)), numbers(2, 8, 8, 3), numbers(2, 10))[0]


def dense():
    """All layers read all before them: no place that a single result passes."""
    start, x = stem()
    made = [x]
    for filters in range(2, 16):
        made.append(conv(filters, activation="relu")(layers.Concatenate()(made) if len(made) > 1 else x))
    return step(start, made[-1])


def groups(recording, unfolded=False):
    """The groups of neighbours as they are nested, without chains of layers; ×N where equal parts are one."""
    found = page.data(recording)
    ((_, view),) = found["views"]
    blocks, texts = view["tree"]["blocks"], found["texts"]

    def inner(at):
        kind, title = texts[blocks["kind"][at]], texts[blocks["title"][at]]
        if kind == "run" and not unfolded:
            return inner(blocks["folded"][at])
        within = [each for child in blocks["children"][at] if child < 0 for each in inner(-child)]
        is_told = kind == "repeat" or (kind == "group" and not texts[blocks["part"][at]].startswith("→"))
        return [(title, within)] if is_told else within

    return inner(-blocks["children"][0][0])


def test_blocks_are_between_places_that_one_result_passes_and_stages_have_one_size():
    stages = groups(residual())
    assert len(stages) == 3
    assert all(" … " in title for title, _ in stages)
    for _, within in stages:
        (block, _), (equal, _) = within[-2:]
        assert block.startswith("conv2d")
        assert "re_lu" in block
        assert equal.endswith("×3")


def test_equal_blocks_that_are_drawn_one_by_one_are_named_by_their_first_and_last_layer():
    parts = [title for _, within in groups(residual(), unfolded=True) for title, _ in within]
    assert len(parts) == len({*parts}) == 12
    assert all(title.startswith("conv2d") and " … re_lu" in title for title in parts)


def test_branches_that_come_together_are_a_block():
    found = [title for title, _ in groups(branches())]
    assert len(found) == 9
    assert all(title.startswith("conv2d") and " … concatenate" in title for title in found)


def test_layers_one_behind_the_other_are_put_together_by_the_size_of_images_alone():
    found = groups(plain())
    assert [within for _, within in found] == [[]] * 4


def test_what_is_connected_throughout_has_no_groups():
    assert groups(dense()) == []


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], [("a",), ("b",)]),
        ([("a",), (), ("b",), ()], [("a",), ("b",)]),
        ([(), (), (), ()], [("0 … 1",), ("2 … 3",)]),
        ([("a", "x"), ("a", "y"), ("a", "x"), ("a", "y")], [("0 … 1",), ("2 … 3",)]),
        ([("a", "x"), ("a", "y"), ("b", "x"), ("c", "y")], [("0 … 1",), ("2 … 3",)]),
    ],
)
def test_equal_parts_are_called_by_the_words_that_are_in_all_their_names_else_by_their_ends(words, names):
    found = rounds_as_parts(2, words, [(str(i), str(i)) for i in range(4)])
    assert [part.words for part in found] == names
    assert [(part.begin, part.end) for part in found] == [(0, 2), (2, 4)]


def test_equal_parts_of_one_layer_are_no_groups_nor_those_that_chains_reach_across():
    for count, children in ((4, 4), (3, 4)):
        found = rounds_as_parts(count, [()] * children, [(str(i), str(i)) for i in range(children)])
        assert not any(part.parts for part in found)
