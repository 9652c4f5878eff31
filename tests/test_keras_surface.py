"""Every public name of Keras is here, or in a table that says why not; the tables say nothing else.

When a name arrives, `python -m tools.keras_table page` takes it out of the list of what is awaited, and writes
docs/keras.md again.
"""

from __future__ import annotations

import pytest

from tools import keras_reasons as reasons
from tools.keras_table import PAGE, Row, compare, describe, judge, page, percentage, share

TABLES = {"left out": reasons.LEFT_OUT, "differs": reasons.DIFFERENCES}
RUN = "run `python -m tools.keras_table page`"
AT_LEAST = 98.1  # per cent of the names that are here with Keras' signature; it may only rise


@pytest.fixture(scope="module")
def rows():
    return compare()


def test_every_name_is_here_or_accounted_for(rows):
    awaited = set(reasons.not_yet())
    unexplained = [
        row.path
        for row in rows
        if (kind := judge(row)[0]) != "here"
        and row.path not in awaited
        and not reasons.reason_for(row.path, TABLES.get(kind, {}))
    ]
    assert unexplained == []


@pytest.mark.parametrize("kind", TABLES)
def test_the_tables_name_only_what_is_so(rows, kind):
    """A pattern without a name behind it is old: the name has arrived, or has never been."""
    so = [row.path for row in rows if judge(row)[0] == kind]
    patterns = [pattern for paths in TABLES[kind].values() for pattern in paths.split()]
    assert [p for p in patterns if not any(reasons.matches(path, p) for path in so)] == []


def test_what_has_arrived_is_not_awaited(rows):
    kinds = {row.path: judge(row)[0] for row in rows}
    awaited = reasons.not_yet()
    assert awaited == sorted(set(awaited))
    assert [path for path in awaited if kinds.get(path) not in ("missing", "differs")] == [], RUN


def test_what_is_left_out_is_not_here(rows):
    here = [row.path for row in rows if row.ours and reasons.reason_for(row.path, reasons.LEFT_OUT)]
    assert here == []


def test_the_share_of_equal_names_does_not_fall(rows):
    assert sum(share(rows).values()) == len(rows) > 1800
    assert percentage(rows) >= AT_LEAST


def test_the_page_is_what_the_script_writes(rows):
    assert PAGE.read_text(encoding="utf-8") == page(rows), RUN


def test_signatures_are_compared_by_names_order_and_defaults():
    class Thing:
        def __init__(self, units: int, rate: float = 1.0, *, name: str | None = None) -> None:
            """Types and the spelling of numbers don't count."""

    assert describe(Thing) == "class(units, rate=1, *, name=None)"
    assert describe(len) == "(obj, /)"
    assert describe(reasons) == "module"
    assert describe(3) == "value"
    assert judge(Row("layers", "Thing", "class(units)", "class(units, name=None)"))[0] == "differs"
    assert judge(Row("layers", "Thing", "class(units)", None)) == ("missing", "")
    assert judge(Row("layers", "TFSMLayer", "class(units)", None))[0] == "left out"
