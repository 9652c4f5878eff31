"""The levels that a page gives to a flat network of many layers, by the words in their names."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import staged_residuals
from viz import page
from viz.page.name_levels import is_of_class, levels, shared_words


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
