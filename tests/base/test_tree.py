"""Nested structures behave as `keras.tree`'s do (Keras 3.15 gave these answers)."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple

import pytest

from eagerflow import tree

Point = namedtuple("Point", "y x")
ORDERED = OrderedDict([("b", 1), ("a", 2)])
DEFAULT = defaultdict(list, {"b": 1, "a": 2})


def double(x):
    return 2 * x


@pytest.mark.parametrize(
    ("structure", "leaves"),
    [
        (ORDERED, [1, 2]),  # its own order
        (DEFAULT, [2, 1]),  # sorted keys
        ({2: "x", "a": "y"}, ["x", "y"]),  # keys without an order
        (Point(1, (2, None)), [1, 2, None]),
        ({}, []),
        (None, [None]),
    ],
)
def test_leaves_in_order_and_back(structure, leaves):
    assert tree.flatten(structure) == leaves
    packed = tree.pack_sequence_as(structure, leaves)
    assert packed == structure
    assert type(packed) is type(structure)


def test_types_are_kept():
    assert tree.map_structure(double, Point(1, [2])) == Point(2, [4])
    assert list(tree.map_structure(double, ORDERED).items()) == [("b", 2), ("a", 4)]
    doubled = tree.map_structure(double, DEFAULT)
    assert doubled == {"b": 2, "a": 4}
    assert doubled.default_factory is list
    assert DEFAULT == {"b": 1, "a": 2}


def test_none_is_a_leaf_unless_told_otherwise():
    assert tree.map_structure(str, [None, 1]) == ["None", "1"]
    assert tree.map_structure(str, [None, 1], none_is_leaf=False) == [None, "1"]
    with pytest.raises(ValueError, match="is None in one structure"):
        tree.map_structure(max, [None, 1], [2, 1], none_is_leaf=False)


def test_paths():
    structure = {"a": [1, (2,)], "c": Point(3, None)}
    assert tree.flatten_with_path(structure) == [(("a", 0), 1), (("a", 1, 0), 2), (("c", 0), 3), (("c", 1), None)]
    assert tree.flatten_with_path(3) == [((), 3)]
    assert list(dict(tree.flatten_with_path(ORDERED))) == [("b",), ("a",)]


@pytest.mark.parametrize(("a", "b"), [([1, 2], (1, 2)), ([1], {0: 1}), ({"a": [1]}, {"a": (3,)})])
def test_same_paths_whatever_holds_them(a, b):
    tree.assert_same_paths(a, b)
    with pytest.raises(ValueError, match=r"differ.*: expected \w+ as in the first, got \w+"):
        tree.assert_same_structure(a, b)


def test_different_paths_are_named():
    with pytest.raises(ValueError, match=r"only the first has .*'a', 0.*second .*'b', 0"):
        tree.assert_same_paths({"a": [1]}, {"b": [1]})


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1, 2], [3, (4,)], r"differ at \[1\]: expected int as in the first, got tuple"),
        ([1], [1, 2], "list of 1 here, of 2 there"),
        ({"k": {"a": 1}}, {"k": {"b": 1}}, r"differ at \['k'\]: keys \['a'\] here, \['b'\] there"),
        (Point(1, 2), (1, 2), "expected Point as in the first, got tuple"),
    ],
)
def test_the_first_difference_is_named(a, b, message):
    with pytest.raises(ValueError, match=message):
        tree.assert_same_structure(a, b)


def test_all_kinds_of_dict_are_one():
    tree.assert_same_structure({"b": 1, "a": 2}, ORDERED)
    assert tree.map_structure(max, {"a": 1, "b": 5}, defaultdict(int, {"a": 4, "b": 2})) == {"a": 4, "b": 5}


def test_check_types_is_deprecated():
    with pytest.warns(DeprecationWarning, match="no effect"):
        tree.assert_same_structure([1], [2], check_types=False)


def test_as_deep_as_the_shallow_structure():
    assert tree.map_structure_up_to([0, 0], lambda x, y: (x, y), [1, [2, 3]], [4, [5]]) == [(1, 4), ([2, 3], [5])]
    assert tree.map_structure_up_to(0, len, [1, 2]) == 2
    with pytest.raises(ValueError, match=r"at \[1\]: expected tuple as in the first, got int"):
        tree.map_structure_up_to([0, (0,)], str, [1, 2])


@pytest.mark.parametrize("function", [tree.map_structure, lambda f: tree.map_structure_up_to([0], f)])
def test_no_structure_at_all(function):
    with pytest.raises(ValueError, match="there is no structure"):
        function(str)


def test_shapes_are_leaves():
    assert tree.map_shape_structure(len, [(1, 2), {"a": [None, 3, 4]}, ()]) == [2, {"a": 3}, 0]
    assert tree.map_shape_structure(len, (None, 2)) == 2


def test_lists_become_tuples():
    assert tree.lists_to_tuples([1, [2, {"a": [3]}], Point(1, [2])]) == (1, (2, {"a": (3,)}), Point(1, (2,)))


def test_walk_meets_parents_first_or_children_first():
    structure = [1, (2, {"a": 3})]
    seen: list[object] = []
    assert tree.traverse(seen.append, structure) == structure
    assert seen == [structure, 1, (2, {"a": 3}), 2, {"a": 3}, 3]
    seen.clear()
    tree.traverse(seen.append, structure, top_down=False)
    assert seen == [1, 2, 3, {"a": 3}, (2, {"a": 3}), structure]


def test_walk_replaces():
    def tuples(part):
        return tuple(part) if isinstance(part, list) else None

    assert tree.traverse(tuples, [1, [2, [3]]]) == (1, [2, [3]])
    assert tree.traverse(tuples, [1, [2, [3]]], top_down=False) == (1, (2, (3,)))
    for top_down in (True, False):
        assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 1 else None, [1, [3]], top_down) == [None, [3]]


@pytest.mark.parametrize("leaves", [[1], [1, 2, 3]])
def test_wrong_number_of_leaves(leaves):
    with pytest.raises(ValueError, match=rf"2 leaves, flat_sequence has {len(leaves)}"):
        tree.pack_sequence_as([0, (0,)], leaves)
