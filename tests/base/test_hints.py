"""Hints for unknown names: from the table, else the nearest name that is known."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow.base.text.hints import hint_for, table


class Net(ef.Model):
    pass


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (("name", "eagerflow.ops", "cat"), " Use `ef.ops.concatenate(tensors, axis)`."),
        (("name", "eagerflow", "softmax"), " Use `ef.ops.softmax`."),
        (("name", "eagerflow.data", "Variable"), " Use `ef.Variable`."),
        (("name", "initializer", "kaiming_normal"), " Use 'he_normal'."),
        (("name", "eagerflow.ops", "concatenat", ["concatenate"]), " Did you mean 'concatenate'?"),
        (("argument", "mean", "dim", ["x", "axis"]), " Use axis=."),
        (("argument", "mean", "dim", ["x"]), ""),
        (("argument", "LSTM", "hidden_size", ["units"], 8), " Use units=8."),
        (("argument", "LSTM", "hidden_size", ["units"], "x" * 30), " Use units=."),
        (("argument", "fit", "loss", ["x"]), " It belongs in compile: model.compile(loss=...)."),
        (("argument", "GRU", "inplace", []), " Leave inplace out: layers give new tensors."),
    ],
)
def test_a_hint_says_what_to_write(asked, hint):
    assert hint_for(*asked) == hint


@pytest.mark.parametrize(("name", "hint"), [("state_dict", "get_weights"), ("to", "ef.device")])
def test_a_class_of_a_user_has_the_hints_of_its_bases(name, hint):
    net = Net()
    assert not hasattr(net, name)
    with pytest.raises(AttributeError, match=rf"'Net' object has no attribute '{name}'\. Use .*{hint}"):
        getattr(net, name)


def test_every_hint_is_a_sentence_or_a_list_of_arguments():
    hints = [hint for kind in table().values() for names in kind.values() for hint in names.values()]
    assert [hint for hint in hints if isinstance(hint, str) and not hint.endswith(".")] == []
    assert [hint for hint in hints if isinstance(hint, list) and not all(map(str.isidentifier, hint))] == []


def test_a_property_that_fails_raises_its_own_error():
    class Model(ef.optimizers.SGD):
        @property
        def rate(self):
            raise AttributeError("no rate yet")

    with pytest.raises(AttributeError, match=r"^no rate yet$"):
        Model().rate  # noqa: B018
