"""The levels that a page gives to a flat network whose layers have only numbers: blocks and stages."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import conv, fitted, numbers, staged_residuals
from viz import page
from viz.page.name_levels import is_of_class, levels, rounds_as_parts, shared_words


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


def grouped(names, rows=None, many=4):
    """The groups, as `name: what is in it`."""

    def named(part):
        return {"_".join(part.words): [named(each) for each in part.parts]} if part.parts else names[part.begin]

    words = [tuple(name.split("_")) if name else () for name in names]
    return [named(part) for part in levels(words, rows or [1] * len(names), many)]


def test_neighbours_whose_names_begin_alike_are_a_group_as_long_as_there_are_many():
    names = ["stem", "b1_conv", "b1_norm", "b2_conv", "b2_norm", "head"]
    assert grouped(names) == ["stem", {"b1": ["b1_conv", "b1_norm"]}, {"b2": ["b2_conv", "b2_norm"]}, "head"]
    assert grouped(names, many=6) == names


def test_what_has_no_name_is_in_the_group_around_it_but_begins_and_ends_none():
    names = ["", "b1_conv", "", "b1_add", "", "b2_conv", "b2_add", ""]
    assert grouped(names) == ["", {"b1": ["b1_conv", "", "b1_add"]}, "", {"b2": ["b2_conv", "b2_add"]}, ""]


def test_words_that_all_have_in_common_make_no_level():
    names = [f"net_b{i}_{part}" for i, part in itertools.product((1, 2, 3), ("conv", "norm"))]
    assert [list(each) for each in grouped(names)] == [["net_b1"], ["net_b2"], ["net_b3"]]


def test_a_name_that_comes_again_elsewhere_names_no_group():
    assert grouped(names := ["up_a", "up_b", "c_1", "up_c", "up_d", "x", "y"]) == names


def test_a_large_group_has_groups_of_its_own():
    names = [f"{s}_{b}_{i}" for s, b, i in itertools.product(("s1", "s2"), ("b1", "b2"), range(7))]
    assert [[next(iter(inner)) for inner in group] for each in grouped(names) for group in each.values()] == [
        ["s1_b1", "s1_b2"],
        ["s2_b1", "s2_b2"],
    ]
    few = [f"{s}_{b}_{i}" for s, b, i in itertools.product(("s1", "s2"), ("b1", "b2"), range(3))]
    assert grouped(few) == [{"s1": few[:6]}, {"s2": few[6:]}]


@pytest.mark.parametrize(
    ("name", "cls"),
    [("conv2d", "Conv2D"), ("conv2d_7", "Conv2D"), ("batch_normalization_12", "BatchNormalization"), ("re_lu", "ReLU")],
)
def test_names_that_layers_gave_themselves_are_known(name, cls):
    assert is_of_class(name, cls)
    assert not is_of_class(f"block1_{name}", cls)


def test_shared_words_are_whole_ones():
    assert shared_words(["block1_conv", "block1_cost"]) == ("block1",)
    assert shared_words(["block1", "block10"]) == ()
    assert shared_words([]) == ()


recorded = functools.cache(staged_residuals)


def told(unfolded=False):
    """The tree of the page: of each block its title and the depth from which it is open, and what is in it."""
    found = page.data(recorded())
    ((_, view),) = found["views"]
    blocks, texts = view["tree"]["blocks"], found["texts"]

    def inner(at):
        kind, need, title = texts[blocks["kind"][at]], blocks["need"][at], texts[blocks["title"][at]]
        parts = [child for child in blocks["children"][at] if child < 0]
        if kind == "run":
            return [each for child in (parts if unfolded else [-blocks["folded"][at]]) for each in inner(-child)]
        return [(title, need, [each for child in parts for each in inner(-child)])]

    return inner(-blocks["children"][0][0])[0], view["tree"]["depths"]


def test_stages_and_blocks_open_one_after_the_other_and_layers_last():
    (title, need, parts), depths = told()
    assert (title, need) == ("net", 1)
    assert [(name, opens) for name, opens, _ in parts[:3]] == [("stem_conv", 4), ("stage1", 2), ("stage2", 2)]
    (first, opens, chains), (others, opens_too, equal) = parts[1][2]
    assert (first, opens, others, opens_too) == ("stage1_block1", 3, "stage1_block2 … stage1_block4  ×3", 3)
    assert [(name, opens) for name, opens, _ in chains[1:3]] == [
        ("stage1_block1_1_conv", 4),
        ("stage1_block1_2_conv", 4),
    ]
    assert [opens for _, opens, _ in equal] == [4] * 4
    assert depths == [3, 2]


def test_a_closed_group_says_how_many_layers_it_is_and_what_it_makes():
    found = page.data(recorded())
    ((_, view),) = found["views"]
    blocks, texts = view["tree"]["blocks"], found["texts"]
    said = {texts[title]: [texts[line] for line in lines] for title, lines in zip(blocks["title"], blocks["lines"])}
    assert said["stage1_block1"][:2] == ["11 layers", "→ 2×8×8×4 f32"]
    assert said["stage2"][:2] == ["41 layers", "→ 2×8×8×6 f32"]  # equal blocks are counted one by one
    assert said["stage1_block2 … stage1_block4  ×3"][0] == "→ 2×8×8×4 f32"


def test_many_equal_parts_are_put_together_by_the_names_of_the_first_and_the_last():
    x = start = layers.Input((3,))
    for i in range(45):
        x = layers.Add(name=f"b{i}_add")([x, layers.Dense(3, name=f"b{i}_dense")(x)])
    model = ef.Model(start, x, name="deep")
    with viz.trace() as t:
        model(np.ones((2, 3), "float32"))
    found = page.data(t)
    ((_, view),) = found["views"]
    titles = [found["texts"][title] for title in view["tree"]["blocks"]["title"]]
    assert {"b0", "b44", "b0 … b7", "b40 … b44"} <= set(titles)


def test_equal_parts_that_are_drawn_one_by_one_are_groups_too():
    (_, _, parts), _ = told(unfolded=True)
    names = [f"stage1_block{i}" for i in range(1, 5)]
    assert [(name, need) for name, need, _ in parts[1][2]] == [(name, 3) for name in names]
