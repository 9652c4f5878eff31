"""docs/errors.md quotes what is really said."""

from __future__ import annotations

import re
import warnings

import pytest

from eagerflow.base import config
from tests.layers import test_layer_errors
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
    calls = [run for table in TABLES for run, *_ in table.values()]
    calls += [run for run, _ in [*test_layer_errors.ARGUMENTS, *test_layer_errors.INPUTS]]
    for run in calls:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                run()
            except Exception as error:  # noqa: BLE001 - which one, the tables' own tests look at
                found.append(str(error))
    config.disable_traceback_filtering()
    return found


def quotes():
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    others = ("...", "'m.", "'a.", "ModuleNotFoundError")  # the last is Python's own
    return [row for row in rows if not any(other in row for other in others)]


def plain(text):
    """Without what is an example in it: names are left out, numbers and shapes are 0."""
    text = re.sub(r"'[^' ]*'|\"[^\"]*\"|\b[XxYy]\b", " ", text)
    text = re.sub(r"\b(\d+(\.\d+)?|None)\b", "0", text)
    text = re.sub(r"\b0(, 0)+\b", "0", text.replace("(0,)", "(0)"))
    return " ".join(text.split())


@pytest.mark.parametrize("quote", quotes())
def test_a_quoted_message_is_one(quote, said):
    assert any(plain(quote) in plain(message) for message in said), plain(quote)


def test_quotes_may_have_other_names_and_numbers_but_no_other_signs():
    message = "reshape(float32[6]): cannot reshape array of size 6 into shape (4, 2): both need as many elements"
    assert plain("array of size 12 into shape (4, None, 2): both") in plain(message)
    assert plain("array of size 6 into shape (4,2)") not in plain(message)
