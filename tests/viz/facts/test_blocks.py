"""Groups of neighbours, for what has too many parts to look at."""

from __future__ import annotations

from viz.facts.blocks import Block
from viz.facts.folding.grouping import grouped, groups
from viz.facts.schema import Frame, Op, Record, Scope


def record_of(lines: str) -> Record:
    """An op for each letter, from the line of that letter; capitals are of a function of their own."""
    frames = {c: Frame("net.py", ord(c), "other" if c.isupper() else "call") for c in set(lines)}
    return Record(ops=[Op(i, "exp", stack=(frames[c],)) for i, c in enumerate(lines)])


def names(lines: str, most: int, least: int = 1) -> list[tuple[str, int]]:
    record = record_of(lines)
    return [(name, len(group)) for name, group in groups(record, list(range(len(lines))), most, least)]


def test_neighbours_from_the_same_line_belong_together():
    assert names("aaabbbba", 3) == [("net.py:97", 3), ("net.py:98", 4), ("net.py:97", 1)]


def test_where_there_are_too_many_lines_functions_count():
    assert names("abcdABCDab", 3) == [("call in net.py", 4), ("other in net.py", 4), ("call in net.py", 2)]


def test_what_is_all_from_one_line_is_divided_into_parts():
    assert names("a" * 10, 4) == [("part 1 of 4", 3), ("part 2 of 4", 3), ("part 3 of 4", 3), ("part 4 of 4", 1)]
    assert [count for _, count in names("a" * 10, 4, least=6)] == [6, 4]


def test_parts_are_called_by_their_first_and_last_layers():
    record = Record()
    children = [Block(f"layer_{i}", Scope(i, "layer", f"layer_{i}")) for i in range(6)]
    found = grouped(record, children, 2)
    assert [block.title for block in found] == ["layer_0 … layer_2", "layer_3 … layer_5"]
    assert all(block.is_group for block in found)


def groups_of(*files: str) -> list[str]:
    ops = [Op(i, "exp", stack=(Frame(file, 7 + i, "step"),)) for i, file in enumerate(files)]
    return [name for name, _ in groups(Record(ops=ops), list(range(len(ops))), len(ops))]


def test_groups_are_called_by_files_without_the_folders_that_lie_elsewhere():
    assert groups_of("/home/me/a b/train.py", r"C:\work\net.py") == ["train.py:7", "net.py:8"]
    assert groups_of("models/net.py", "train.py") == ["models/net.py:7", "train.py:8"]
