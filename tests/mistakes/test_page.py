"""docs/errors.md quotes what is really said."""

from __future__ import annotations

import re

import pytest

from eagerflow.base import config
from tests.mistakes import test_layers, test_lost_on_the_way, test_models, test_ops_and_tapes, test_training
from tests.sources import ROOT

# Quotes with a gap, warnings, and names of errors are no literal texts of these tables.
TABLES = [
    *(vars(test_layers)[name] for name in ("ARGUMENTS", "INPUTS", "OWN")),
    *(vars(test_ops_and_tapes)[name] for name in ("TENSORS", "OPS", "TAPES")),
    *(vars(test_training)[name] for name in ("COMPILE", "FIT", "PARTS")),
    test_models.BUILDING,
    test_lost_on_the_way.MISTAKES,
]


@pytest.fixture(scope="module")
def said():
    """Every message of the tables."""
    config.enable_traceback_filtering()
    found = []
    for table in TABLES:
        for run, kind, _ in table.values():
            try:
                run()
            except kind as error:
                found.append(str(error))
    config.disable_traceback_filtering()
    return found


def quotes():
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    return [row for row in rows if "..." not in row and "'m." not in row and "'a." not in row]


def plain(text):
    """Without what is an example in it: names and numbers."""
    return " ".join(re.sub(r"'[^' ]*'|\"[^\"]*\"|\b[XxYy]\b|[0-9,]", " ", text).split())


@pytest.mark.parametrize("quote", quotes())
def test_a_quoted_message_is_one(quote, said):
    longest = max(re.split(r"[()]", quote), key=len)
    assert any(plain(longest) in plain(message) for message in said), plain(longest)
