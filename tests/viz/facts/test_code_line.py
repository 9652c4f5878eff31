"""Lines of code that are too long for a box are shortened between tokens."""

from __future__ import annotations

import pytest

from viz.facts.lines.code_line import shortened_code

LINES = {
    "chosen = ops.sum(q_values * ops.one_hot(actions, 2), axis=1)": (
        "chosen = ops.sum(q_values * ops.one_hot(actions, 2), …)"
    ),
    "target_q = rewards + 0.99 * (1 - dones) * ops.max(target_net(next_states), axis=1)": (
        "target_q = rewards + 0.99 * (1 - dones) * ops.max(…)"
    ),
    "kl = -0.5 * ops.mean(ops.sum(1 + logvar - mu ** 2 - ops.exp(logvar), axis=-1))": (
        "kl = -0.5 * ops.mean(ops.sum(1 + logvar - …, axis=-1))"
    ),
    "x = x[:, 0:self.width, ...] + self.scale['name (of: it)'] if self.training and here else x": (
        "x = x[:, …, ...] + self.scale['name (of: it)'] if …"
    ),
    "return ops.sqrt(x)": "return ops.sqrt(x)",
    "loss = ops.mean(": "loss = ops.mean(…",
}


@pytest.mark.parametrize("code", LINES)
def test_long_lines_keep_their_brackets_and_the_names_of_what_they_call(code):
    assert shortened_code(code, 56) == LINES[code]


@pytest.mark.parametrize("code", ["a" * 200, "((a, b) + (" * 50, "f(a + b, c)" * 45, "x = '" + "y " * 90, "=)(,]", ""])
def test_what_has_no_good_place_is_cut_at_the_end(code):
    found = shortened_code(code, 40)
    assert len(found) <= 40
    assert found == code or found.endswith(("…", "…)"))


@pytest.mark.parametrize("longest", range(20, 80))
def test_no_word_is_cut_in_its_middle(longest):
    code = "entropy = -ops.mean(ops.sum(probabilities * ops.log(probabilities + epsilon), axis=-1))"
    found = shortened_code(code, longest)
    assert len(found) <= longest
    rest = 0
    for part in found.split("…"):
        at = code.index(part, rest)
        rest = at + len(part)
        assert not (at and part and code[at - 1].isalnum() and part[0].isalnum())
        assert not (part and rest < len(code) and part[-1].isalnum() and code[rest].isalnum())
