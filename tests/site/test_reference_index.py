"""The first page of the API reference: what most readers come for stands first, and is a click away."""

from __future__ import annotations

import re

import pytest

from tools.site import navigation, reference
from tools.site.names import catalogue

pytestmark = pytest.mark.slow  # all public names are looked at


def first_page():
    pages = dict(reference.pages({}))
    return pages["reference/index"], pages.keys()


def test_what_a_layer_is_called_with_is_on_its_page():
    pages = {one.path: reference.name_page(one, "") for one in catalogue() if one.path.endswith((".LSTM", ".GRU"))}
    assert len(pages) == 2
    assert all(".call(sequences" in text and "the states to begin with" in text for text in pages.values())


def test_modules_that_most_come_for_stand_first_and_link_to_their_names():
    text, pages = first_page()
    modules = re.findall(r"^\| \[(\S+)\]", text, re.MULTILINE)
    assert modules[: len(reference.COMMON)] == list(reference.COMMON)
    assert all(module.count(".") < 2 for module in modules)
    assert "[resnet](applications.resnet/index.md)" in text  # in the row of the module that it is in
    assert "[Dense](layers/Dense.md)" in text
    links = re.findall(r"\]\(([^)]+)\.md\)", text)
    assert {f"reference/{link}" for link in links if link != "types"} <= pages


def test_every_module_says_what_is_in_it():
    text, _ = first_page()
    rows = re.findall(r"^\| \[\S+\]\(\S+\) \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) > 20
    assert [row for row in rows if not re.search(r"\[[\w\\ ]+\]\([\w./-]+\.md\)", row)] == []
    holding_modules = dict(reference.pages({}))["reference/datasets/index"]
    assert "[mnist](../datasets.mnist/index.md)" in holding_modules


def test_names_that_say_the_same_of_themselves_share_a_row():
    rows = dict(reference.pages({}))["reference/applications/index"].splitlines()
    assert any("[DenseNet121](" in row and "[DenseNet201](" in row for row in rows)
    assert not any("[DenseNet121](" in row and "[ResNet50](" in row for row in rows)


def test_the_names_that_most_come_for_are_there():
    there = {one.path for one in catalogue()}
    assert {f"{module}.{name}" for module, names in reference.COMMON.items() for name in names.split()} <= there


def test_methods_that_a_page_names_lead_to_where_they_are_told_of():
    dense = "reference/layers/Dense"
    assert navigation.member_for("enable_lora", dense) == f"{dense}#eagerflow.layers.Dense.enable_lora"
    assert navigation.member_for("add_weight", dense) == "reference/eagerflow/Layer#eagerflow.Layer.add_weight"
    assert navigation.member_for("layers.Dense.enable_lora()") == f"{dense}#eagerflow.layers.Dense.enable_lora"
    assert navigation.member_for("Model.nothing") is None
    assert navigation.member_for("name", dense) is None  # a property, and what arguments are called
    assert navigation.member_for("fit", "guides/training") is None  # no page of a class
