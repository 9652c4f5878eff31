"""Names in the code of pages lead to what tells of them."""

from __future__ import annotations

import pytest

from tools.site.code_links import linked
from tools.site.code_names import Link, Names


def named(*blocks):
    names = Names()
    return [[(text[link.start : link.end], link.name) for link in names.links(text)] for text in blocks]


def test_names_are_followed_from_imports():
    code = "from eagerflow.layers import Dense as D\nfrom tensorflow import keras\nD(2)\nkeras.Input"
    assert named(code)[0] == [
        ("Dense", "eagerflow.layers.Dense"),
        ("keras", "eagerflow"),
        ("D", "eagerflow.layers.Dense"),
        ("keras.Input", "eagerflow.Input"),
    ]


def test_a_block_goes_on_with_what_those_before_it_defined():
    blocks = ("model = ef.Sequential([])", "h = model.fit(x, y)", "model = 3", "model.fit(x, y)")
    assert [[name for _, name in each] for each in named(*blocks)] == [
        ["eagerflow.Sequential"],
        ["eagerflow.Model.fit"],
        [],
        [],
    ]


def test_what_a_function_gives_and_a_with_enters_has_methods():
    code = "import viz\nwith viz.trace() as t:\n    pass\nt.draw('a.svg')\nviz.load('a').top()"
    assert named(code)[0][1:] == [
        ("viz.trace", "viz.trace"),
        ("t.draw", "viz.Recording.draw"),
        ("viz.load", "viz.load"),
        ("top", "viz.Recording.top"),
    ]


def test_a_class_of_ones_own_has_the_methods_of_its_base():
    code = "class Net(ef.Model):\n    def call(self, x):\n        self.add_loss(x)\nnet = Net()\nnet.fit(x)"
    assert named(code)[0] == [
        ("ef.Model", "eagerflow.Model"),
        ("self.add_loss", "eagerflow.Model.add_loss"),
        ("net.fit", "eagerflow.Model.fit"),
    ]


def test_names_of_the_readers_own_lead_nowhere():
    assert named("def f(layers):\n    return layers.Dense") == [[]]
    assert named("for ops in x:\n    ops.add") == [[]]
    assert named("not Python at all") == [[]]


def test_a_decorator_is_linked_with_its_sign():
    assert named("@ef.function\ndef f(x):\n    return x @ef.ops.relu(x)")[0] == [
        ("@ef.function", "eagerflow.function"),
        ("ef.ops.relu", "eagerflow.ops.relu"),
    ]
    assert named(">>> @ef.function\n... def f(x): ...")[0] == [("@ef.function", "eagerflow.function")]


def test_a_chain_of_calls_links_each_name_alone():
    code = "ef.data.Dataset.from_tensor_slices(x).batch(\n    2\n).repeat()"
    assert [part for part, _ in named(code)[0]][-2:] == ["batch", "repeat"]


def test_places_are_characters_also_behind_prompts_and_beside_accents():
    assert named('>>> é = "ü"; y = ef.ops.relu(x)\n[2.0]\n>>> ef.ops.exp(\n...     ef.ops.log(x))') == [
        [
            ("ef.ops.relu", "eagerflow.ops.relu"),
            ("ef.ops.exp", "eagerflow.ops.exp"),
            ("ef.ops.log", "eagerflow.ops.log"),
        ]
    ]


def test_links_stand_around_whole_names():
    def coloured(first, second):
        return f"<div><pre><span></span>{first} &lt; {second}\n</pre></div>"

    first = '<span class="n">a</span><span class="o">.</span><span class="n">b</span>'
    second = '<span class="n">c</span>'
    links = [Link(0, 3, "a.b", "page"), Link(6, 7, "c", "page#c")]
    assert linked(coloured(first, second), links, "../{}".format) == coloured(
        f'<a class="of-code" href="../page" title="a.b">{first}</a>',
        f'<a class="of-code" href="../page#c" title="c">{second}</a>',
    )


def test_names_that_stand_elsewhere_are_an_error():
    with pytest.raises(ValueError, match="don't stand where they were found"):
        linked('<pre><span class="n">ab</span></pre>', [Link(1, 2, "b", "page")], str)
